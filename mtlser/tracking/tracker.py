"""MLflow runs, found or made by key; a null tracker where nothing is to be tracked.

Experiment `mtlser/CORPUS` > parent run (one pipeline run) > one run per (alpha, beta) cell with
fold means of validation scores > one run per fold with epoch curves. All steps of a pipeline run
share one parent through its key, each from a process of its own.

Where to: MLflow's own `MLFLOW_TRACKING_URI`; without it `mlflow.db` and `mlruns/` in the current
folder. `MTLSER_TRACKING=off` tracks nothing.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from mtlser.errors import MtlserError, public_address
from mtlser.recipe import Recipe
from mtlser.recipes import names
from mtlser.records import FoldPlan
from mtlser.tracking import sqlite

TRAINING_VIEW = "workflowType=machine_learning"
RUN_VARIABLE = "MTLSER_RUN"
"""The run's key, for `torchrun`, which takes `--run` for a shortened flag of its own."""


class Run(Protocol):
    """One run: what stages may say to the tracker."""

    @property
    def id(self) -> str | None:
        """MLflow's run id; `None` where nothing is tracked."""

    @property
    def uri(self) -> str | None:
        """Address of the store; `None` where nothing is tracked."""

    def token(self) -> str:
        """The run as text, for another process: see `from_token`."""

    def child(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> "Run":
        """The nested run with this key, found or made: a retried step doubles nothing."""

    def params(self, values: Mapping[str, object]) -> None:
        """Logs parameters once; `hp.alpha`, `hp.beta` are the search's own."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Logs metrics of one step (epoch) in one batch."""

    def steps(self, metric: str) -> set[int]:
        """The steps (epochs) at which a metric has been logged."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags; a later value replaces an earlier one."""

    def alike(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """Tags of the experiment's runs, up to 100, that carry all of these tags."""

    def dataset(self, name: str, digest: str, source: str) -> None:
        """Logs the data this run reads; saying it twice is fine."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Uploads a file, or what a folder holds, below `folder`."""

    def system_metrics(self) -> AbstractContextManager[None]:
        """Logs load and memory of the machine meanwhile, where MLflow is told to.

        By its own `MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=true`.
        """

    def close(self, status: str = "FINISHED") -> None:
        """Ends the run: `FINISHED`, `FAILED` or `KILLED`."""


class NullRun:
    """A run that is not tracked: every message is dropped."""

    id: str | None = None
    uri: str | None = None

    def token(self) -> str:
        """Empty text: `from_token` makes a `NullRun` of it."""
        return ""

    def child(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> "NullRun":
        """This run itself."""
        return self

    def params(self, values: Mapping[str, object]) -> None:
        """Drops parameters."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Drops metrics."""

    def steps(self, metric: str) -> set[int]:
        """None: nothing was logged."""
        return set()

    def tags(self, values: Mapping[str, str]) -> None:
        """Drops tags."""

    def alike(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """None: nothing was logged."""
        return []

    def dataset(self, name: str, digest: str, source: str) -> None:
        """Drops the dataset."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Drops the artifact."""

    def system_metrics(self) -> AbstractContextManager[None]:
        """Does nothing."""
        return nullcontext()

    def close(self, status: str = "FINISHED") -> None:
        """Does nothing."""


def tracked() -> bool:
    """False where `MTLSER_TRACKING=off`, and in all but the first process of `torchrun`."""
    if os.environ.get("RANK", "0") != "0":
        return False
    return os.environ.get("MTLSER_TRACKING", "").lower() not in {"off", "0", "none", "false"}


def uri() -> str:
    """Address of the store: `MLFLOW_TRACKING_URI`, else `mlflow.db` in the current folder."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    return given or sqlite.address(Path.cwd() / "mlflow.db")


def existing_uri(sought: str) -> str:
    """Address of the store that `sought` is to be read from.

    Raises:
        MtlserError: it is a database file that is not there.
    """
    address = uri()
    database = sqlite.path(address)
    if database is not None and not database.is_file():
        raise MtlserError(
            f"{sought}: no MLflow store at {address}; set MLFLOW_TRACKING_URI to the one that "
            "holds it"
        )
    return address


def page(address: str, experiment: str = "", run: str = "") -> str | None:
    """Where a browser shows the store's experiments, or a run, as training runs.

    `None` where the store is no server. MLflow 3.17 opens its pages on the view for language
    models unless the address names the other one; the experiment's kind alone does not decide.

    >>> page("http://user:word@host:5000", "2", "ab12")
    'http://host:5000/#/experiments/2/runs/ab12?workflowType=machine_learning'
    """
    if not address.startswith(("http://", "https://")):
        return None
    place = f"/{experiment}/runs/{run}" if experiment else ""
    return f"{public_address(address).rstrip('/')}/#/experiments{place}?{TRAINING_VIEW}"


def init_store() -> str:
    """Makes the store ready and returns its address, to be handed to other processes.

    A fresh sqlite opened by several processes at once fails, so call this before fan-out, and
    pass the address on as `MLFLOW_TRACKING_URI`.
    """
    address = uri()
    if tracked():
        from mtlser.tracking import mlflow_runs

        client = mlflow_runs.connect(address)
        mlflow_runs.with_retries(
            lambda: client.search_experiments(max_results=1), f"open {address}"
        )
    return address


@contextmanager
def parent(recipe: Recipe, run: str = "") -> Iterator[Run]:
    """The parent run of one pipeline run, found or made by its key at the first word to it.

    With a key the run stays open when the step ends, for the steps to come, until `finish`; a
    failing step marks it `FAILED`. With an empty key the run is this step's own and ends with it.

    Args:
        recipe: its corpus names the experiment; it is logged whole, once.
        run: the key, for example the pipeline's job id.

    Raises:
        MtlserError: a key that MLflow could not look for.
    """
    try:
        names.run_key(run)
    except ValueError as error:
        raise MtlserError(f"run key {run!r}: {error}; give another `--run`") from None
    if not tracked():
        yield NullRun()
        return
    opened = cast("Run", _Awaited(lambda: _open(recipe, run)))
    try:
        yield opened
    except BaseException as error:
        # A store that is away must not hide what went wrong.
        with suppress(Exception):
            opened.close("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    if not run:
        opened.close()


class _Awaited:
    """A run that is found or made at the first word to it; until then MLflow is not imported."""

    def __init__(self, opening: Callable[[], Run]) -> None:
        self._run = cache(opening)

    def __getattr__(self, name: str) -> object:
        return getattr(self._run(), name)


def _open(recipe: Recipe, run: str) -> Run:
    from mtlser.tracking import mlflow_parent

    return mlflow_parent.opened(uri(), recipe, run)


def finish(run: Run) -> None:
    """Ends a pipeline run's parent well; the last stage calls it."""
    run.close()


def from_token(token: str) -> Run:
    """The run that `Run.token` named, in another process."""
    if not token:
        return NullRun()
    from mtlser.tracking import mlflow_runs

    place = json.loads(token)
    client = mlflow_runs.connect(place["uri"])
    return mlflow_runs.MlflowRun(client, place["experiment"], place["run"])


def dataset(run: Run, recipe: Recipe, plan: FoldPlan) -> None:
    """Logs the corpus with the digest of its manifest as the run's input."""
    roots = ", ".join(recipe.portable().roots.values())
    run.dataset(recipe.corpus, plan.manifest_digest, roots)


def numbers(values: Mapping[str, object]) -> dict[str, float]:
    """The numeric entries of a flat mapping; truth values and `None` are left out.

    >>> numbers({"wa_mean": 0.7, "folds": 5, "leaks": False, "wer": None, "protocol": "loso"})
    {'wa_mean': 0.7, 'folds': 5.0}
    """
    return {
        key: float(value)
        for key, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
