"""The list of files that a finished output folder carries with it."""

from pathlib import Path
from typing import Literal

from mtlser.records import Record
from mtlser.records.paths import PathBelow

MARKER = ".mtlser.json"
SOURCES = ".sources.jsonl"
"""Stamps of a corpus folder's recordings, see `mtlser.data.earlier`: of this machine, so that they
are no part of what the folder holds."""
RELEASE = ".release.json"
"""What a corpus folder was made of, see `mtlser.data.unchanged`: of this machine, too."""
DIGESTS = ".digests.json"
"""SHA-256 of the files of a folder that is kept between runs; see `mtlser.storage.checked`."""
RUN_LOG = "pipeline.log"
"""The file by which the folder of a pipeline run is told from that of one step."""


class Marker(Record):
    """What a finished folder holds, so that a reader can tell whether all of it is there."""

    state: Literal["uploading", "complete"]
    files: dict[PathBelow, int]
    """Size in bytes by path below the folder."""
    strays: tuple[str, ...] = ()
    """Paths of objects there that belong to no finished upload; the next upload deletes them."""

    @classmethod
    def of(cls, folder: Path) -> "Marker":
        """The marker of all files below `folder`, itself left out."""
        files = {
            path.relative_to(folder).as_posix(): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in {MARKER, SOURCES, RELEASE}
        }
        return cls(state="complete", files=files)
