"""The exit handler: runs left open are ended, the webhook is told, and nothing is raised."""

import logging

import pytest
from mlflow import MlflowClient

from mtlser import recipe, stages, tracking
from mtlser.errors import MtlserError
from mtlser.tracking import mlflow_close, mlflow_runs, outcome, webhook
from mtlser.tracking.webhook import Outcome

RECIPE = recipe.load("demo")
RIVAL = recipe.load("demo", ("train.learning_rate=1e-3",))


pytestmark = pytest.mark.usefixtures("mlflow_store")


def status(run: tracking.Run) -> str:
    return str(MlflowClient().get_run(str(run.id)).info.status)


def left_open(built: recipe.Recipe, key: str) -> list[tracking.Run]:
    """A parent, a pair that has ended with a fold that has not, and a fold that has."""
    with tracking.parent(built, key) as parent:
        pair = parent.child("a0.1-b0.8", "pair")
        running, ended = pair.child("f0", "fold 0"), pair.child("f1", "fold 1")
        ended.close("FINISHED")
        pair.close("FINISHED")
    return [parent, pair, running, ended]


@pytest.mark.parametrize("ended", ["FINISHED", "FAILED", "KILLED"])
def test_every_open_run_of_the_key_is_ended_and_no_other(ended: str) -> None:
    ours, theirs = left_open(RECIPE, "job"), left_open(RIVAL, "job")
    others = left_open(RECIPE, "other job")
    for _ in range(2):
        parents = stages.close_run("job", ended, RECIPE)
        assert set(parents) == {ours[0].id, theirs[0].id}
        for runs in (ours, theirs):
            assert [status(run) for run in runs] == [ended, "FINISHED", ended, "FINISHED"]
    assert [status(run) for run in others] == ["RUNNING", "FINISHED", "RUNNING", "FINISHED"]


def test_a_second_status_does_not_replace_the_first() -> None:
    runs = left_open(RECIPE, "job")
    stages.close_run("job", "FAILED", RECIPE)
    stages.close_run("job", "FINISHED", RECIPE)
    assert status(runs[0]) == "FAILED"


def test_pages_of_runs_are_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_close, "PAGE", 2)
    with tracking.parent(RECIPE, "job") as parent:
        children = [parent.child(str(number), str(number)) for number in range(5)]
    stages.close_run("job", "KILLED", RECIPE)
    assert {status(child) for child in children} == {"KILLED"}


def test_an_unknown_status_or_key_is_refused_and_an_unused_key_closes_nothing() -> None:
    with pytest.raises(MtlserError, match=r"SUCCEEDED.*FINISHED, FAILED, KILLED"):
        stages.close_run("job", "SUCCEEDED", RECIPE)
    with pytest.raises(MtlserError, match="run key ''"):
        stages.close_run("", "FAILED", RECIPE)
    assert stages.close_run("never", "FAILED", RECIPE) == []


def test_untracked_there_is_nothing_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    assert stages.close_run("job", "FAILED", RECIPE) == []


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ("SUCCEEDED", "FINISHED"),
        ("COMPLETE", "FINISHED"),
        ("CACHED", "FINISHED"),
        ("FAILED", "FAILED"),
        ("CANCELED", "KILLED"),
        ("CANCELLED", "KILLED"),
        ("CANCELING", "KILLED"),
        ("RUNNING", "FAILED"),
        ("UNKNOWN", "KILLED"),
        ("odd", "KILLED"),
    ],
)
def test_the_outcome_of_kubeflow_ends_the_runs(
    state: str, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = left_open(RECIPE, "job")
    posted: list[tuple[str, Outcome]] = []
    monkeypatch.setenv(outcome.WEBHOOK, "https://hooks.example/secret")
    monkeypatch.setattr(webhook, "post", lambda *printed: posted.append(printed))
    stages.report_outcome(RECIPE, run="job", state=state, pipeline="retrain-1", error="why")
    assert status(runs[0]) == ended
    ((address, printed),) = posted
    assert address == "https://hooks.example/secret"
    assert (printed.pipeline, printed.run, printed.state, printed.error) == (
        "retrain-1",
        "job",
        state,
        "why",
    )
    assert printed.mlflow is None  # a file is no address


def test_a_server_s_run_has_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    with tracking.parent(RECIPE, "job") as parent:
        pass
    monkeypatch.setattr(mlflow_runs, "connect", lambda _: MlflowClient())
    printed = mlflow_close.link("http://ann:word@mlflow.example:5000/", RECIPE, [str(parent.id)])
    experiment = MlflowClient().get_run(str(parent.id)).info.experiment_id
    page = f"http://mlflow.example:5000/#/experiments/{experiment}/runs/{parent.id}"
    assert printed == f"{page}?workflowType=machine_learning"


def test_a_store_that_is_away_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise MtlserError("MLflow could not search runs: away; check MLFLOW_TRACKING_URI")

    monkeypatch.setattr(mlflow_close, "close", away)
    with caplog.at_level(logging.INFO, "mtlser"):
        stages.report_outcome(RECIPE, run="job", state="FAILED", pipeline="retrain-1")
    closing, posting = caplog.records
    assert closing.getMessage().startswith("runs were not closed: MLflow could not")
    assert (closing.levelname, posting.levelname) == ("WARNING", "INFO")
    assert posting.getMessage().startswith("MTLSER_WEBHOOK is not set")
