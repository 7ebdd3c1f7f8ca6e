"""MLflow runs found or made by key, through the client alone: no global active run.

Imported only where something is tracked, since MLflow takes seconds to import.
"""

import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as Entity
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
from mlflow.exceptions import MlflowException
from tenacity import RetryError, Retrying, retry_if_exception, stop_after_attempt
from tenacity import wait_random_exponential as wait_random

from mtlser.errors import MtlserError, public_address

KEY = "mtlser.key"
"""Tag of a child: the same key below the same parent is the same run."""
RUN = "mtlser.run"
"""Tag of a parent: the key that all steps of one pipeline run share."""
MAKER = "mtlser.maker"
"""Tag of a run: the call that made it."""
PARENT = "mlflow.parentRunId"
METRICS_A_BATCH = 1000
PARAMS_A_BATCH = 100
DIGEST_LENGTH = 36
"""MLflow's limit on a dataset's digest."""
SETTLE_S = 0.5
"""How long the maker of a parent waits for others that made one at the same moment."""
THROUGH_SERVER = (
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD",
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD",
)
ATTEMPTS = 6
BUSY = ("database is locked", "UNIQUE constraint failed", "UniqueViolation")
"""Two writers at once: the second finds, on its next attempt, what the first has written."""
REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
"""Codes of what a store that is well will never take."""

Result = TypeVar("Result")


def with_retries(action: Callable[[], Result], doing: str) -> Result:
    """What `action` returns, tried again while the store is busy or away.

    MLflow's own client already retries a server that does not answer; this covers a locked or
    restarting database behind it.

    Raises:
        MtlserError: MLflow refuses, or is still away after the last attempt.
    """
    retrying = Retrying(
        retry=retry_if_exception(_busy),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random(multiplier=0.1, max=5),
    )
    try:
        return retrying(action)
    except (RetryError, MlflowException) as error:
        cause = error.last_attempt.exception() if isinstance(error, RetryError) else error
        lines = str(cause).splitlines() or ["no reason given"]
        refused = isinstance(cause, MlflowException) and cause.error_code in REFUSALS
        check = "give another name or value" if refused else "check MLFLOW_TRACKING_URI"
        raise MtlserError(
            f"MLflow could not {doing}: {lines[0]}; {check}, or set MTLSER_TRACKING=off to run "
            "untracked"
        ) from error


def _busy(error: BaseException) -> bool:
    if not isinstance(error, MlflowException):
        return False
    busy = any(sign in str(error) for sign in BUSY)
    return error.error_code == "TEMPORARILY_UNAVAILABLE" or busy


def connect(uri: str) -> MlflowClient:
    """A client of the store; MLflow's migration chatter is kept off the terminal.

    Artifacts go through the server unless the variables in `THROUGH_SERVER` say otherwise: the
    addresses that it could sign are of a store that only the server may be able to reach.
    """
    for name in THROUGH_SERVER:
        os.environ.setdefault(name, "false")
    if public_address(uri) != uri:  # MLflow prints the address of each run that ends
        os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    registry = os.environ.get("MLFLOW_REGISTRY_URI") or uri
    try:
        return with_retries(
            lambda: MlflowClient(tracking_uri=uri, registry_uri=registry), f"open {uri}"
        )
    except ImportError as error:
        raise MtlserError(
            f"{uri}: {error}; install the database's driver, or give another MLFLOW_TRACKING_URI"
        ) from error


@contextmanager
def fluent(uri: str) -> Iterator[None]:
    """MLflow's global API on one store, and what was there before afterwards.

    Only for what its client cannot do: logging a model, loading one by its URI.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)  # sets the environment too
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def find(client: MlflowClient, experiment_id: str, marks: Mapping[str, str]) -> Entity | None:
    """The earliest run that carries all `marks` as tags (on a tie, the smallest id)."""
    return next(iter(_marked(client, experiment_id, marks)), None)


def _marked(client: MlflowClient, experiment_id: str, marks: Mapping[str, str]) -> list[Entity]:
    quoted = [f"tags.`{key}` = '{value}'" for key, value in marks.items()]
    runs = with_retries(
        lambda: client.search_runs(
            [experiment_id],
            " and ".join(quoted),
            max_results=100,
            order_by=["attributes.start_time ASC"],
        ),
        "search runs",
    )
    return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))


def find_or_create(
    client: MlflowClient,
    experiment_id: str,
    name: str,
    marks: Mapping[str, str],
    tags: Mapping[str, str],
    settle_s: float = 0.0,
) -> Entity:
    """The one run that carries `marks`, made where absent.

    Several processes may ask at once: each maker looks again, the earliest run wins and every
    loser deletes its own. So it does with what a request made whose answer was lost.
    """
    for value in marks.values():
        if "'" in value or not value:
            raise MtlserError(f"run key {value!r}: expected a text without quotes")
    existing = find(client, experiment_id, marks)
    if existing is not None:
        return existing
    maker = uuid.uuid4().hex
    created = with_retries(
        lambda: client.create_run(
            experiment_id,
            start_time=int(time.time() * 1000),
            tags={**tags, **marks, MAKER: maker},
            run_name=name,
        ),
        f"make run {name}",
    )
    time.sleep(settle_s)
    winner = find(client, experiment_id, marks) or created
    for other in _marked(client, experiment_id, {**marks, MAKER: maker}):
        if other.info.run_id != winner.info.run_id:
            with_retries(partial(client.delete_run, other.info.run_id), "delete a run made twice")
    return winner


class MlflowRun:
    """One run of a store, addressed by id."""

    def __init__(self, client: MlflowClient, experiment_id: str, run_id: str) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self._id = run_id

    @property
    def id(self) -> str:
        """MLflow's run id."""
        return self._id

    @property
    def uri(self) -> str:
        """Address of the store."""
        return str(self.client.tracking_uri)

    def token(self) -> str:
        """The run as text, for another process: see `mtlser.tracking.from_token`."""
        return json.dumps({"uri": self.uri, "experiment": self.experiment_id, "run": self._id})

    def child(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> "MlflowRun":
        """The nested run with this key, found or made: a retried step doubles nothing."""
        marks = {PARENT: self._id, KEY: key}
        child = find_or_create(self.client, self.experiment_id, name, marks, tags or {})
        return MlflowRun(self.client, self.experiment_id, str(child.info.run_id))

    def params(self, values: Mapping[str, object]) -> None:
        """Logs parameters once; the same value again is fine, another one is refused."""
        entities = [Param(key, str(value)) for key, value in values.items()]
        for start in range(0, len(entities), PARAMS_A_BATCH):
            batch = entities[start : start + PARAMS_A_BATCH]
            self._log("log parameters", params=batch)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Logs metrics of one step (epoch) in one batch."""
        now_ms = int(time.time() * 1000)
        entities = [Metric(key, float(value), now_ms, step) for key, value in values.items()]
        for start in range(0, len(entities), METRICS_A_BATCH):
            self._log("log metrics", metrics=entities[start : start + METRICS_A_BATCH])

    def steps(self, metric: str) -> set[int]:
        """The steps (epochs) at which a metric has been logged."""
        logged = with_retries(
            lambda: self.client.get_metric_history(self._id, metric), "read metrics"
        )
        return {each.step for each in logged}

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags; a later value replaces an earlier one."""
        self._log("set tags", tags=[RunTag(key, str(value)) for key, value in values.items()])

    def alike(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """Tags of the experiment's runs, up to 100, that carry all of these tags."""
        runs = _marked(self.client, self.experiment_id, tags)
        return [{str(k): str(v) for k, v in run.data.tags.items()} for run in runs]

    def dataset(self, name: str, digest: str, source: str) -> None:
        """Logs the data this run reads; saying it twice is fine."""
        data = Dataset(name, digest[:DIGEST_LENGTH], "local", json.dumps({"uri": source}))
        given = DatasetInput(data, [InputTag("mlflow.data.context", "training")])
        with_retries(lambda: self.client.log_inputs(self._id, [given]), "log the dataset")
        self.tags({"mtlser.manifest": digest})

    def artifact(self, path: Path, folder: str = "") -> None:
        """Uploads a file, or what a folder holds, below `folder`."""
        upload = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
        with_retries(lambda: upload(self._id, str(path), folder or None), f"upload {path}")

    @contextmanager
    def system_metrics(self) -> Iterator[None]:
        """Logs load and memory of the machine meanwhile, where MLflow is told to."""
        wanted: Any = MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
        if not wanted.get():
            yield
            return
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor: Any = SystemMetricsMonitor  # mlflow does not annotate it
        monitor = monitor(self._id, tracking_uri=self.uri, resume_logging=True)
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()

    def close(self, status: str = "FINISHED") -> None:
        """Ends the run: `FINISHED`, `FAILED` or `KILLED`."""
        with_retries(lambda: self.client.set_terminated(self._id, status), "end a run")

    def _log(self, doing: str, **batch: object) -> None:
        with_retries(lambda: self.client.log_batch(self._id, **batch), doing)  # type: ignore[arg-type]
