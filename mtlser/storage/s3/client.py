"""The S3 server that the environment names: places there, their objects, calls to it.

The endpoint is `MTLSER_S3_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or
`MLFLOW_S3_ENDPOINT_URL`; credentials are `MTLSER_S3_ACCESS_KEY_ID` and its secret, or found as
boto3 finds them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mtlser.errors import MtlserError, public_address
from mtlser.storage.s3 import keys
from mtlser.storage.s3.retry import again
from mtlser.storage.s3.session import session

SCHEME = "s3://"
MISSING = frozenset({"404", "NoSuchKey"})
"""Codes of the answer that an object is not there."""
WORKERS = 16
SMALL = 1 << 20
"""Bytes of an object that is sent and fetched in one request, without boto3's transfer manager."""
PAGE = 1000

ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class Place:
    """A bucket and a prefix without slashes at its ends (empty: the whole bucket)."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, location: str) -> "Place":
        """The place that an `s3://bucket/prefix` address names.

        >>> Place.parse("s3://speech/iemocap/")
        Place(bucket='speech', prefix='iemocap')

        Raises:
            MtlserError: no bucket is named, or it holds a password.
        """
        if "@" in location.removeprefix(SCHEME).partition("/")[0]:
            raise MtlserError(
                f"{public_address(location)}: the address holds a user name or a password; give "
                "them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and s3://bucket/prefix alone"
            )
        bucket, _, prefix = location.removeprefix(SCHEME).partition("/")
        if not bucket:
            raise MtlserError(f"{location}: no bucket; expected s3://bucket/prefix")
        return cls(bucket, prefix.strip("/"))

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """The key of the file `name` below this place."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def below(self, folder: str) -> "Place":
        """The place of a folder below this one; of no folder, this one."""
        name = folder.strip("/")
        return Place(self.bucket, self.key(name)) if name else self


@dataclass(frozen=True)
class Remote:
    """One object: its path below the place, its key, and what identifies its content."""

    name: str
    key: str
    size: int
    etag: str = ""
    sha256: str = ""
    """Empty where nobody has said it."""


def is_s3(location: str) -> bool:
    """True for an `s3://` address."""
    return location.startswith(SCHEME)


def endpoint() -> str | None:
    """The S3 endpoint of the environment; `None`: Amazon's own."""
    names = (
        "MTLSER_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
        "MLFLOW_S3_ENDPOINT_URL",
    )  # fmt: skip
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def connect(*, retries: int = 5, connect_s: float = 10, read_s: float = 60) -> Any:
    """A client of the endpoint and credentials that the environment names.

    Args:
        retries: attempts after the first.
        connect_s: how long one attempt waits for a connection, in seconds.
        read_s: and for an answer.
    """
    from botocore.config import Config

    address = endpoint()
    config = Config(
        retries={"mode": "standard", "max_attempts": retries},
        connect_timeout=connect_s,
        read_timeout=read_s,
        max_pool_connections=2 * WORKERS,
        s3={"addressing_style": "path" if address else "auto"},
    )
    try:
        return session().client("s3", endpoint_url=address, config=config)
    except ValueError as error:
        raise MtlserError(f"{error}; AWS_ENDPOINT_URL is like http://host:8333") from None


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turns what boto3 raises into one sentence."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        where = endpoint() or "Amazon S3"
        raise MtlserError(
            f"{location}: {where} says: {' '.join(str(error).split())}; {_advice(str(error))}"
        ) from None


ADVICE = {
    "RequestTimeTooSkewed": "set this machine's clock, then run the command again",
    "ExpiredToken": "get new credentials (AWS_SESSION_TOKEN), then run the command again",
    "SlowDown": "the server is busy, run the command again later",
    "InternalError": "the server is ill, run the command again later",
}
"""What to do, by the code of the answer."""


def _advice(said: str) -> str:
    for code, advice in ADVICE.items():
        if f"({code})" in said:
            return advice
    return "check the bucket, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"


def listed(client: Any, place: Place) -> Iterator[Remote]:
    """Yields every object at the place and below it."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=place.bucket, Prefix=place.prefix, PaginationConfig={"PageSize": PAGE}
    )
    entries = again(lambda: [entry for page in pages for entry in page.get("Contents", ())])
    for entry in entries:
        key: str = entry["Key"]
        name = key.removeprefix(place.prefix).removeprefix("/") if place.prefix else key
        inside = not place.prefix or key == place.prefix or key.startswith(place.prefix + "/")
        if not inside:
            continue
        if key.endswith("/"):
            keys.check_folder_object(place.bucket, key, entry["Size"])
            continue
        keys.check(place.bucket, key, name)
        yield Remote(name, key, entry["Size"], etag=entry["ETag"].strip('"'))


def send(client: Any, path: Path, place: Place, name: str) -> None:
    """Uploads a file as the object `name` of a place, a small one in one request."""
    if path.stat().st_size > SMALL:
        client.upload_file(str(path), place.bucket, place.key(name))
    else:
        client.put_object(Bucket=place.bucket, Key=place.key(name), Body=path.read_bytes())


def parallel(call: Callable[[ItemT], object], items: Iterable[ItemT]) -> None:
    """Calls side by side, each again while S3 is away; an error cancels what has not begun."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda item: again(lambda: call(item)), items):
            pass
