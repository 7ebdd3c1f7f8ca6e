"""What a step finds around it: the run that it is of, and where it keeps what outlives it.

Neither is a parameter: Kubeflow reuses a step only where all of its parameters are the same, and
neither changes a result.
"""

import os

from mtlser.runtime import SEARCH_STORE
from mtlser.storage import work_folder
from mtlser.tracking import RUN_VARIABLE

WORK_VARIABLE = "MTLSER_WORK"
CLIPS_VARIABLE = "MTLSER_CLIPS"
MOST_CELLS_VARIABLE = "MTLSER_MOST_CELLS"
STORES = ("s3://", "minio://")
"""Schemes of artifacts that lie on S3; Kubeflow calls a store inside the cluster by the second."""


def run() -> str:
    """Key of the parent run in MLflow: on a cluster the id of the Kubeflow run.

    The compiled DAG takes it from the label of the step's pod. Empty: there is none.
    """
    return os.environ.get(RUN_VARIABLE, "")


def clips() -> str:
    """`s3://` address for the audio of all corpora; empty: it is in the artifact of `ingest`."""
    return os.environ.get(CLIPS_VARIABLE, "")


def most_cells() -> int:
    """The number of cells that a run has room for; 0: any number."""
    return int(os.environ.get(MOST_CELLS_VARIABLE) or 0)


def search_store() -> str:
    """Address of the database that holds a search's list; empty: the search is of one pod."""
    return os.environ.get(SEARCH_STORE, "")


def work(artifact: str) -> str:
    """Folder or `s3://` address for checkpoints, shared by the steps of a run; empty: none.

    Below `MTLSER_WORK`, where that is set; else beside the artifacts of the run, where the step's
    own credentials can write there.

    Args:
        artifact: address of an output of the step.
    """
    base, key = os.environ.get(WORK_VARIABLE, "").rstrip("/"), run()
    if base:
        return f"{base}/{key}" if key else base
    scheme = next((each for each in STORES if artifact.startswith(each)), None)
    place, found, _ = artifact.removeprefix(scheme or "").partition(f"/{key}/")
    if scheme is None or not key or not found:
        return ""
    return work_folder.usable(f"s3://{place}/{key}/work")
