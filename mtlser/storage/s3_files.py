"""Single files on S3, and whether a folder there is whole or can be written."""

import hashlib
from pathlib import Path

from mtlser import files
from mtlser.storage import s3
from mtlser.storage.marker import MARKER, Marker
from mtlser.storage.s3_retry import again


def put(path: Path, location: str) -> None:
    """Uploads a file; its object is replaced whole.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = s3.Place.parse(location)
    with s3.explained(location):
        s3.connect().upload_file(str(path), place.bucket, place.prefix)


def get(location: str, path: Path) -> bool:
    """Downloads an object to `path`, whole or not at all; false where there is none.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    from botocore.exceptions import ClientError

    place = s3.Place.parse(location)
    path.parent.mkdir(parents=True, exist_ok=True)
    with s3.explained(location):
        try:
            client = s3.connect()
            with files.atomic_file(path, flag="--work") as temporary:
                again(lambda: client.download_file(place.bucket, place.prefix, str(temporary)))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return False
            raise
    return True


def delete(location: str) -> None:
    """Deletes an object, if it is there.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = s3.Place.parse(location)
    with s3.explained(location):
        s3.connect().delete_object(Bucket=place.bucket, Key=place.prefix)


def marker(location: str) -> Marker | None:
    """The marker of what was last uploaded to `location`; `None` where there is none.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = s3.Place.parse(location)
    with s3.explained(location):
        return s3.read_marker(s3.connect(), place.bucket, place.key(MARKER))


def holds(location: str) -> bool:
    """True where a whole folder has been uploaded to `location`.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    uploaded = marker(location)
    return uploaded is not None and uploaded.state == "complete"


def listing_digest(location: str) -> str:
    """SHA-256 over name, etag and size of every object below `location`, as 64 hex digits.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = s3.Place.parse(location)
    with s3.explained(location):
        objects = sorted(s3.listed(s3.connect(), place), key=lambda each: each.name)
    lines = [f"{each.name}\0{each.etag}\0{each.size}\n" for each in objects]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_writable(location: str) -> None:
    """Raises before a long stage what would fail after it.

    Raises:
        MtlserError: no such bucket, no access, no server.
    """
    place = s3.Place.parse(location)
    with s3.explained(location):
        client, prefix = s3.connect(), place.key(MARKER)
        again(lambda: client.list_objects_v2(Bucket=place.bucket, Prefix=prefix, MaxKeys=1))
