"""Figures of the platform for Prometheus: pipeline runs and champions as MLflow tells of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mtlser.registry import champions, retention

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass(frozen=True)
class PipelineRuns:
    """The pipeline runs of one experiment of MLflow; times in seconds since 1970."""

    experiment: str
    open: int
    """Runs that have not ended."""
    oldest_open_s: float | None
    """When the first of them began; `None`: there is none."""
    last_end_s: dict[str, float]
    """By status (`FINISHED`, `FAILED`, `KILLED`): when the last run ended so."""


@dataclass(frozen=True)
class Champion:
    """The champion of one registered model."""

    model: str
    version: int
    since_s: float | None
    """When it became so, in seconds since 1970; `None`: the alias was moved by hand."""


def pipeline_runs(uri: str) -> list[PipelineRuns]:
    """The pipeline runs of each experiment of mtlser's, by name.

    Raises:
        MtlserError: the store is away or refuses.
    """
    from mtlser.tracking import mlflow_runs

    client = mlflow_runs.connect(uri)
    return mlflow_runs.with_retries(lambda: list(_pipeline_runs(client)), "list its runs")


def _pipeline_runs(client: "MlflowClient") -> Iterator[PipelineRuns]:
    from mtlser.tracking.mlflow_runs import PARENT

    parents: dict[str, list[Run]] = {}
    for run in retention.runs(client):
        if PARENT not in run.data.tags:
            parents.setdefault(run.info.experiment_id, []).append(run)
    for experiment_id, runs in parents.items():
        still = [run.info.start_time / 1000 for run in runs if not run.info.end_time]
        ends: dict[str, float] = {}
        for run in runs:
            if run.info.end_time:
                state = str(run.info.status)
                ends[state] = max(ends.get(state, 0.0), run.info.end_time / 1000)
        name = client.get_experiment(experiment_id).name
        yield PipelineRuns(name, len(still), min(still, default=None), ends)


def present_champions(uri: str) -> list[Champion]:
    """The champion of each registered model that has one, by name.

    Raises:
        MtlserError: the store is away or refuses.
    """
    from mtlser.tracking import mlflow_runs

    client = mlflow_runs.connect(uri)
    return mlflow_runs.with_retries(lambda: list(_champions(client)), "list its champions")


def _champions(client: "MlflowClient") -> Iterator[Champion]:
    names = {each.name for each in retention.versions(client)}
    for name in sorted(names):
        version = champions.present(client, name)
        if version is not None:
            tags = client.get_model_version(name, str(version)).tags
            since = tags.get(champions.SINCE)
            moment = None if since is None else datetime.fromisoformat(since).timestamp()
            yield Champion(name, version, moment)
