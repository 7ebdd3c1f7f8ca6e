"""Shards of a corpus folder that stay on S3 until one of their clips is read.

Such a folder holds `shards.json` in place of the shards: where each lies, its size and SHA-256. A
shard is fetched when it is first read and kept once in the cache, whichever folder names it, so a
step fetches what it reads, and steps that share a cache fetch it once.
"""

from functools import lru_cache
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.files import sha256_file
from mtlser.records import Record, read_json, write_json
from mtlser.records.paths import PathBelow, Sha256
from mtlser.storage import in_use, lock, places
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import fetching
from mtlser.storage.s3 import files as s3_files
from mtlser.storage.s3.client import Place, Remote

SHARDS = "shards.json"
FOLDER, SUFFIX = "audio/", ".safetensors"
LOCKS = "locks"
"""Folder of the cache with a lock for each shard that was fetched."""


class Shard(Record):
    """One shard: its object, which never changes."""

    address: str
    """`s3://bucket/key`."""
    size: int
    sha256: Sha256


class Shards(Record):
    """`shards.json`: by their paths below the corpus folder."""

    format: int = 1
    files: dict[PathBelow, Shard]


def is_shard(name: str) -> bool:
    """Whether a path below a corpus folder is a shard's."""
    return name.startswith(FOLDER) and name.endswith(SUFFIX)


def fetch_corpus(location: str) -> Path:
    """`storage.fetch` of a corpus folder, whose shards stay on S3 until they are read.

    Raises:
        MtlserError: see `storage.fetch`.
    """
    if not objects.is_s3(location):
        return places.fetch(location)
    return fetching.fetch(location, places.cache_folder(), leave=_leave)


def _leave(place: Place, remotes: list[Remote]) -> tuple[list[Remote], dict[str, str]]:
    """The objects to download now, and the text of `shards.json` for the others."""
    later = [each for each in remotes if each.sha256 and is_shard(each.name)]
    files = {
        each.name: Shard(
            address=f"s3://{place.bucket}/{each.key}", size=each.size, sha256=each.sha256
        )
        for each in later
    }
    now = [each for each in remotes if each.name not in files]
    return now, {SHARDS: Shards(files=files).model_dump_json()} if files else {}


def move(corpus: Path, location: str) -> None:
    """Puts the shards of a corpus folder to S3, each named by its SHA-256, and writes `SHARDS`.

    What is there already is not sent again. The shards leave the folder.

    Args:
        corpus: the folder; nothing else reads it yet.
        location: `s3://` address of the shards of many corpora.

    Raises:
        MtlserError: it is no such address, or S3 refuses.
    """
    if not objects.is_s3(location):
        raise MtlserError(f"{location}: not an address of S3; give one like s3://bucket/clips")
    files = {}
    for path in sorted((corpus / FOLDER).glob(f"*{SUFFIX}")):
        sha256, size = sha256_file(path), path.stat().st_size
        address = f"{location.rstrip('/')}/{sha256}{SUFFIX}"
        if s3_files.size(address) != size:
            s3_files.put(path, address)
        files[f"{FOLDER}{path.name}"] = Shard(address=address, size=size, sha256=sha256)
    write_json(corpus / SHARDS, Shards(files=files))
    for name in files:
        (corpus / name).unlink()


def lists(corpus: Path, name: str) -> bool:
    """Whether the folder's `SHARDS` names a shard."""
    return name in _read(corpus)


def fetched(corpus: Path, name: str) -> Path | None:
    """The local path of a shard that lies on S3, fetched where it is not at hand yet.

    Args:
        corpus: the corpus folder.
        name: path of the shard below it.

    Returns:
        `None` where the folder names no such shard.

    Raises:
        MtlserError: it is absent or another one, or S3 refuses.
    """
    shard = _read(corpus).get(name)
    if shard is None:
        return None
    cache = places.cache_folder()
    with in_use.used(cache):
        (cache / LOCKS).mkdir(parents=True, exist_ok=True)
        with lock.held(cache / LOCKS / shard.sha256):
            return _local(shard.address, shard.size, shard.sha256, cache)


@lru_cache
def _local(address: str, size: int, sha256: str, cache: Path) -> Path:
    """Where the cache has a shard; compared with its SHA-256 once in a process."""
    place = Place.parse(address)
    remote = Remote(Path(place.prefix).name, place.prefix, size, sha256=sha256)
    return fetching.fetch_object(place, remote, cache)


def _read(corpus: Path) -> dict[str, Shard]:
    path = corpus / SHARDS
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _files(path, changed_ns)


@lru_cache(16)
def _files(path: Path, changed_ns: int) -> dict[str, Shard]:
    return read_json(path, Shards).files
