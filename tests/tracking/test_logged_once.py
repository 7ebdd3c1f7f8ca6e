"""What MLflow is told by a training that is killed, and by a request whose answer is lost."""

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from mtlser import recipe, tracking
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import mlflow_runs
from mtlser.training import network
from tests.helpers.trainings import history, make_inputs, small_recipe, training

EPOCHS = 4


pytestmark = pytest.mark.usefixtures("mlflow_store")


@pytest.mark.parametrize(("call", "logged"), [(2, False), (2, True), (5, False), (5, True)])
def test_each_epoch_is_told_once_wherever_the_kill_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, logged: bool
) -> None:
    """Killed before or after the second epoch's figures are logged, or the best epoch's number."""
    inputs = make_inputs(tmp_path)
    built = small_recipe(tmp_path, f"train.epochs={EPOCHS}", f"train.patience={EPOCHS}")
    tell, calls = mlflow_runs.MlflowRun.metrics, [0]

    def tell_and_die(run: mlflow_runs.MlflowRun, *args: Any, **more: Any) -> None:
        calls[0] += 1
        if calls[0] != call or logged:
            tell(run, *args, **more)
        if calls[0] == call:
            raise KeyboardInterrupt

    def attempt() -> Path:
        with tracking.parent(built, "job") as parent:
            retained = WorkFolder(tmp_path / "work")
            return network.train_network(training(inputs), inputs, built, retained, parent)

    with monkeypatch.context() as patch:
        patch.setattr(mlflow_runs.MlflowRun, "metrics", tell_and_die)
        with pytest.raises(KeyboardInterrupt):
            attempt()
    rows = history(attempt())
    client = MlflowClient()
    (fold,) = (
        run
        for run in client.search_runs([each.experiment_id for each in client.search_experiments()])
        if "best_epoch" in run.data.metrics
    )
    assert fold.info.status == "FINISHED"
    for name in ("train_loss", "score"):
        outcome = client.get_metric_history(fold.info.run_id, name)
        assert sorted((each.step, each.value) for each in outcome) == [
            (number, row[name]) for number, row in enumerate(rows, 1)
        ]
    assert len(client.get_metric_history(fold.info.run_id, "best_epoch")) == 1


@pytest.mark.parametrize("key", ["job", ""])
def test_a_request_whose_answer_was_lost_leaves_no_second_run(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """MLflow's client asks once more for what the server has made already."""
    make = MlflowClient.create_run

    def make_twice(*args: Any, **more: Any) -> Any:
        make(*args, **more)
        return make(*args, **more)

    monkeypatch.setattr(MlflowClient, "create_run", make_twice)
    with tracking.parent(recipe.load("demo"), key) as parent:
        child = parent.child("a", "a")
    client = MlflowClient()
    places = [each.experiment_id for each in client.search_experiments()]
    left = {run.info.run_id for run in client.search_runs(places)}
    assert left == {parent.id, child.id}
