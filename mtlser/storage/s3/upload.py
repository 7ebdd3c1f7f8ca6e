"""Uploads of folders to S3: an earlier output stays readable, and then the new one is there.

See `mtlser.storage.s3.pointer`. What an earlier output had is kept as an old version until
`mtlser clean` deletes it; what a killed upload left is deleted by it too.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlser.errors import MtlserError
from mtlser.storage.marker import MARKER
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import pointer as pointers
from mtlser.storage.s3.client import Place
from mtlser.storage.s3.pointer import VERSIONS, Found, Pointer
from mtlser.storage.s3.retry import again

REFUSED = {"NotImplemented", "InvalidArgument", "InvalidRequest", "501"}
"""What servers answer that know no writes on a condition."""


@dataclass(frozen=True)
class Slot:
    """A place that can be written, and what was there when that was found out."""

    location: str
    before: Found | None
    conditional: bool
    """Whether the server knows writes on a condition."""

    @property
    def place(self) -> Place:
        """The place itself."""
        return Place.parse(self.location)


def reserve(location: str) -> Slot:
    """The place, after an object has been written, read and deleted below it.

    Raises:
        MtlserError: no such bucket, no access, no server, or objects that mtlser did not write.
    """
    place = Place.parse(location)
    with objects.explained(location):
        client = objects.connect()
        # A server may make a bucket for the first object in it; one that reads is there.
        again(lambda: client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1))
        conditional = _probe(client, place)
        before = pointers.read(client, place)
        if before is None:
            _refuse_foreign(client, place, location)
    return Slot(location, before, conditional)


def upload(folder: Path, location: str | Slot) -> None:
    """Uploads all files below `folder`, whole or not at all.

    Args:
        folder: the new output.
        location: an `s3://` address, or the slot from `reserve`, which another writer must not
            have changed since.

    Raises:
        MtlserError: S3 refuses, or another writer was first.
    """
    slot = reserve(location) if isinstance(location, str) else location
    with objects.explained(slot.location):
        client, place = objects.connect(), slot.place
        own = Pointer.to(folder)
        version = place.below(own.folder)

        objects.parallel(lambda name: objects.send(client, folder / name, version, name), own.files)
        pointers.write(client, version, own)
        leading = own.model_copy(update={"base": own.folder})
        pointers.switch(client, place, leading, slot.before, conditional=slot.conditional)
        if slot.before is not None and not slot.before.pointer.version:
            _delete_unversioned(client, place, slot.before.pointer)


def _probe(client: Any, place: Place) -> bool:
    """Writes, reads and deletes an object; whether the server knows writes on a condition."""
    from botocore.exceptions import ClientError

    key, body = place.key(f"{VERSIONS}/probe-{uuid.uuid4().hex[:12]}"), uuid.uuid4().hex.encode()
    conditional = True

    def put(**condition: str) -> None:
        client.put_object(Bucket=place.bucket, Key=key, Body=body, **condition)

    again(put)
    try:
        again(lambda: put(IfNoneMatch="*"))
        conditional = False  # it should have been refused: the object is there
    except ClientError as error:
        if error.response["Error"]["Code"] in REFUSED:
            conditional = False
        elif error.response["Error"]["Code"] not in pointers.CHANGED:
            raise

    def read_back() -> bytes:
        found: bytes = client.get_object(Bucket=place.bucket, Key=key)["Body"].read()
        return found

    read = again(read_back)
    again(lambda: client.delete_object(Bucket=place.bucket, Key=key))
    if read != body:
        raise MtlserError(
            f"{place}: an object that was written there reads as another one; check the server"
        )
    return conditional


def _refuse_foreign(client: Any, place: Place, location: str) -> None:
    """Refuses a place with objects that are no part of an upload."""
    for remote in objects.listed(client, place):
        if not remote.name.startswith(f"{VERSIONS}/"):
            raise MtlserError(
                f"{location}: holds objects that no mtlser step wrote (first: {remote.key}), so it "
                "is not replaced; give a new prefix, or remove these objects yourself"
            )


def _delete_unversioned(client: Any, place: Place, old: Pointer) -> None:
    """Deletes the files of an output of mtlser 0.1, which lie under their own names."""
    names = {*old.files, *old.strays} - {MARKER}
    objects.parallel(
        lambda name: client.delete_object(Bucket=place.bucket, Key=place.key(name)), names
    )
