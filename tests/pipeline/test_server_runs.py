"""Submitting, following and reading runs."""

import json
from typing import Any

import pytest

from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.server_runs import ended, task
from tests.helpers.server_words import CLUSTER, command

FAILED = ended(
    "FAILED",
    task("root", "FAILED", 0),
    task("root-driver", "SUCCEEDED", 0),
    task("ingest", "SUCCEEDED", 1, child_tasks=[{"task_id": "executor-id"}]),
    {**task("executor", "SUCCEEDED", 2), "pod_name": "mtlser-ingest-1"},
    task("for-loop-1", "FAILED", 3),
    {**task("train", "FAILED", 4, pod_name="mtlser-train-1"), "error": {"message": "no GPU\nat"}},
)


@pytest.mark.parametrize("name", ["submit", "schedule", "status", "logs"])
def test_every_command_shows_an_example(name: str) -> None:
    done = command(name, "--help")
    assert done.code == 0
    assert f"Example: mtlser-pipeline {name}" in " ".join(done.out.split())


def test_submit_sends_the_dag_with_the_recipe(kubeflow: KubeflowApi) -> None:
    done = command("submit", *CLUSTER, "--name", "one")
    assert done.code == 0, done.err
    (run,) = kubeflow.store["runs"]
    assert f"run:  {run['run_id']}\n" in done.out
    assert f"page: {kubeflow.url}/#/runs/details/{run['run_id']}\n" in done.out
    assert run["display_name"] == "one"
    given = run["runtime_config"]["parameters"]
    assert given.keys() == {"recipe"}
    assert "s3://corpora/emodb" in given["recipe"]
    assert run["pipeline_spec"]
    assert [each["display_name"] for each in kubeflow.store["experiments"]] == ["mtlser"]
    command("submit", *CLUSTER)
    assert len(kubeflow.store["experiments"]) == 1


def test_pods_run_as_the_service_account_asked_for(kubeflow: KubeflowApi) -> None:
    command("submit", *CLUSTER, "--service-account", "default-editor", "--name", "one")
    command("submit", *CLUSTER, "--name", "two")
    asked = {run["display_name"]: run.get("service_account") for run in kubeflow.store["runs"]}
    assert asked == {"one": "default-editor", "two": None}


def test_wait_ends_with_the_run(kubeflow: KubeflowApi) -> None:
    kubeflow.outcome = ended("SUCCEEDED", task("ingest", "SUCCEEDED", 1))
    done = command("submit", *CLUSTER, "--wait")
    assert done.code == 0, done.err
    assert done.out.endswith("state: succeeded\n")
    assert "ingest: succeeded" in done.err


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_wait_tells_the_failed_steps(kubeflow: KubeflowApi, state: str) -> None:
    kubeflow.outcome = {**FAILED, "state": state}
    done = command("submit", *CLUSTER, "--wait")
    assert done.code == 1
    assert f"{state.lower()}; failed steps: train; see `mtlser-pipeline logs" in done.err


def as_argo_retries(state: str) -> dict[str, Any]:
    """A run of three steps as Kubeflow 2.17 lists it with the configuration that it ships.

    Argo may retry each node there, so it has one more for each attempt; none names its pod.
    """
    names = ("search-jcxld", "root-driver", "root", "search-steps", "ingest", "ingest-driver",
             "executor", "exit-handler-1", "exit-handler-1.onExit", "search", "search")  # fmt: skip
    nodes = [
        task(name, state, number, task_id=f"{name}-{number}",
             child_tasks=[{"pod_name": f"search-jcxld-{number}1234567"}])
        for number, name in enumerate(names)
    ]  # fmt: skip
    attempts = [
        {**each, "display_name": f"{each['display_name']}(0)", "task_id": f"{each['task_id']}(0)"}
        for each in nodes
    ]
    return ended(state, *nodes, *attempts, {"task_id": "nameless"})


def test_attempts_and_the_workflow_itself_are_no_steps(kubeflow: KubeflowApi) -> None:
    kubeflow.outcome = as_argo_retries("FAILED")
    done = command("submit", *CLUSTER, "--wait", "--name", "argo")
    assert "failed steps: ingest, search; see" in done.err
    told = [line for line in done.err.splitlines() if line.endswith(": failed")]
    assert len([line for line in told if " search: " in line]) == 2, "two steps of one name"
    listed = json.loads(command("status", "argo", "--json").out)["tasks"]
    names = [each["name"] for each in listed]
    assert names == ["search-steps", "ingest", "exit-handler-1", "search", "search"]


def test_wait_tells_a_state_once_though_steps_share_a_name(kubeflow: KubeflowApi) -> None:
    kubeflow.outcome = as_argo_retries("SUCCEEDED")
    done = command("submit", *CLUSTER, "--wait")
    assert done.err.count(" search: succeeded") == 2


def test_wait_outlasts_a_server_that_is_away(kubeflow: KubeflowApi) -> None:
    kubeflow.outcome = ended("SUCCEEDED")
    for how in ("close", 503, 500, "close", 502, "close"):
        kubeflow.fail("GET", "runs/", how)
    assert command("submit", *CLUSTER, "--wait").code == 0


def test_a_run_whose_making_is_in_doubt_is_not_made_twice(kubeflow: KubeflowApi) -> None:
    kubeflow.fail("POST", "runs$", "close", done=True)
    done = command("submit", *CLUSTER)
    assert done.code == 2
    assert "whether the server did it is not known" in done.err
    assert len(kubeflow.store["runs"]) == 1


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--recipe", "demo"], "a step on the cluster does not see this folder"),
        ([*CLUSTER, "--set", "noise.root=noise"], "noise.root = 'noise'"),
        ([*CLUSTER, "--set", "model.encoder=./here"], "model.encoder = './here'"),
        ([*CLUSTER, "--set", "train.epoch=3"], "did you mean 'epochs'?"),
        ([*CLUSTER, "--dag", "compare"], "the DAG needs rival; give it with `--rival RECIPE`"),
        ([*CLUSTER, "--rival", "emodb"], "--rival: this DAG takes no such recipe"),
        ([*CLUSTER, "--profile", "none"], "--profile 'none'"),
        ([*CLUSTER, "--dag", "x"], "expected one of crossval"),
    ],
)
def test_mistakes_send_nothing(kubeflow: KubeflowApi, words: list[str], printed: str) -> None:
    done = command("submit", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert printed in done.err
    assert kubeflow.calls == []


def test_an_absolute_folder_is_doubted_and_sent(kubeflow: KubeflowApi) -> None:
    done = command("submit", *CLUSTER, "--set", "data.root=/data/emodb")
    assert done.code == 0
    assert "warning: recipe: data.root = /data/emodb" in done.err
    assert len(kubeflow.store["runs"]) == 1


def test_compare_takes_two_recipes(kubeflow: KubeflowApi) -> None:
    done = command("submit", *CLUSTER, "--dag", "compare", "--rival", "emodb")
    assert done.code == 0, done.err
    parameters = kubeflow.store["runs"][0]["runtime_config"]["parameters"]
    assert parameters["rival"] == parameters["recipe"]


def test_status_shows_runs_and_schedules(kubeflow: KubeflowApi) -> None:
    for number in range(5):
        command("submit", *CLUSTER, "--name", f"run-{number}")
    command("schedule", "--name", "weekly", "--cron", "0 0 3 * * 1", *CLUSTER)
    printed = json.loads(command("status", "--last", "3", "--json").out)
    assert [run["name"] for run in printed["runs"]] == ["run-4", "run-3", "run-2"]
    (plan,) = printed["schedules"]
    assert (plan["cron"], plan["version"]) == ("0 0 3 * * 1", "latest")
    assert plan["next"].endswith("T03:00:00+00:00")
    table = command("status").out
    assert "run-0" in table
    assert "weekly" in table


def test_status_of_a_run_by_name_or_id(kubeflow: KubeflowApi) -> None:
    kubeflow.outcome = FAILED
    command("submit", *CLUSTER, "--name", "one", "--wait")
    printed = command("status", "one", "--json")
    assert printed.code == 1
    content = json.loads(printed.out)
    assert [each["name"] for each in content["tasks"]] == ["ingest", "for-loop-1", "train"]
    assert content["tasks"][2] | {"pods": []} == {
        "name": "train", "state": "FAILED", "duration_s": 60.0, "error": "no GPU", "pods": [],
        "started": "2026-03-02T03:00:04+00:00", "finished": "2026-03-02T03:01:04+00:00",
    }  # fmt: skip
    table = command("status", content["id"])
    assert table.code == 1
    assert "no GPU" in table.out
    gone = command("status", "another")
    assert (gone.code, gone.err.count("\n")) == (2, 1)
    assert "no such run" in gone.err


def test_logs_come_from_the_server_or_name_the_command(kubeflow: KubeflowApi) -> None:
    kubeflow.outcome = FAILED
    kubeflow.logs["mtlser-ingest-1"] = "read 12 clips\n"
    command("submit", *CLUSTER, "--name", "one", "--wait")
    done = command("logs", "one")
    assert done.code == 0, done.err
    assert "== ingest (succeeded) mtlser-ingest-1\nread 12 clips\n" in done.out
    assert "kubectl logs -n kubeflow mtlser-train-1 -c main" in done.out
    assert "ingest" not in command("logs", "one", "train").out
    missing = command("logs", "one", "trian")
    assert missing.code == 2
    assert "its steps are: ingest, for-loop-1, train" in missing.err


def test_a_reused_step_has_its_log_elsewhere(kubeflow: KubeflowApi) -> None:
    reused = task("ingest", "SUCCEEDED", 1, pod_name="mtlser-ingest-1")
    kubeflow.outcome = ended("SUCCEEDED", {**reused, "end_time": reused["start_time"]})
    command("submit", *CLUSTER, "--name", "one")
    told = command("logs", "one").out
    assert told == "== ingest: reused from an earlier run, which has its log\n"
