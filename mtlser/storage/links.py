"""Copies of files and folders that share their bytes on disk where the file system allows it."""

import os
import shutil
from pathlib import Path

from mtlser.storage.marker import DIGESTS, MARKER


def link(source: str | Path, target: str | Path) -> None:
    """Makes `target` a hard link to the file `source`, or a copy of it."""
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).unlink(missing_ok=True)  # a copy into it would change whatever it is linked to
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def link_tree(source: Path, target: Path) -> None:
    """Fills `target` with links to all files below `source` but its marker and digests."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name not in {MARKER, DIGESTS}:
            link(path, target / path.relative_to(source))
