"""Against the server in KF_PIPELINES_ENDPOINT, a real cluster; skipped where that is unset.

`MTLSER_E2E` holds the words after `submit` and `schedule` that suit the cluster, for example
`--dag search --recipe demo --set data.root=s3://corpora/synthetic --image REF --profile cpu`; with
`MLFLOW_TRACKING_URI` the run is read back from MLflow too, with `kubectl` a pod is deleted, with
`MTLSER_E2E_S3` (an `s3://` address that this machine may write and the steps may read) and a recipe
of the synthetic corpus a model is retrained. What is skipped says what it wants. Schedules, runs in
Kubeflow and, where its address is set, in MLflow, models and objects are deleted again; those of a
test that fails stay, to be looked at, as do artifacts in Kubeflow's own bucket.
"""

import os
import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser import tracking
from mtlser.tracking import mlflow_runs
from tests.e2e import flow, leftovers, retraining
from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.server_runs import ended, task
from tests.helpers.server_words import CLUSTER

EXPERIMENT = "mtlser/emodb"


@pytest.fixture
def words(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """What to submit to the cluster; what a test has left there is deleted once it has passed."""
    if not os.environ.get("KF_PIPELINES_ENDPOINT"):
        pytest.skip("needs a cluster: set KF_PIPELINES_ENDPOINT")
    if not os.environ.get("MTLSER_E2E"):
        pytest.skip("needs to know what to submit: set MTLSER_E2E, see the file's first lines")
    flow.started.clear()
    failed = request.session.testsfailed
    yield tuple(shlex.split(os.environ["MTLSER_E2E"]))
    if request.session.testsfailed == failed:
        leftovers.delete(flow.started)


HOURS = pytest.mark.timeout(4 * 3600)


@HOURS
def test_a_run_on_a_cluster(words: tuple[str, ...]) -> None:
    run_id = flow.submit_and_wait(words)
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        pytest.skip("the run succeeded; set MLFLOW_TRACKING_URI to have MLflow read too")
    name = words[words.index("--recipe") + 1]
    flow.read_mlflow(run_id, f"mtlser/{recipes.load(name).data.corpus}")


@HOURS
def test_a_second_run_on_a_cluster_reuses_every_step(words: tuple[str, ...]) -> None:
    flow.submit_and_wait(words)
    flow.submit_the_same_again(words)


@HOURS
def test_a_mistake_on_a_cluster_is_not_tried_again(words: tuple[str, ...]) -> None:
    flow.submit_a_mistake(words)


@HOURS
def test_a_pod_lost_on_a_cluster_costs_no_run(words: tuple[str, ...]) -> None:
    if not flow.has_kubectl():
        pytest.skip("needs `kubectl` with a cluster, to delete a pod")
    flow.lose_a_pod(words, os.environ.get("KF_PIPELINES_NAMESPACE") or "kubeflow")


@HOURS
def test_a_schedule_fires_on_a_cluster(words: tuple[str, ...]) -> None:
    flow.let_a_schedule_fire(words)


@HOURS
def test_a_model_on_a_cluster_follows_its_data(words: tuple[str, ...], tmp_path: Path) -> None:
    base = os.environ.get("MTLSER_E2E_S3", "").rstrip("/")
    if not base:
        pytest.skip("needs a place for a release: set MTLSER_E2E_S3 to an s3:// address")
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        pytest.skip("needs to read the champion: set MLFLOW_TRACKING_URI")
    recipe = words[words.index("--recipe") + 1]
    if recipes.load(recipe).data.corpus != "iemocap":
        pytest.skip(f"needs a recipe that reads the synthetic corpus, such as demo, not {recipe}")
    name = f"e2e-{uuid.uuid4()}"
    retraining.retrain(words, f"{base}/{name}", name, tmp_path)
    leftovers.delete_model(name)
    leftovers.delete_objects(f"{base}/{name}")


def test_a_schedule_on_a_cluster(words: tuple[str, ...]) -> None:
    flow.schedule_twice_and_delete(words)


def test_the_same_flow_against_the_published_api(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    kubeflow.outcome = ended("SUCCEEDED", task("ingest", "SUCCEEDED", 1, pod_name="pod-1"))
    flow.started.clear()
    own = flow.submit_and_wait(CLUSTER)
    flow.schedule_twice_and_delete(CLUSTER)
    assert flow.started == [own]
    leftovers.delete([own, own])
    assert kubeflow.store["runs"] == []


def test_mlflow_is_read_as_on_a_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MTLSER_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(mlflow_runs, "SETTLE_S", 0.0)
    run_id = str(uuid.uuid4())
    with tracking.parent(recipes.load("emodb"), run_id) as parent:
        with pytest.raises(AssertionError):
            flow.read_mlflow(run_id, EXPERIMENT)
        tracking.finish(parent)
    flow.read_mlflow(run_id, EXPERIMENT)
    leftovers.delete_from_mlflow(run_id)
    with pytest.raises(AssertionError):
        flow.read_mlflow(run_id, EXPERIMENT)
    leftovers.delete_model("none-of-that-name")
