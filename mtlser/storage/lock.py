"""One process at a time: a lock that says who holds it, and that ends with its holder.

The kernel holds the lock (`flock`), so a killed process leaves none. The file's text is for people:
who has it, where and since when.
"""

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mtlser.records import timestamp

SAID_S = 5.0
"""How long a lock is waited for in silence."""
log = logging.getLogger(__name__)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Runs its block while no other process runs one with the same file.

    Waits as long as another one does; after `SAID_S` seconds one log line says for whom.

    Args:
        path: the lock file; stays there afterwards. Its folder exists.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=SAID_S)
    except Timeout:
        log.warning("%s: waiting for %s, which has it", path, holder(path))
        lock.acquire()
    try:
        sign(path)
        yield
    finally:
        lock.release()


def sign(path: Path) -> None:
    """Writes who holds the lock into its file, in place: the lock is on this very file."""
    with path.open("r+", encoding="utf-8") as file:
        file.truncate()
        file.write(this_process())


def this_process() -> str:
    """Process, host and time as JSON, for `described`."""
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": timestamp()}
    return json.dumps(who)


def holder(path: Path) -> str:
    """Who holds, or last held, a lock, as a person would say it."""
    try:
        return described(path.read_bytes())
    except OSError:
        return described("")


def described(text: str | bytes) -> str:
    """The process that `this_process` was of.

    >>> described('{"pid": 7, "host": "node-1", "since": "2026-11-28T12:00:00+00:00"}')
    'process 7 on node-1 since 2026-11-28T12:00:00+00:00'
    >>> described("")
    'another process'
    """
    try:
        who = json.loads(text)
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
