"""Uploads of folders to S3: the earlier output stays readable until all of the new one is there.

What an earlier output has too is uploaded below a name of its own and copied over by the server
once everything is there; only during those copies does the marker say `uploading`. What the new
output no longer has is deleted after the marker that leaves it out. A killed upload leaves a
marker that names its strays, so that the next one deletes them.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlser.errors import MtlserError
from mtlser.storage import s3
from mtlser.storage.marker import MARKER, Marker
from mtlser.storage.s3_retry import again

INCOMING = ".mtlser-incoming"
"""Below the place: files of an upload that is under way."""


def upload(folder: Path, location: str, *, keep: bool = False) -> None:
    """Uploads all files below `folder`, whole or not at all.

    Args:
        folder: the new output.
        location: an `s3://` address.
        keep: whether the files of the earlier output that are not in `folder` stay.

    Raises:
        MtlserError: S3 refuses; or the earlier output is to be kept but was not finished.
    """
    place, new = s3.Place.parse(location), Marker.of(folder)
    with s3.explained(location):
        client = s3.connect()
        old = s3.read_marker(client, place.bucket, place.key(MARKER))
        destination = _Destination(client, place, folder)
        if old is None or old.state != "complete":
            if old is not None and keep:
                raise MtlserError(
                    f"{location}: the upload there was not finished, so nothing is added to it; "
                    "run the command that wrote it again, or give another --out"
                )
            destination.fill(new, old)
        else:
            unchanged = old.files if keep else {}
            destination.replace(
                old, new, Marker(state="complete", files={**unchanged, **new.files})
            )


@dataclass(frozen=True)
class _Destination:
    """Where a folder goes."""

    client: Any
    place: s3.Place
    folder: Path

    def fill(self, new: Marker, unfinished: Marker | None) -> None:
        """Uploads to a place that holds no finished output."""
        there = {**unfinished.files, **dict.fromkeys(unfinished.strays, 0)} if unfinished else {}
        self._mark(Marker(state="uploading", files={**there, **new.files}))
        self._put({name: name for name in new.files})
        self._complete(new, there.keys() - new.files.keys())

    def replace(self, old: Marker, new: Marker, whole: Marker) -> None:
        """Uploads to a place whose finished output stays readable until the copies begin."""
        below = f"{INCOMING}/{uuid.uuid4().hex[:12]}"
        incoming = {
            name: f"{below}/{name}" if name in old.files else name for name in sorted(new.files)
        }
        copies = {key: name for name, key in incoming.items() if key != name}
        strays = {*old.strays, *incoming.values()}
        self._mark(Marker(state="complete", files=old.files, strays=_sorted(strays)))
        self._put(incoming)
        if copies:
            every = {**old.files, **new.files}
            self._mark(
                Marker(state="uploading", files=every, strays=_sorted(strays - every.keys()))
            )
            s3.parallel(lambda key: self._copy(key, copies[key]), copies)
        self._complete(whole, {*strays, *old.files} - whole.files.keys())

    def _complete(self, whole: Marker, strays: set[str]) -> None:
        """Says that all is there, and deletes what does not belong to it."""
        if strays:
            self._mark(whole.model_copy(update={"strays": _sorted(strays)}))
            s3.parallel(self._delete, strays)
        self._mark(whole)

    def _put(self, keys: dict[str, str]) -> None:
        def put(name: str) -> None:
            key = self.place.key(keys[name])
            self.client.upload_file(str(self.folder / name), self.place.bucket, key)

        s3.parallel(put, keys)

    def _copy(self, source: str, target: str) -> None:
        bucket = self.place.bucket
        origin = {"Bucket": bucket, "Key": self.place.key(source)}
        self.client.copy(origin, bucket, self.place.key(target))

    def _delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.place.bucket, Key=self.place.key(name))

    def _mark(self, marker: Marker) -> None:
        body = marker.model_dump_json().encode()
        key = self.place.key(MARKER)
        again(lambda: self.client.put_object(Bucket=self.place.bucket, Key=key, Body=body))


def _sorted(names: Any) -> tuple[str, ...]:
    return tuple(sorted(names))
