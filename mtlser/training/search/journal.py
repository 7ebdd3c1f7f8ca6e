"""Optuna's journal with a checksum in each line; what is damaged at its end is cut off and kept.

Optuna numbers trials by their place in the journal, so nothing after a damaged line can be used:
the journal goes back to the line before. Trainings that are finished are wanted again then, and
found in their own folders.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mtlser.files import atomic_file
from mtlser.storage import lock
from mtlser.training.search.optuna_internals import experimental

if TYPE_CHECKING:
    from optuna.storages import JournalStorage

CHECK = "check"
"""Key of a line's checksum: the first 16 hex digits of a SHA-256."""
log = logging.getLogger(__name__)


class Lock:
    """Held while one process appends; the kernel releases that of a killed one.

    Optuna's own is a link, which nobody removes after a kill and which dangles in another folder.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(lock_of(path))

    def acquire(self) -> bool:
        """True once it is held."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Lets the next one append."""
        self._lock.release()


def lock_of(path: Path) -> Path:
    """The lock file of a journal; another one than Optuna's own."""
    return path.with_name(f"{path.name}.append.lock")


def dropped(path: Path) -> list[Path]:
    """What was cut off a journal, in files beside it."""
    return sorted(path.parent.glob(f"{path.name}.dropped-*"))


def storage(path: Path) -> "JournalStorage":
    """Optuna's storage on the journal, which is whole or new."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    class Checked(JournalFileBackend):
        """Signs each line."""

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            super().append_logs([{**each, CHECK: checksum(each)} for each in logs])

    repair(path)
    with experimental():
        return JournalStorage(Checked(str(path), lock_obj=Lock(path)))  # type: ignore[arg-type]


def repair(path: Path) -> None:
    """Cuts a journal off before its first damaged line, and keeps what was cut off beside it."""
    if not path.is_file():
        return
    with lock.held(lock_of(path)):
        content = path.read_bytes()
        good = len(whole_lines(content))
        if good == len(content):
            return
        aside = path.with_name(f"{path.name}.dropped-{len(dropped(path)) + 1}")
        with atomic_file(aside, flag="--work") as temporary:
            temporary.write_bytes(content[good:])
        with atomic_file(path, flag="--work") as temporary:
            temporary.write_bytes(content[:good])
    log.warning(
        "%s: damaged after byte %d; the %d bytes after it are now in %s, and finished trainings "
        "are found again",
        path, good, len(content) - good, aside.name,
    )  # fmt: skip


def whole_lines(content: bytes) -> bytes:
    """The beginning of a journal as far as each line has its checksum."""
    good = 0
    for line in content.splitlines(keepends=True):
        if not (line.endswith(b"\n") and is_signed(line)):
            break
        good += len(line)
    return content[:good]


def is_signed(line: bytes) -> bool:
    """Whether a line is as it was written."""
    try:
        entry = json.loads(line)
        return bool(entry.pop(CHECK) == checksum(entry))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def checksum(entry: dict[str, Any]) -> str:
    """Of what a line says, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]
