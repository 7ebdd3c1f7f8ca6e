"""Runs of MLflow that are old and that no champion needs: found, and deleted when asked.

A pipeline run is a tree: a parent, and a run for each pair or cell. It stays or goes as a whole.
One stays that has not ended, or not long enough ago, or that a model came from which has an alias
(the champion, the challenger) or was champion before the present one, so that a roll-back finds it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from mtlser.registry import champions

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENTS = "mtlser/%"
PAGE = 1000


@dataclass(frozen=True)
class OldRun:
    """A parent run that goes, with all below it."""

    id: str
    name: str
    ended: str
    """Date, UTC."""
    runs: tuple[str, ...]
    """Ids of the tree, the parent's own among them."""
    versions: tuple[tuple[str, str], ...]
    """Registered versions that came from it: name and number."""


def old_runs(uri: str, before: datetime) -> list[OldRun]:
    """The pipeline runs that ended before `before` and are not needed, oldest first.

    Args:
        uri: the MLflow store.
        before: with a time zone.

    Raises:
        MtlserError: the store is away or refuses.
    """
    from mtlser.tracking import mlflow_runs

    client = mlflow_runs.connect(uri)
    trees = mlflow_runs.with_retries(lambda: _trees(client), "list its runs")
    known = mlflow_runs.with_retries(lambda: versions(client), "list its models")
    needed = mlflow_runs.with_retries(lambda: _needed(client, known), "list its champions")
    limit_ms = before.timestamp() * 1000
    found = [
        _old(parent, tree, known)
        for parent, tree in trees.items()
        if needed.isdisjoint(tree)
        and all(run.info.end_time and run.info.end_time < limit_ms for run in tree.values())
    ]
    return sorted(found, key=lambda each: (each.ended, each.id))


def needed_keys(uri: str) -> set[str]:
    """Keys of the pipeline runs that stay for the sake of a champion, the next or the last one.

    On a cluster a key is the id of the Kubeflow run.

    Raises:
        MtlserError: the store is away or refuses.
    """
    from mtlser.tracking import mlflow_runs

    client = mlflow_runs.connect(uri)
    known = mlflow_runs.with_retries(lambda: versions(client), "list its models")
    needed = mlflow_runs.with_retries(lambda: _needed(client, known), "list its champions")
    return mlflow_runs.with_retries(
        lambda: {key for run in needed if run for key in _keys(client, run)}, "read their runs"
    )


def _keys(client: "MlflowClient", run_id: str) -> Iterator[str]:
    """Yields the keys of a run and of all above it."""
    from mtlser.tracking.mlflow_runs import PARENT, RUN

    seen: set[str] = set()
    while run_id and run_id not in seen:
        seen.add(run_id)
        tags = client.get_run(run_id).data.tags
        if RUN in tags:
            yield str(tags[RUN])
        run_id = tags.get(PARENT, "")


def delete(uri: str, old: OldRun) -> None:
    """Deletes registered versions and runs of a tree, the parent last.

    MLflow keeps deleted runs until `mlflow gc`.

    Raises:
        MtlserError: the store is away or refuses.
    """
    from mtlser.tracking import mlflow_runs

    client = mlflow_runs.connect(uri)
    for name, version in old.versions:
        mlflow_runs.with_retries(
            partial(client.delete_model_version, name, version),
            f"delete version {version} of {name}",
        )
    for run in (*(run for run in old.runs if run != old.id), old.id):
        mlflow_runs.with_retries(partial(client.delete_run, run), f"delete run {run}")


def _trees(client: "MlflowClient") -> dict[str, dict[str, "Run"]]:
    """Runs of each tree by id, by the id of the topmost run."""
    from mtlser.tracking.mlflow_runs import PARENT

    by_id = {run.info.run_id: run for run in runs(client)}

    def topmost(run_id: str) -> str:
        seen = {run_id}
        while (parent := str(by_id[run_id].data.tags.get(PARENT))) in by_id and parent not in seen:
            run_id = parent
            seen.add(run_id)
        return run_id

    trees: dict[str, dict[str, Run]] = {}
    for run_id, run in by_id.items():
        trees.setdefault(topmost(run_id), {})[run_id] = run
    return trees


def runs(client: "MlflowClient") -> Iterator["Run"]:
    """Yields all runs of mtlser's experiments."""
    experiments = client.search_experiments(filter_string=f"name LIKE '{EXPERIMENTS}'")
    ids = [each.experiment_id for each in experiments]
    token: str | None = None
    while ids:
        page = client.search_runs(ids, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def versions(client: "MlflowClient") -> list["ModelVersion"]:
    """All versions of all registered models."""
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _needed(client: "MlflowClient", versions: list["ModelVersion"]) -> set[str]:
    """Runs of the versions that stay."""
    stay = set()
    for name in {each.name for each in versions}:
        model = client.get_registered_model(name)
        numbers = {str(version) for version in champions.history(client, name)[-2:]}
        stay |= {(name, number) for number in numbers | set(map(str, model.aliases.values()))}
    return {each.run_id or "" for each in versions if (each.name, str(each.version)) in stay}


def _old(parent: str, tree: dict[str, "Run"], versions: list["ModelVersion"]) -> OldRun:
    run = tree[parent]
    ended_ms = max(each.info.end_time for each in tree.values())
    return OldRun(
        id=parent,
        name=run.info.run_name or parent,
        ended=f"{datetime.fromtimestamp(ended_ms / 1000, UTC):%Y-%m-%d}",
        runs=tuple(tree),
        versions=tuple((each.name, str(each.version)) for each in versions if each.run_id in tree),
    )
