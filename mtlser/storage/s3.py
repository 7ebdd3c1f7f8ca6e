"""Folders on S3: downloads cached by etag, read whole or not at all.

A reader refuses a place whose marker says `uploading`, takes exactly the files that a complete
marker lists, and takes everything below a prefix that has no marker (a release somebody copied
there). `mtlser.storage.s3_upload` writes the markers.

The endpoint is `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or `MLFLOW_S3_ENDPOINT_URL`; credentials
are found as boto3 finds them.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import ValidationError

from mtlser import files
from mtlser.errors import MtlserError, public_address
from mtlser.storage import s3_cache, s3_keys
from mtlser.storage.marker import MARKER, Marker
from mtlser.storage.s3_retry import again
from mtlser.storage.s3_session import session

SCHEME = "s3://"
WORKERS = 16
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

    def key(self, name: str) -> str:
        """The key of the file `name` below this place."""
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(frozen=True)
class Remote:
    """One object: its path below the place, and what identifies its content."""

    name: str
    etag: str
    size: int


def is_s3(location: str) -> bool:
    """True for an `s3://` address."""
    return location.startswith(SCHEME)


def endpoint() -> str | None:
    """The S3 endpoint of the environment; `None`: Amazon's own."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def fetch(location: str, cache: Path) -> Path:
    """A local folder (or file, where `location` is one object) with what `location` holds now.

    Objects are kept once, by place, etag and size; a fetched folder is a tree of hard links to
    them, named by its listing: it never changes, and two processes may fetch it at once. Old
    trees stay until the cache is deleted. What is there is compared with its SHA-256, and
    downloaded again where it is damaged.

    Raises:
        MtlserError: nothing is there, the upload is not whole, or S3 refuses.
    """
    place = Place.parse(location)
    with explained(location):
        client = connect()
        remotes = _wanted(client, place, location)
        listing = "\n".join(f"{remote.name} {remote.etag} {remote.size}" for remote in remotes)
        tree = cache / "trees" / _hash(endpoint() or "", place.bucket, place.prefix, listing)
        try:
            parallel(lambda remote: _download(client, place, remote, cache), remotes)
            if tree.is_dir():
                for remote in remotes:
                    s3_cache.mend(_link_of(tree, place, remote), _stored(place, remote, cache))
            else:
                _link_tree(place, remotes, cache, tree)
        except OSError as error:
            if files.is_full(error):
                raise files.no_space(cache, "MTLSER_CACHE") from None
            raise MtlserError(
                f"{location}: cannot be kept in {cache}: {error.strerror or error}; give a "
                "folder with room as MTLSER_CACHE"
            ) from None
    single = [remote.name for remote in remotes] == [""]
    return tree / PurePosixPath(place.prefix).name if single else tree


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
            f"{location}: {where} says: {' '.join(str(error).split())}; check the bucket, "
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
        ) from None


def _wanted(client: Any, place: Place, location: str) -> list[Remote]:
    """The objects that make up the place, in name order; refuses what is half-written."""
    objects = {remote.name: remote for remote in listed(client, place)}
    if not objects:
        raise MtlserError(
            f"{location}: nothing there; expected objects below this prefix: check it, or run "
            "the step that writes it"
        )
    unwanted = {name for name in objects if PurePosixPath(name).name == MARKER}
    for name in sorted(unwanted):
        marker, folder = _whole(client, place, name, objects, location), name.removesuffix(MARKER)
        unwanted |= {folder + stray for stray in marker.strays}
        if name == MARKER:
            unwanted |= objects.keys() - marker.files.keys()
    wanted = [remote for name, remote in sorted(objects.items()) if name not in unwanted]
    if not wanted:
        raise MtlserError(f"{location}: the folder is empty; run the step that writes it")
    s3_keys.check_tree(location, [remote.name for remote in wanted])
    return wanted


def _whole(
    client: Any, place: Place, name: str, objects: dict[str, Remote], location: str
) -> Marker:
    """The marker `name`; refuses a folder of which not all is there."""
    marker = read_marker(client, place.bucket, place.key(name))
    folder = name.removesuffix(MARKER)
    if marker is None or marker.state != "complete":
        raise MtlserError(
            f"{location}: the upload of {folder or 'this folder'} was not finished; run the step "
            "that writes it again"
        )
    for path, size in marker.files.items():
        remote = objects.get(folder + path)
        if remote is None or remote.size != size:
            seen = "absent" if remote is None else f"{remote.size} bytes"
            raise MtlserError(
                f"{location}: {folder + path} is {seen}, expected {size} bytes; run the step that "
                "writes it again"
            )
    return marker


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
            s3_keys.check_folder_object(place.bucket, key, entry["Size"])
            continue
        s3_keys.check(place.bucket, key, name)
        yield Remote(name, entry["ETag"].strip('"'), entry["Size"])


def read_marker(client: Any, bucket: str, key: str) -> Marker | None:
    """The marker that an object holds; `None` where there is no such object."""
    from botocore.exceptions import ClientError

    def read() -> bytes:
        body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    try:
        body = again(read)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    try:
        return Marker.model_validate_json(body)
    except ValidationError:
        raise MtlserError(f"s3://{bucket}/{key}: not a marker; remove this object") from None


def _stored(place: Place, remote: Remote, cache: Path) -> Path:
    key = place.key(remote.name)
    digest = _hash(endpoint() or "", place.bucket, key, remote.etag, str(remote.size))
    return cache / "objects" / digest[:2] / digest


def _download(client: Any, place: Place, remote: Remote, cache: Path) -> None:
    path = _stored(place, remote, cache)
    if s3_cache.is_whole(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    key = place.key(remote.name) if remote.name else place.prefix
    with files.atomic_file(path, flag="MTLSER_CACHE") as temporary:
        client.download_file(place.bucket, key, str(temporary))
        if temporary.stat().st_size != remote.size:
            raise MtlserError(f"s3://{place.bucket}/{key}: changed during download; run it again")
        temporary.chmod(0o444)
        s3_cache.sign(path, temporary)


def _link_of(tree: Path, place: Place, remote: Remote) -> Path:
    """Where a tree has an object; its own name where the place is a single one."""
    return tree / (remote.name or PurePosixPath(place.prefix).name)


def _link_tree(place: Place, remotes: list[Remote], cache: Path, tree: Path) -> None:
    tree.parent.mkdir(parents=True, exist_ok=True)
    with files.scratch_folder(tree.parent, tree.name) as temporary:
        for remote in remotes:
            link = _link_of(temporary, place, remote)
            link.parent.mkdir(parents=True, exist_ok=True)
            stored = _stored(place, remote, cache)
            try:
                os.link(stored, link)
            except OSError:  # a file system without hard links
                shutil.copyfile(stored, link)
        try:
            temporary.rename(tree)
        except OSError:
            if not tree.is_dir():  # else another process was first
                raise


def parallel(call: Callable[[ItemT], object], items: Iterable[ItemT]) -> None:
    """Calls side by side, each again while S3 is away; an error cancels what has not begun."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda item: again(lambda: call(item)), items):
            pass


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
