"""A user's way through a cluster: submit, wait, read MLflow, schedule twice, delete."""

import json
import os
import uuid

from tests.helpers.server_words import command

CRON = "0 0 3 1 1 *"
"""Once a year: the test's schedule starts nothing while it is there."""


def submit_and_wait(words: tuple[str, ...]) -> str:
    """Id of the run, which has succeeded."""
    done = command("submit", *words, "--name", f"e2e {uuid.uuid4()}", "--wait")
    assert done.code == 0, done.err
    run_id = done.out.split()[1]
    outcome = json.loads(command("status", run_id, "--json").out)
    assert (outcome["id"], outcome["state"]) == (run_id, "SUCCEEDED")
    assert run_id in command("status").out
    assert command("logs", run_id).code == 0
    return run_id


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


def _named(name: str) -> list[dict[str, str]]:
    plans = json.loads(command("schedule", "--list", "--json").out)["schedules"]
    return [each for each in plans if each["name"] == name]
