"""Where the list of a search's trainings is kept: a journal in the work folder, or a database.

A worker that ends without a word leaves its training to the others. Beside a journal it holds a
lock file, which the kernel lets go of; in a database it gives a sign of life now and then.
"""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from filelock import FileLock, Timeout

from mtlser.storage import lock
from mtlser.training.search import journal
from mtlser.training.search.database import Database

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

ResultT = TypeVar("ResultT")


class Store(Protocol):
    """Optuna's storage, and who of its workers is alive."""

    storage: "BaseStorage"
    worker: str
    """Name of this worker; no other one ever has it."""

    def again(self, call: Callable[[], ResultT]) -> ResultT:
        """What `call` returns, tried again while the storage is away."""

    def claiming(self, trial_id: int) -> AbstractContextManager[None]:
        """The block that takes a trial."""

    def working(self, trial_id: int) -> AbstractContextManager[None]:
        """The block that does what a trial asks for."""

    def looking(self) -> AbstractContextManager[None]:
        """The block that looks for dead workers: no trial is half taken meanwhile."""

    def end_stale(self, study: str) -> None:
        """Ends those of a study's trials whose worker the storage itself takes for dead."""

    def is_dead(self, worker: str | None) -> bool:
        """Whether a worker that `end_stale` has left is gone; `None`: an unnamed one."""

    def close(self) -> None:
        """Gives up what only a living worker holds."""


def opened(address: str, path: Path) -> Store:
    """The store at an address.

    Args:
        address: of a database as SQLAlchemy writes it; empty: the journal.
        path: of the journal.

    Raises:
        MtlserError: no such kind of database, or it is away, refuses, or is of another version.
    """
    worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return Database(address, worker) if address else Journal(path, worker)


class Journal:
    """A journal, for workers on machines that share its folder."""

    def __init__(self, path: Path, worker: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.storage: BaseStorage = journal.storage(path)
        self.worker = worker
        self._alive = FileLock(self._lock_of(self.worker))
        self._alive.acquire()

    def _lock_of(self, worker: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{worker}.lock")

    def again(self, call: Callable[[], ResultT]) -> ResultT:
        """What `call` returns; a folder is not waited for."""
        return call()

    @contextmanager
    def claiming(self, trial_id: int) -> Iterator[None]:
        """The block in which no other worker takes a trial."""
        with self.looking():
            yield

    @contextmanager
    def looking(self) -> Iterator[None]:
        """The block in which no worker takes a trial."""
        with lock.held(self._path.with_name(f"{self._path.name}.take.lock")):
            yield

    @contextmanager
    def working(self, trial_id: int) -> Iterator[None]:
        """The block that does what a trial asks for; the lock file says that it lives."""
        yield

    def end_stale(self, study: str) -> None:
        """Ends nothing: a journal knows of no sign of life."""

    def is_dead(self, worker: str | None) -> bool:
        """Whether nobody holds the lock of a worker."""
        if worker is None:  # it was killed between the two writes of a claim
            return True
        if worker == self.worker:
            return False
        other = FileLock(self._lock_of(worker))
        try:
            with other.acquire(timeout=0):
                self._lock_of(worker).unlink(missing_ok=True)
        except Timeout:
            return False
        return True

    def close(self) -> None:
        """Lets the lock go."""
        self._lock_of(self.worker).unlink(missing_ok=True)
        self._alive.release()
