"""Where the list of a search's trainings is kept: a journal in the work folder, or a database.

A worker that ends without a word leaves its training to the others. Beside a journal it holds a
lock file, which the kernel lets go of; in a database it gives a sign of life now and then.
"""

import contextlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from filelock import FileLock, Timeout
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
)
from tenacity import wait_random_exponential as wait_random

from mtlser.errors import MtlserError, public_text
from mtlser.runtime import SEARCH_STORE
from mtlser.storage import lock
from mtlser.training.search import journal
from mtlser.training.search.optuna_internals import experimental

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage

BEAT_S = 20
"""Seconds between two signs of life of a worker, in a database."""
GRACE_S = 90
"""After which a worker that gave none is taken for dead."""
PATIENCE_S = 600.0
"""How long a database is waited for that went away during a search."""
DATABASES = ("postgresql",)

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


class Store(Protocol):
    """Optuna's storage, and who of its workers is alive."""

    storage: "BaseStorage"
    worker: str
    """Name of this worker; no other one ever has it."""

    def again(self, call: Callable[[], ResultT]) -> ResultT:
        """What `call` returns, tried again while the storage is away."""

    def claiming(self, trial_id: int) -> contextlib.AbstractContextManager[None]:
        """The block that takes a trial."""

    def working(self, trial_id: int) -> contextlib.AbstractContextManager[None]:
        """The block that does what a trial asks for."""

    def looking(self) -> contextlib.AbstractContextManager[None]:
        """The block that looks for dead workers: no trial is half taken meanwhile."""

    def is_dead(self, study: str) -> Callable[[str | None], bool]:
        """Tells of a worker of a study whether it is gone; `None`: of a trial that names none."""

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
    return Database(address) if address else Journal(path)


class Journal:
    """A journal, for workers on machines that share its folder."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.storage: BaseStorage = journal.storage(path)
        self.worker = _name()
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

    def is_dead(self, study: str) -> Callable[[str | None], bool]:
        """Tells of the name of a worker whether it is gone."""
        return self._is_dead

    def _is_dead(self, worker: str | None) -> bool:
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


class Database:
    """A database, for workers anywhere.

    Raises:
        MtlserError: no such kind of database, or it is away, refuses, or is of another version.
    """

    def __init__(self, address: str) -> None:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError

        self._shown = public_text(address)
        self.worker = _name()
        self._steady_since = time.monotonic()
        if not _is_shared(address):
            raise MtlserError(
                f"{self._shown}: not a database that workers can share; allowed are addresses like "
                "postgresql+psycopg2://USER:PASSWORD@HOST:5432/search (--store, or "
                f"{SEARCH_STORE}), or none for a journal in the work folder"
            )
        self.storage: BaseStorage
        try:
            self._rdb = _connected(address)
        except RuntimeError as error:
            raise MtlserError(
                f"{self._shown}: its tables are of another version of Optuna "
                f"({_first(error)}); run `optuna storage upgrade --storage ADDRESS`, or give an "
                "empty database"
            ) from None
        except ImportError as error:
            raise MtlserError(
                f"{self._shown}: there is no driver for it ({error}); allowed are addresses that "
                "begin with postgresql+psycopg2://"
            ) from None
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            raise MtlserError(
                f"{self._shown}: the database does not answer as it should ({_first(error)}); see "
                "that it runs and that address, user and password are right, then run it again"
            ) from None

        self.storage = optuna.storages.get_storage(self._rdb)  # remembers what has ended

    def again(self, call: Callable[[], ResultT]) -> ResultT:
        """What `call` returns, tried again while the database is away.

        Raises:
            MtlserError: it stayed away.
        """
        retrying = Retrying(
            retry=retry_if_exception(_away),
            stop=stop_after_delay(PATIENCE_S),
            wait=wait_random(multiplier=0.5, max=10.0),
            before_sleep=self._say_once,
            reraise=True,
        )
        try:
            return retrying(call)
        except Exception as error:
            if not _away(error):
                raise
            raise MtlserError(
                f"{self._shown}: the database stayed away for {PATIENCE_S:.0f} s "
                f"({_first(error)}); all that is trained is kept: run the same again when it is "
                "there"
            ) from error

    def _say_once(self, state: RetryCallState) -> None:
        self._steady_since = time.monotonic()
        if state.attempt_number == 1 and state.outcome is not None:
            error = state.outcome.exception()
            log.warning("%s is away (%s): trying again", self._shown, _first(error))

    @contextmanager
    def claiming(self, trial_id: int) -> Iterator[None]:
        """The block that takes a trial; a sign of life comes first, lest it be lost in between."""
        self._rdb.record_heartbeat(trial_id)
        yield

    @contextmanager
    def working(self, trial_id: int) -> Iterator[None]:
        """The block that does what a trial asks for, with a sign of life now and then."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(BEAT_S):
                try:
                    self._rdb.record_heartbeat(trial_id)
                except Exception:  # it is away: the next one may get through
                    self._steady_since = time.monotonic()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """The block that looks for dead workers; who takes a trial has given a sign of life."""
        yield

    def is_dead(self, study: str) -> Callable[[str | None], bool]:
        """Gives up the trials of a study's dead workers; tells of no further one that it is gone.

        Not soon after the database was away: the living have then given no sign either.
        """
        import optuna

        if time.monotonic() - self._steady_since < GRACE_S:
            return lambda _: False
        with experimental():
            optuna.storages.fail_stale_trials(
                optuna.load_study(study_name=study, storage=self._rdb)
            )
        return lambda _: False

    def close(self) -> None:
        """Ends the connections."""
        self._rdb.remove_session()
        self._rdb.engine.dispose()


def _is_shared(address: str) -> bool:
    """Whether it is an address of a database that several machines may write to."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return make_url(address).get_backend_name() in DATABASES
    except (SQLAlchemyError, ValueError):
        return False


def _connected(address: str) -> "RDBStorage":
    """The storage, whose tables are made unless they are there.

    Workers that start together make them together, which a database refuses to all but one.
    """
    import optuna
    from sqlalchemy import exc

    retrying = Retrying(
        retry=retry_if_exception_type((exc.IntegrityError, exc.ProgrammingError)),
        stop=stop_after_attempt(10),
        wait=wait_random(multiplier=0.1, max=2.0),
        reraise=True,
    )
    with experimental():
        return retrying(
            lambda: optuna.storages.RDBStorage(
                address.replace("{", "{{").replace("}", "}}"),  # Optuna fills in a template
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=BEAT_S,
                grace_period=GRACE_S,
            )
        )


def _name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _first(error: BaseException | None) -> str:
    """What is wrong, in one line, without an address' password."""
    inner = error.__cause__ if error is not None and error.__cause__ is not None else error
    lines: Iterable[str] = (line.strip() for line in str(inner).splitlines())
    return public_text(next((line for line in lines if line), type(inner).__name__))


def _away(error: BaseException) -> bool:
    """Whether the database is away, or was in the middle of a request."""
    import optuna
    from sqlalchemy import exc

    broken = (exc.OperationalError, exc.InterfaceError, exc.DBAPIError)
    if isinstance(error, optuna.exceptions.StorageInternalError):
        return isinstance(error.__cause__, broken)
    return isinstance(error, broken)
