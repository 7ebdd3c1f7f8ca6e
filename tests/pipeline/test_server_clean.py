"""Old runs on a server: which go, which a champion keeps, and how faults are told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from mtlser import recipe as recipes
from mtlser import tracking
from mtlser.registry import champions
from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.server_words import CLUSTER, Done, command

CRON = ("--name", "weekly", "--cron", "0 0 3 * * 1")


def submitted(kubeflow: KubeflowApi, name: str, days: float, state: str = "SUCCEEDED") -> str:
    """Id of a run of ours that ended so many days ago."""
    done = command("submit", *CLUSTER, "--name", name)
    assert done.code == 0, done.err
    return end(kubeflow.store["runs"][-1], days, state)


def end(run: dict[str, Any], days: float, state: str = "SUCCEEDED") -> str:
    run["state"] = state
    run["finished_at"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    return str(run["run_id"])


def cleaned(*words: str) -> Done:
    return command("clean", "--older-than", "90d", *words)


def there(kubeflow: KubeflowApi) -> set[str]:
    return {run["run_id"] for run in kubeflow.store["runs"]}


@pytest.fixture
def champion(mlflow_store: None, tmp_path: Path) -> str:
    """Key of the pipeline run that the champion came from."""
    key = "0f0a7d20-0000-4000-8000-000000000001"
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with tracking.parent(recipes.load("emodb"), key) as parent:
        tracking.finish(parent)
    client = MlflowClient(uri, registry_uri=uri)
    experiment = client.get_experiment_by_name("mtlser/emodb")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    below = client.create_run(
        experiment.experiment_id, tags={"mlflow.parentRunId": found.info.run_id}
    )
    client.create_registered_model("mtlser")
    version = client.create_model_version("mtlser", "runs:/x/model", below.info.run_id)
    client.set_registered_model_alias("mtlser", champions.CHAMPION, str(version.version))
    return key


def test_old_runs_of_ours_go_and_those_of_champions_stay(
    kubeflow: KubeflowApi, champion: str
) -> None:
    old = submitted(kubeflow, "old", 100)
    failed = submitted(kubeflow, "failed", 91, "FAILED")
    kept = submitted(kubeflow, "kept", 200)
    kubeflow.store["runs"][-1]["run_id"] = champion
    young = submitted(kubeflow, "young", 89)
    open_run = submitted(kubeflow, "open", 100, "RUNNING")
    assert command("schedule", *CRON, *CLUSTER).code == 0
    fired = dict(kubeflow.store["runs"][0], run_id="fired", display_name="weekly-1")
    del fired["pipeline_spec"]
    plan = kubeflow.store["recurringruns"][0]
    fired["pipeline_version_reference"] = plan["pipeline_version_reference"]
    foreign = dict(kubeflow.store["runs"][0], run_id="foreign")
    foreign["pipeline_spec"] = {"pipelineInfo": {"name": "someone-s"}}
    kubeflow.store["runs"] += [fired, foreign]
    all_of_them = there(kubeflow)
    assert kept not in all_of_them

    shown = cleaned()
    assert shown.code == 0, shown.err
    assert f"  succeeded  {old}  old\n" in shown.out
    assert f"  succeeded  {champion}  kept  stays: a champion came from it\n" in shown.out
    assert "3 runs to be deleted, 1 kept\n" in shown.out
    assert "next: mtlser-pipeline clean --older-than 90d --yes\n" in shown.out
    assert there(kubeflow) == all_of_them

    done = cleaned("--yes")
    assert "3 runs deleted, 1 kept\n" in done.out
    assert all_of_them - there(kubeflow) == {old, failed, "fired"}
    assert {young, open_run, champion, "foreign"} <= there(kubeflow)
    assert not any(":terminate" in call for call in kubeflow.calls)
    assert "0 runs deleted, 1 kept\n" in cleaned("--yes").out
    forced = cleaned("--no-keep-champions", "--yes")
    assert "1 runs deleted, 0 kept\n" in forced.out
    assert champion not in there(kubeflow)


def test_one_experiment_alone(kubeflow: KubeflowApi, champion: str) -> None:
    old = submitted(kubeflow, "old", 100)
    command("submit", *CLUSTER, "--experiment", "other")
    other = end(kubeflow.store["runs"][-1], 100)
    shown = cleaned("--experiment", "other")
    assert "1 runs to be deleted, 0 kept" in shown.out
    assert "clean --older-than 90d --experiment other --yes" in shown.out
    cleaned("--experiment", "other", "--yes")
    assert (other in there(kubeflow), old in there(kubeflow)) == (False, True)
    absent = cleaned("--experiment", "none")
    assert absent.code == 2
    assert "--experiment 'none': Kubeflow has none" in absent.err
    assert len(kubeflow.store["experiments"]) == 2


def test_a_run_that_somebody_else_deleted_is_gone_too(kubeflow: KubeflowApi, champion: str) -> None:
    submitted(kubeflow, "old", 100)
    kubeflow.fail("DELETE", "/runs/", 404)
    assert "1 runs deleted" in cleaned("--yes").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--older-than", "0d"), "would delete every run; give 1d or more"),
        (("--older-than", "3 months"), "expected days, such as 90d"),
        ((), "Missing option '--older-than'"),
    ],
)
def test_an_age_is_needed(kubeflow: KubeflowApi, words: tuple[str, ...], said: str) -> None:
    done = command("clean", *words)
    assert (done.code, said in done.err) == (2, True), done.err


def test_faults_are_one_sentence(kubeflow: KubeflowApi, champion: str) -> None:
    submitted(kubeflow, "old", 100)
    kubeflow.fail("DELETE", "/runs/", 403)
    done = cleaned("--yes")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "does not allow this (403" in done.err
    assert len(there(kubeflow)) == 1


def test_without_mlflow_nothing_is_deleted_unless_it_is_said(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    submitted(kubeflow, "old", 100)
    done = cleaned("--yes")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "MLFLOW_TRACKING_URI is not set" in done.err
    assert len(there(kubeflow)) == 1
    assert "1 runs deleted" in cleaned("--no-keep-champions", "--yes").out
