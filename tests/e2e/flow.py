"""A user's way through a cluster: submit, reuse, fail, lose a pod, schedule.

What a way starts it leaves in `started`; `tests/e2e/leftovers.py` deletes it.
"""

import json
import os
import shutil
import subprocess
import time
import uuid
from typing import Any

from tests.helpers.server_words import Done, command

CRON = "0 0 3 1 1 *"
"""Once a year: the test's schedule starts nothing while it is there."""
REUSED = frozenset({"ingest", "fold-split", "search", "baselines", "evaluate", "report", "train"})
"""Steps of a run that need not run again."""
APPEARS_S = 1800.0
POLL_S = 5.0
FIRED = 2
"""Runs of a schedule that are waited for, and seen to end."""
started: list[str] = []
"""Ids of runs, also of schedules."""


def submit(words: tuple[str, ...], *more: str) -> tuple[str, Done]:
    """Id of a run that has ended, and what the command said."""
    done = command("submit", *words, *more, "--name", f"e2e {uuid.uuid4()}", "--wait")
    if done.out.startswith("run:"):
        started.append(done.out.split()[1])
    return done.out.split()[1], done


def submit_and_wait(words: tuple[str, ...]) -> str:
    """Id of the run, which has succeeded."""
    run_id, done = submit(words)
    assert done.code == 0, done.err
    outcome = status(run_id)
    assert (outcome["id"], outcome["state"]) == (run_id, "SUCCEEDED")
    assert run_id in command("status").out
    assert command("logs", run_id).code == 0
    return run_id


def status(run_id: str) -> dict[str, Any]:
    """What is known of a run."""
    found: dict[str, Any] = json.loads(command("status", run_id, "--json").out)
    return found


def steps_that_ran(run_id: str) -> set[str]:
    """Names of the steps that ran: one that was reused takes no time."""
    return {each["name"] for each in status(run_id)["tasks"] if each["duration_s"]}


def submit_the_same_again(words: tuple[str, ...]) -> None:
    """Nothing that can be reused runs again."""
    again = submit_and_wait(words)
    ran = steps_that_ran(again)
    assert "prepare" in ran
    assert not ran & REUSED, ran & REUSED


def submit_a_mistake(words: tuple[str, ...]) -> None:
    """A release that is not there: told in one sentence, and not tried again."""
    nowhere = f"data.root=s3://mtlser-e2e-{uuid.uuid4()}/nothing"
    run_id, done = submit(words, "--set", nowhere)
    assert done.code == 1
    assert "failed steps: " in done.err
    told = command("logs", run_id).out
    assert "tried again" not in told
    assert "MtlserError: s3://mtlser-e2e-" in told


def lose_a_pod(words: tuple[str, ...], namespace: str) -> None:
    """A pod deleted while its step trains: the run succeeds all the same, in another pod."""
    name = f"e2e {uuid.uuid4()}"
    fresh = ("--set", f"about={name}")  # nothing of an earlier run is reused
    done = command("submit", *words, *fresh, "--name", name)
    assert done.code == 0, done.err
    run_id = done.out.split()[1]
    started.append(run_id)
    victim = _pod_of(run_id, "search", namespace)
    time.sleep(3 * POLL_S)
    _kubectl("delete", "pod", victim, "-n", namespace, "--wait=false")
    assert _ended(run_id) == "SUCCEEDED"
    assert _kubectl("get", "pod", victim, "-n", namespace, "--ignore-not-found") == ""


def has_kubectl() -> bool:
    """Whether `kubectl` is here and reaches a cluster."""
    if shutil.which("kubectl") is None:
        return False
    asked = subprocess.run(["kubectl", "version"], capture_output=True, check=False, timeout=30)
    return asked.returncode == 0


def _pod_of(run_id: str, function: str, namespace: str) -> str:
    """The running pod of a step, once it is there."""
    deadline = time.monotonic() + APPEARS_S
    chosen = ("-n", namespace, "-l", f"pipeline/runid={run_id}", "-o", "json")
    while time.monotonic() < deadline:
        for pod in json.loads(_kubectl("get", "pods", *chosen))["items"]:
            args = [arg for each in pod["spec"]["containers"] for arg in each.get("args", [])]
            if pod["status"]["phase"] == "Running" and function in args:
                return str(pod["metadata"]["name"])
        time.sleep(POLL_S)
    raise AssertionError(f"no pod of {function} within {APPEARS_S:.0f} s")


def _ended(run_id: str) -> str:
    while True:
        state = str(status(run_id)["state"])
        if state not in {"PENDING", "RUNNING"}:
            return state
        time.sleep(POLL_S)


def _kubectl(*words: str) -> str:
    done = subprocess.run(["kubectl", *words], capture_output=True, check=True, text=True)
    return done.stdout


def read_mlflow(run_id: str, experiment: str) -> None:
    """The run's parent is in MLflow, finished, with its score."""
    import mlflow

    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    result = client.get_experiment_by_name(experiment)
    assert result is not None, experiment
    runs = client.search_runs([result.experiment_id], max_results=1000)
    own = [run for run in runs if any(run_id in each for each in run.data.tags.values())]
    assert own, f"no MLflow run in {experiment} has a tag with {run_id}"
    assert any(run.info.status == "FINISHED" for run in own)


def schedule_twice_and_delete(words: tuple[str, ...]) -> None:
    """One schedule remains, and none in the end."""
    name = f"e2e-{uuid.uuid4()}"
    try:
        for cron in (CRON, CRON, "0 30 3 1 1 *"):
            done = command("schedule", "--name", name, "--cron", cron, *words)
            assert done.code == 0, done.err
            assert [each["state"] for each in _named(name)] == ["ACTIVE"]
        assert _named(name)[0]["cron"] == "0 30 3 1 1 *"
    finally:
        command("schedule", "--delete", name)
    assert _named(name) == []


def let_a_schedule_fire(words: tuple[str, ...]) -> None:
    """A schedule of every minute starts runs, one after the other, each to its good end."""
    name = f"e2e-{uuid.uuid4()}"
    try:
        done = command("schedule", "--name", name, "--cron", "0 * * * * *", *words)
        assert done.code == 0, done.err
        (plan,) = _named(name)
        deadline = time.monotonic() + APPEARS_S
        while len(runs := _of_schedule(str(plan["id"]))) < FIRED and time.monotonic() < deadline:
            assert sum(each["state"] in {"PENDING", "RUNNING"} for each in runs) <= 1
            time.sleep(POLL_S)
        assert len(runs) >= FIRED, f"fired {len(runs)} times in {APPEARS_S:.0f} s"
    finally:
        command("schedule", "--delete", name)
    assert _named(name) == []
    runs = _of_schedule(str(plan["id"]))
    started.extend(str(each["id"]) for each in runs)
    assert [_ended(str(each["id"])) for each in runs] == ["SUCCEEDED"] * len(runs)


def _of_schedule(schedule_id: str) -> list[dict[str, Any]]:
    runs = json.loads(command("status", "--json", "--last", "50").out)["runs"]
    return [each for each in runs if each["schedule_id"] == schedule_id]


def _named(name: str) -> list[dict[str, Any]]:
    plans = json.loads(command("schedule", "--list", "--json").out)["schedules"]
    return [each for each in plans if each["name"] == name]
