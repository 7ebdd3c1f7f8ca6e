"""The parent run in MLflow: where it goes, and what it says of its recipe and code."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME

from mtlser.recipe import Recipe, dumps
from mtlser.records import LEAKING_PROTOCOLS
from mtlser.tracking import mlflow_experiment, mlflow_runs, sqlite
from mtlser.tracking.mlflow_runs import MlflowRun
from mtlser.tracking.provenance import commit

DESCRIBED = "mtlser.described"
"""Tag of a parent whose parameters and recipe are logged."""
RECIPE_HASH = "mtlser.recipe_hash"


def flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested sections as dotted keys.

    >>> flat({"seed": 0, "train": {"alpha": 0.1}})
    {'seed': 0, 'train.alpha': 0.1}
    """
    result: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            result |= flat(value, f"{prefix}{key}.")
        else:
            result[prefix + key] = value
    return result


def opened(uri: str, recipe: Recipe, key: str) -> MlflowRun:
    """The parent run with this key and recipe, found or made; an empty key makes a new one.

    Two recipes under one key, as a retraining measures them, are two parents.
    """
    client = mlflow_runs.connect(uri)
    experiment_id, outer = place(client, uri, recipe)
    tags = _tags(recipe) | ({mlflow_runs.PARENT: outer} if outer else {})
    name = f"{recipe.name}-{key[:8]}" if key else recipe.name
    marks = {mlflow_runs.RUN: key or uuid.uuid4().hex, RECIPE_HASH: recipe.hash}
    settle_s = mlflow_runs.SETTLE_S if key else 0.0
    entity = mlflow_runs.find_or_create(client, experiment_id, name, marks, tags, settle_s)
    run = mlflow_runs.MlflowRun(client, experiment_id, str(entity.info.run_id))
    if DESCRIBED not in entity.data.tags:
        _describe(run, recipe)
    return run


def place(client: MlflowClient, uri: str, recipe: Recipe) -> tuple[str, str | None]:
    """The experiment, and the run to nest below: Kubeflow's own, where it tracks by itself.

    Kubeflow gives each task a run of its own in `MLFLOW_RUN_ID`; what all tasks share is that
    run's parent.
    """
    outer = os.environ.get("MLFLOW_RUN_ID")
    if outer:
        task = mlflow_runs.with_retries(lambda: client.get_run(outer), f"find run {outer}")
        shared = task.data.tags.get(mlflow_runs.PARENT, outer)
        return str(task.info.experiment_id), str(shared)
    name = f"mtlser/{recipe.corpus}"
    return mlflow_experiment.find_or_create(client, name, _artifacts(uri, name)), None


def _artifacts(uri: str, name: str) -> str | None:
    """Beside a local database, whatever folder a step runs in; else the server's choice."""
    database = sqlite.path(uri)
    return None if database is None else (database.resolve().parent / "mlruns" / name).as_uri()


def _tags(recipe: Recipe) -> dict[str, str]:
    protocol = recipe.split.protocol
    tags = {
        "mtlser.recipe": recipe.name,
        RECIPE_HASH: recipe.hash,
        "mtlser.protocol": protocol,
    }
    if protocol != "official":  # whose partitions tell, so that the report does
        tags["mtlser.leaks"] = str(protocol in LEAKING_PROTOCOLS).lower()
    known = commit()
    if known:
        tags["mlflow.source.git.commit"] = known
    context = {str(key): str(value) for key, value in resolve_tags().items()}
    program = context.get(MLFLOW_SOURCE_NAME)
    if program:  # a path of this machine
        context[MLFLOW_SOURCE_NAME] = Path(program).name
    return {**context, **tags}


def _describe(run: MlflowRun, recipe: Recipe) -> None:
    portable = recipe.portable()
    run.params(flat(portable.model_dump(exclude_none=True)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text(dumps(portable), encoding="utf-8")
        run.artifact(path)
    run.tags({DESCRIBED: "true"})
