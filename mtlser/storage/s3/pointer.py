"""What is at a place on S3: one small object, the pointer, that names every file of an output.

The files of an output lie below `.mtlser/VERSION/` of its place, where nothing is written twice.
The pointer, `.mtlser.json` at the place itself, is written last, on the condition that the one that
was there before still is: a place changes over at once, and of two writers one wins. A pointer
lies beside the files of each version too, so that an old one is read as `PLACE/.mtlser/VERSION`.
"""

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from mtlser.errors import MtlserError
from mtlser.files import sha256_file
from mtlser.records import timestamp
from mtlser.records.paths import PathBelow, Sha256
from mtlser.storage.marker import MARKER, Marker
from mtlser.storage.s3 import lease
from mtlser.storage.s3.client import MISSING, Place, Remote
from mtlser.storage.s3.retry import again

VERSIONS = ".mtlser"
"""Folder of a place with the files of its versions."""


class Pointer(Marker):
    """Names the files of an output; one without a version was written by mtlser 0.1.

    The files of such a one lie below the place under their own names.
    """

    version: str = ""
    base: str = ""
    """Where the files are, below the pointer's own place; empty: there."""
    sha256: dict[PathBelow, Sha256] = Field(default_factory=dict)
    """Of each file."""
    written: str = ""
    """When, in UTC."""
    by: str = ""
    """Which process wrote it."""

    @classmethod
    def to(cls, folder: Path) -> "Pointer":
        """A pointer to a new version with the files of `folder`, which lie beside it."""
        files = cls.of(folder).files
        return cls(
            state="complete",
            files=files,
            version=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}",
            sha256={name: sha256_file(folder / name) for name in files},
            written=timestamp(),
            by=f"process {os.getpid()} on {socket.gethostname()}",
        )

    @property
    def folder(self) -> str:
        """Path of the version's folder below the place."""
        return f"{VERSIONS}/{self.version}/"

    def objects(self, place: Place) -> list[Remote]:
        """The files, in order of their names; `place` is where the pointer lies."""
        return [
            Remote(name, place.key(self.base + name), size, sha256=self.sha256[name])
            for name, size in sorted(self.files.items())
        ]


@dataclass(frozen=True)
class Found:
    """A pointer as it was read, and the etag of its object."""

    pointer: Pointer
    etag: str


def read(client: Any, place: Place) -> Found | None:
    """The pointer at a place; `None` where there is none.

    Raises:
        MtlserError: the object under its name is something else.
    """
    from botocore.exceptions import ClientError

    key = place.key(MARKER)

    def read_object() -> tuple[bytes, str]:
        answer = client.get_object(Bucket=place.bucket, Key=key)
        return answer["Body"].read(), answer["ETag"]

    try:
        body, etag = again(read_object)
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return None
        raise
    try:
        pointer = Pointer.model_validate_json(body)
    except ValidationError:
        raise MtlserError(f"s3://{place.bucket}/{key}: not a marker; remove this object") from None
    return Found(pointer, etag)


def switch(
    client: Any, place: Place, pointer: Pointer, before: Found | None, *, conditional: bool
) -> None:
    """Makes a place lead to `pointer`, unless it has changed since `before` was read.

    Args:
        client: of S3.
        place: where.
        pointer: to the new version.
        before: what was there; `None`: nothing.
        conditional: whether the server knows writes on a condition; else a lease stands for it.

    Raises:
        MtlserError: another writer was first.
    """
    from botocore.exceptions import ClientError

    if not conditional:
        with lease.held(client, place):
            now = read(client, place)
            if (now and now.etag) != (before and before.etag):
                _refuse_changed(place, pointer, before, now)
            write(client, place, pointer)
        return
    condition = {"IfMatch": before.etag} if before else {"IfNoneMatch": "*"}
    try:
        write(client, place, pointer, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] not in CHANGED:
            raise
        # Of a write that was tried again, the first try may have come through.
        _refuse_changed(place, pointer, before, read(client, place))


CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409", "404"}
"""Answers to a write on a condition that does not hold."""


def write(client: Any, place: Place, pointer: Pointer, **condition: str) -> None:
    """Writes a pointer, on a condition that boto3 knows by that name."""
    body = pointer.model_dump_json(exclude_defaults=True).encode()
    key = place.key(MARKER)
    again(lambda: client.put_object(Bucket=place.bucket, Key=key, Body=body, **condition))


def _refuse_changed(
    place: Place, pointer: Pointer, before: Found | None, now: Found | None
) -> None:
    if now is not None and now.pointer == pointer:
        return
    if before is not None and now is not None and now.etag == before.etag:
        raise MtlserError(
            f"{place}: the server refused to replace the pointer although nobody else changed it; "
            "run the command again"
        )
    who = "somebody deleted what was there"
    if now is not None:
        who = f"{now.pointer.by or 'another writer'} wrote it at {now.pointer.written or 'a time'}"
    raise MtlserError(
        f"{place}: changed while this output was made: {who}, and that stays; this output is "
        f"whole at {place}/{pointer.folder.rstrip('/')}: give another --out, or run the command "
        "again to replace the other one"
    )
