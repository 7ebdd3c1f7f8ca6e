"""Single files on S3, and what is known of a folder there."""

from pathlib import Path

from mtlser import files
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import fetching
from mtlser.storage.s3 import pointer as pointers
from mtlser.storage.s3.client import MISSING, Place
from mtlser.storage.s3.pointer import Pointer
from mtlser.storage.s3.retry import again


def put(path: Path, location: str) -> None:
    """Uploads a file; its object is replaced whole.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = Place.parse(location)
    with objects.explained(location):
        objects.connect().upload_file(str(path), place.bucket, place.prefix)


def get(location: str, path: Path) -> bool:
    """Downloads an object to `path`, whole or not at all; false where there is none.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    from botocore.exceptions import ClientError

    place = Place.parse(location)
    path.parent.mkdir(parents=True, exist_ok=True)
    with objects.explained(location):
        try:
            client = objects.connect()
            with files.atomic_file(path, flag="--work") as temporary:
                again(lambda: client.download_file(place.bucket, place.prefix, str(temporary)))
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return False
            raise
    return True


def size(location: str) -> int | None:
    """Bytes of an object; `None` where there is none.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    from botocore.exceptions import ClientError

    place = Place.parse(location)
    with objects.explained(location):
        try:
            client = objects.connect()
            found = again(lambda: client.head_object(Bucket=place.bucket, Key=place.prefix))
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise
    length: int = found["ContentLength"]
    return length


def delete(location: str) -> None:
    """Deletes an object, if it is there.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = Place.parse(location)
    with objects.explained(location):
        objects.connect().delete_object(Bucket=place.bucket, Key=place.prefix)


def pointer(location: str) -> Pointer | None:
    """What was last uploaded to `location`; `None` where there is nothing.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    with objects.explained(location):
        found = pointers.read(objects.connect(), Place.parse(location))
    return None if found is None else found.pointer


def holds(location: str) -> bool:
    """True where a whole folder has been uploaded to `location`.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    uploaded = pointer(location)
    return uploaded is not None and uploaded.state == "complete"


def occupied(location: str) -> tuple[int, int]:
    """Objects at and below a place, old versions included, and their bytes.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    with objects.explained(location):
        sizes = [each.size for each in objects.listed(objects.connect(), Place.parse(location))]
    return len(sizes), sum(sizes)


def listing_digest(location: str) -> str:
    """SHA-256 over name, content and size of every file of `location`, as 64 hex digits.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    with objects.explained(location):
        there = fetching.present(objects.connect(), Place.parse(location), location)
    return fetching.digest(there or [])
