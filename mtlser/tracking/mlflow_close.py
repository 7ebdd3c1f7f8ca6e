"""Ends what a pipeline run left open in MLflow: its parents, and all runs below them."""

from collections.abc import Iterator
from typing import Literal, get_args

from mlflow import MlflowClient
from mlflow.entities import Run as Entity

from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.tracking import mlflow_parent, mlflow_runs, tracker

Status = Literal["FINISHED", "FAILED", "KILLED"]
OPEN = ("RUNNING", "SCHEDULED")
PAGE = 1000


def close(uri: str, recipe: Recipe, key: str, status: str) -> list[str]:
    """Ids of the key's parents, after ending each of them, and each run below, that is open.

    A run that has ended keeps the status it ended with, so saying it twice is fine.

    Args:
        uri: address of the store.
        recipe: its corpus names the experiment; runs of other recipes under the key count too.
        key: what all steps of the pipeline run share.
        status: `FINISHED`, `FAILED` or `KILLED`.

    Raises:
        MtlserError: another status, an empty key, or MLflow refuses.
    """
    if status not in get_args(Status):
        raise MtlserError(f"status {status!r}: expected one of {', '.join(get_args(Status))}")
    if not key or "'" in key:
        raise MtlserError(f"run key {key!r}: expected a text without quotes; give `--run`")
    client = mlflow_runs.connect(uri)
    experiment_id, _ = mlflow_parent.place(client, uri, recipe)
    parents = list(_tagged(client, experiment_id, mlflow_runs.RUN, key))
    for parent in parents:
        _end(client, experiment_id, parent, status)
    return [str(parent.info.run_id) for parent in parents]


def link(uri: str, recipe: Recipe, run_ids: list[str]) -> str | None:
    """Where a browser shows the first run, without a name or password that the address holds.

    `None` without a run, or without a server.
    """
    if not run_ids or not uri.startswith(("http://", "https://")):
        return None
    client = mlflow_runs.connect(uri)
    experiment_id, _ = mlflow_parent.place(client, uri, recipe)
    return tracker.page(uri, experiment_id, run_ids[0])


def _end(client: MlflowClient, experiment_id: str, run: Entity, status: str) -> None:
    """Children first, so that a closing that is cut short leaves the parent open to tell."""
    for child in _tagged(client, experiment_id, mlflow_runs.PARENT, str(run.info.run_id)):
        _end(client, experiment_id, child, status)
    if run.info.status in OPEN:
        mlflow_runs.with_retries(
            lambda: client.set_terminated(run.info.run_id, status), "end a run"
        )


def _tagged(client: MlflowClient, experiment_id: str, tag: str, value: str) -> Iterator[Entity]:
    """Every run with that tag, page by page."""
    token: str | None = None
    while True:
        page = mlflow_runs.with_retries(
            lambda at=token: client.search_runs(  # type: ignore[misc]
                [experiment_id], f"tags.`{tag}` = '{value}'", max_results=PAGE, page_token=at
            ),
            "search runs",
        )
        yield from page
        token = page.token
        if not token:
            return
