"""What of the cache was last used long ago: found, and deleted when asked.

Everything in the cache can be fetched or computed again, except an output whose upload failed. What
a running process has taken stays, however old (see `mtlser.storage.in_use`).
"""

import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from os import stat_result
from pathlib import Path

from mtlser.storage import in_use
from mtlser.storage.s3.cache import object_of
from mtlser.storage.shards import LOCKS

KINDS = {
    "trees": "copy of a place on S3",
    "work": "checkpoints of a step",
    "ingest": "what a killed ingest had decoded",
    "runs": "a run on its way to S3",
    "outgoing": "output whose upload failed or was killed",
    "precision": "result of the check of 16-bit precision",
}
"""Folders of the cache whose entries go one by one, and what an entry is."""
OBJECTS = "objects"


@dataclass(frozen=True)
class Old:
    """Something that goes."""

    name: str
    """Path below the cache folder."""
    what: str
    used: str
    """Date of its last use, UTC."""
    paths: tuple[Path, ...]
    files: int
    size: int
    """Bytes that become free with it and those before it."""


def clean(cache: Path, before: datetime, *, delete: bool) -> list[Old]:
    """What nobody has used since `before`, least recently used first within its kind.

    Args:
        cache: the cache folder; absent: it holds nothing.
        before: with a time zone.
        delete: whether it is deleted.

    Raises:
        MtlserError: a process is taking something from the cache, or it cannot be written.
    """
    if not cache.is_dir():
        return []
    with in_use.emptied(cache) as began_s:
        limit_s = min(before.timestamp(), began_s or before.timestamp())
        found = _old(cache, limit_s)
        for old in found if delete else ():
            for path in old.paths:
                _remove(path)
        return found


def _old(cache: Path, limit_s: float) -> list[Old]:
    gone: Counter[int] = Counter()
    """Names that go, by the file that they are names of."""
    found = []
    for kind, what in KINDS.items():
        entries = []
        for entry in _children(cache / kind):
            used_s = _used_s(entry)
            if used_s < limit_s:
                entries.append((used_s, entry))
        for used_s, entry in sorted(entries):
            name, stats = f"{kind}/{entry.name}", list(_stats(entry))
            found.append(_described(name, what, used_s, (entry,), stats, gone))
    return [*found, *_objects(cache, limit_s, gone)]


def _objects(cache: Path, limit_s: float, gone: Counter[int]) -> Iterator[Old]:
    """Yields the objects that no tree that stays is made of, together, and the locks."""
    files = [each for folder in _children(cache / OBJECTS) for each in _children(folder)]
    kinds = {OBJECTS: "files of these copies", LOCKS: "locks of shards"}
    for name, paths in ((OBJECTS, files), (LOCKS, _children(cache / LOCKS))):
        used = {path: _used_s(path) for path in paths}
        old = {path: here for path, here in used.items() if here < limit_s and _is_free(path, gone)}
        # A digest goes with the object that it is of.
        goes = [each for each in old if object_of(each) in old or object_of(each) not in used]
        if goes:
            stats = [each for path in goes for each in _stats(path)]
            last_s = max(old[path] for path in goes)
            yield _described(name, kinds[name], last_s, tuple(goes), stats, gone)


def _is_free(path: Path, gone: Counter[int]) -> bool:
    """Whether no tree that stays has the file."""
    here = path.lstat()
    return path.is_dir() or here.st_nlink - gone[here.st_ino] <= 1


def _used_s(path: Path) -> float:
    return max(each.st_mtime for each in _stats(path))


def _described(
    name: str,
    what: str,
    used_s: float,
    paths: tuple[Path, ...],
    stats: list[stat_result],
    gone: Counter[int],
) -> Old:
    """One thing that goes; counts its files' names in `gone`."""
    size = files = 0
    for each in stats:
        if stat.S_ISDIR(each.st_mode):
            continue
        gone[each.st_ino] += 1
        files += 1
        if gone[each.st_ino] == each.st_nlink:
            size += each.st_size
    used = f"{datetime.fromtimestamp(used_s, UTC):%Y-%m-%d}"
    return Old(name=name, what=what, used=used, paths=paths, files=files, size=size)


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _stats(path: Path) -> Iterator[stat_result]:
    """Yields what is known of an entry and of all below it."""
    yield path.lstat()
    if path.is_dir() and not path.is_symlink():
        for below in path.rglob("*"):
            yield below.lstat()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
