"""What the tests on a cluster leave: runs there and in MLflow, models, objects; deleted again."""

import os
from collections.abc import Sequence

from mlflow import MlflowClient

from mtlser.storage import work_folder
from mtlser.tracking.mlflow_runs import PARENT, RUN
from pipeline.server import runs as server
from pipeline.server.connection import ServerError


def delete(run_ids: Sequence[str]) -> None:
    """Deletes runs of Kubeflow, and of MLflow, where its address is set, what they made there."""
    if not run_ids:
        return
    connected = server.connect()
    for run_id in run_ids:
        try:
            connected.delete_run(run_id)
        except ServerError as error:
            if error.status != 404:
                raise
    if os.environ.get("MLFLOW_TRACKING_URI"):
        for run_id in run_ids:
            delete_from_mlflow(run_id)


def delete_model(name: str) -> None:
    """Deletes a registered model of MLflow, if there is one."""
    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    if client.search_registered_models(filter_string=f"name='{name}'"):
        client.delete_registered_model(name)


def delete_objects(address: str) -> None:
    """Deletes all objects below an `s3://` address."""
    work_folder.remove(address)


def delete_from_mlflow(run_id: str) -> None:
    """Deletes the runs of MLflow that a run of Kubeflow made."""
    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    places = [each.experiment_id for each in client.search_experiments()]
    for parent in client.search_runs(places, filter_string=f"tags.`{RUN}` = '{run_id}'"):
        _delete_tree(client, places, parent.info.run_id)


def _delete_tree(client: MlflowClient, places: list[str], run_id: str) -> None:
    filter_string = f"tags.`{PARENT}` = '{run_id}'"
    for below in client.search_runs(places, filter_string=filter_string, max_results=1000):
        _delete_tree(client, places, below.info.run_id)
    client.delete_run(run_id)
