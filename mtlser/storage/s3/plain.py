"""A copy of an output with every file under its own name, for people who browse the bucket.

Such a place has no versions and does not change over at once, so no step reads it; the object
`PLAIN` says so, and lists what the next copy to the place may replace and delete.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mtlser.errors import MtlserError
from mtlser.records import Record
from mtlser.storage.marker import Marker
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3.client import MISSING, Place
from mtlser.storage.s3.retry import again

PLAIN = ".mtlser-copy.json"


class Copied(Record):
    """The object `PLAIN`."""

    source: str
    files: tuple[str, ...]


def copy(folder: Path, source: str, location: str) -> None:
    """Uploads all files below `folder` under their own names; those of an earlier copy go.

    Args:
        folder: an output.
        source: where it came from, for a reader of `PLAIN`.
        location: an `s3://` address that holds nothing, or an earlier copy.

    Raises:
        MtlserError: something else is there, or S3 refuses.
    """
    place = Place.parse(location)
    with objects.explained(location):
        client = objects.connect()
        before = _before(client, place)
        foreign = [
            each.key
            for each in objects.listed(client, place)
            if each.name != PLAIN and each.name not in before
        ]
        if foreign:
            raise MtlserError(
                f"{location}: holds objects that are no copy by mtlser (first: {foreign[0]}); give "
                "a new prefix, or remove these objects yourself"
            )
        names = sorted(Marker.of(folder).files)
        _write(client, place, Copied(source=source, files=tuple(sorted({*names, *before}))))
        objects.parallel(lambda name: objects.send(client, folder / name, place, name), names)
        objects.parallel(
            lambda name: client.delete_object(Bucket=place.bucket, Key=place.key(name)),
            set(before) - set(names),
        )
        _write(client, place, Copied(source=source, files=tuple(names)))


def _before(client: Any, place: Place) -> tuple[str, ...]:
    """Files of the copy that is there; none where there is none."""
    from botocore.exceptions import ClientError

    def read() -> bytes:
        body: bytes = client.get_object(Bucket=place.bucket, Key=place.key(PLAIN))["Body"].read()
        return body

    try:
        return Copied.model_validate_json(again(read)).files
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return ()
        raise
    except ValidationError:
        raise MtlserError(f"{place}/{PLAIN}: not a list of files; remove this object") from None


def _write(client: Any, place: Place, copied: Copied) -> None:
    body = copied.model_dump_json(indent=1).encode()
    again(lambda: client.put_object(Bucket=place.bucket, Key=place.key(PLAIN), Body=body))
