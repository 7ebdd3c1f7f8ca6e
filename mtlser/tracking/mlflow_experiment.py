"""The MLflow experiment of a corpus: found or created, and its kind."""

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

from mtlser.errors import MtlserError
from mtlser.tracking.mlflow_runs import with_retries

KIND, TRAINING_RUNS = "mlflow.experimentKind", "custom_model_development"
"""Tag that says what an experiment is of; MLflow 3.17 lets the address decide (`tracking.page`)."""


def find_or_create(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """Id of the experiment `name`, created where absent, marked as one of training runs.

    Args:
        client: the store.
        name: `mtlser/CORPUS`.
        artifacts: where its artifacts go; `None` is the server's choice.
    """
    existing = with_retries(
        lambda: client.get_experiment_by_name(name), f"look for experiment {name}"
    )
    if existing is None:
        try:
            return client.create_experiment(
                name, artifact_location=artifacts, tags={KIND: TRAINING_RUNS}
            )
        except MlflowException as error:
            # Another process was quicker; anything else is reported below.
            existing = client.get_experiment_by_name(name)
            if existing is None:
                raise MtlserError(f"MLflow could not create experiment {name}: {error}") from error
    experiment_id = _alive(existing)
    if KIND not in existing.tags:  # made by an earlier version, or by hand
        with_retries(
            lambda: client.set_experiment_tag(experiment_id, KIND, TRAINING_RUNS),
            f"set the kind of experiment {name}",
        )
    return experiment_id


def _alive(existing: Experiment) -> str:
    if existing.lifecycle_stage != "active":
        raise MtlserError(
            f"MLflow experiment {existing.name} is deleted; bring it back with "
            f"`mlflow experiments restore -x {existing.experiment_id}`"
        )
    return str(existing.experiment_id)
