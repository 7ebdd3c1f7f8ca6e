"""A search's list in a database, for workers anywhere: Optuna's RDB storage, with patience."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

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


class Database:
    """A database, for workers anywhere.

    Raises:
        MtlserError: no such kind of database, or it is away, refuses, or is of another version.
    """

    def __init__(self, address: str, worker: str) -> None:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError

        self._shown = public_text(address)
        self.worker = worker
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

    def end_stale(self, study: str) -> None:
        """Ends the trials of workers that gave no sign of life.

        Not soon after the database was away: the living have then given no sign either.
        """
        import optuna

        if time.monotonic() - self._steady_since < GRACE_S:
            return
        with experimental():
            known = optuna.load_study(study_name=study, storage=self._rdb)
            optuna.storages.fail_stale_trials(known)

    def is_dead(self, worker: str | None) -> bool:
        """Never: a database goes by the signs of life alone."""
        return False

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


def _first(error: BaseException | None) -> str:
    """What is wrong, in one line, without an address' password."""
    inner = error.__cause__ if error is not None and error.__cause__ is not None else error
    lines: Iterable[str] = (line.strip() for line in str(inner).splitlines())
    return public_text(next((line for line in lines if line), type(inner).__name__))


def _away(error: BaseException) -> bool:
    """Whether the database is away, or was in the middle of a request."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy import exc

    inner = error.__cause__ if isinstance(error, StorageInternalError) else error
    return isinstance(inner, exc.DBAPIError)
