"""A run whose failures are remembered: what a step has made outlives a store that refuses it.

A report that took days must not go because MLflow is away or refuses a name. The step writes to a
`TolerantRun`, puts its output into place, and only then says what failed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from mtlser.errors import MtlserError
from mtlser.tracking.tracker import NullRun, Run

ResultT = TypeVar("ResultT")


class Failure:
    """The first failure of a run and its children."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def raise_after(self, made: str) -> None:
        """Raises what failed, if anything did.

        Args:
            made: what is there all the same.

        Raises:
            MtlserError: the store was away or refused something.
        """
        if self.error is not None:
            reason = (str(self.error).splitlines() or [type(self.error).__name__])[0]
            raise MtlserError(
                f"{made}, and it stays; but not all of it reached MLflow: {reason}; run the "
                "same command again to log it"
            ) from self.error


class TolerantRun:
    """A run that drops every message after the first that failed; it waits for a store once."""

    def __init__(self, run: Run, failure: Failure | None = None) -> None:
        self._run, self.failure = run, failure or Failure()

    @property
    def id(self) -> str | None:
        """MLflow's run id; `None` where the store failed, too."""
        return self._tried(lambda run: run.id)

    @property
    def uri(self) -> str | None:
        """Address of the store; `None` where the store failed, too."""
        return self._tried(lambda run: run.uri)

    @property
    def experiment_id(self) -> str | None:
        """MLflow's experiment id; `None` where nothing is tracked."""
        return self._tried(lambda run: getattr(run, "experiment_id", None))

    def token(self) -> str:
        """The run as text, for another process."""
        return self._tried(lambda run: run.token())

    def child(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> "TolerantRun":
        """The nested run with this key, whose failures count as this one's."""
        return TolerantRun(self._tried(lambda run: run.child(key, name, tags)), self.failure)

    def params(self, values: Mapping[str, object]) -> None:
        """Logs parameters."""
        self._tried(lambda run: run.params(values))

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Logs metrics of one step."""
        self._tried(lambda run: run.metrics(values, step))

    def steps(self, metric: str) -> set[int]:
        """The steps at which a metric has been logged."""
        return self._tried(lambda run: run.steps(metric))

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags."""
        self._tried(lambda run: run.tags(values))

    def alike(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """Tags of the experiment's runs that carry all of these tags."""
        return self._tried(lambda run: run.alike(tags))

    def dataset(self, name: str, digest: str, source: str) -> None:
        """Logs the data this run reads."""
        self._tried(lambda run: run.dataset(name, digest, source))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Uploads a file, or what a folder holds."""
        self._tried(lambda run: run.artifact(path, folder))

    @contextmanager
    def system_metrics(self) -> Iterator[None]:
        """Does nothing: a step that needs this run logs no load of the machine."""
        yield

    def close(self, status: str = "FINISHED") -> None:
        """Ends the run."""
        self._tried(lambda run: run.close(status))

    def _tried(self, message: Callable[[Run], ResultT]) -> ResultT:
        """What the run answers; after a failure, what a run answers that is not tracked."""
        if self.failure.error is None:
            try:
                return message(self._run)
            except Exception as error:  # whatever it is, what was made is worth more
                self.failure.error = error
        return message(NullRun())
