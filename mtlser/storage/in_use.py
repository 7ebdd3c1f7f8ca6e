"""Which processes use the cache: told by locks of the kernel, so that it is not emptied under them.

A process that uses the cache holds a lock on a file of its own there until it ends. It touches what
it takes, so what was last used before the first of those processes began is used by none of them.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtlser.errors import MtlserError

USERS = "users"
GATE = ".gate"
"""Held by all while they take something from the cache, by one alone while it deletes."""
_registered: tuple[Path, int] | None = None
"""The cache that this process uses, and its lock: children that are forked have it too."""


@contextmanager
def used(cache: Path) -> Iterator[None]:
    """Runs its block while nothing of the cache is deleted.

    What the block touches stays until this process ends. A folder that cannot be written or has
    no locks is not guarded.

    Args:
        cache: the cache folder, made where absent.
    """
    handle = None
    with suppress(OSError):
        (cache / USERS).mkdir(parents=True, exist_ok=True)
        handle = os.open(cache / USERS / GATE, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(handle, fcntl.LOCK_SH)
        _register(cache)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def emptied(cache: Path) -> Iterator[float | None]:
    """Yields when the first of the processes that use the cache began to, seconds since 1970.

    `None`: none does. Nobody takes anything from the cache meanwhile.

    Raises:
        MtlserError: a process is taking something right now, or the folder cannot be written.
    """
    try:
        (cache / USERS).mkdir(exist_ok=True)
        handle = os.open(cache / USERS / GATE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise MtlserError(
            f"{cache}: cannot be written: {error.strerror}; give the cache folder as MTLSER_CACHE"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MtlserError(
                f"{cache}: a process is taking something from it; run the same command again in "
                "a while"
            ) from None
        yield min(_running(cache), default=None)
    finally:
        os.close(handle)


def touch(path: Path) -> None:
    """Notes in its time of change that a file or folder is used now."""
    with suppress(OSError):  # absent, or somebody else's
        os.utime(path)


def _register(cache: Path) -> None:
    """Makes and locks this process' file; removes those of processes that have ended."""
    global _registered  # noqa: PLW0603 - of the process, as the lock is
    if _registered is not None:
        if _registered[0] == cache:
            return
        os.close(_registered[1])
        _registered = None
    _running(cache)
    own = cache / USERS / uuid.uuid4().hex
    begun = own.with_name(f".{own.name}")  # unseen by others until it is locked
    handle = os.open(begun, os.O_RDWR | os.O_CREAT, 0o666)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    begun.rename(own)
    _registered = (cache, handle)


def _running(cache: Path) -> list[float]:
    """When each process that uses the cache began; the files of others are removed."""
    began = []
    for path in (cache / USERS).iterdir():
        if path.name.startswith("."):
            continue
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except OSError:  # it runs, or this file system cannot tell
                began.append(path.stat().st_mtime)
            finally:
                os.close(handle)
    return began
