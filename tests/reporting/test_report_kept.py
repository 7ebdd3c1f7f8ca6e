"""A report that is written stays, whatever becomes of MLflow."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from mtlser import stages
from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.records import read_json, write_json, write_jsonl
from mtlser.tracking import mlflow_runs
from mtlser.tracking.tolerant import TolerantRun
from mtlser.tracking.tracker import NullRun
from tests.helpers.factories import make_plan, make_predictions, make_recipe

pytestmark = pytest.mark.usefixtures("mlflow_store")
PLAN = make_plan(folds=2, per_fold=12)


def report(folder: Path, kinds: tuple[str, ...] = ("babble",)) -> Path:
    """Where the report of predictions under noises of these kinds is, or was to be, written."""
    named = f"noise.kinds=[{', '.join(map(repr, kinds))}]"
    noise = folder / "noises"
    noise.mkdir(exist_ok=True)
    recipe = make_recipe("baseline.systems=[]", named, f"noise.root='{noise}'", "noise.snr_db=[5]")
    built = [
        each.model_copy(update={"condition": each.condition.replace("babble", kind)})
        for kind in kinds
        for each in make_predictions(PLAN, snr_db=(5,))
        if each.condition != "clean" or kind == kinds[0]
    ]
    write_jsonl(folder / "p.jsonl", built)
    write_json(folder / "folds.json", PLAN)
    out = folder / "report"
    places = str(folder / "folds.json"), str(folder / "p.jsonl")
    stages.report("", places[0], "", [places[1]], recipe, str(out))
    return out


def test_noises_of_any_name_are_logged_each_under_its_own(tmp_path: Path) -> None:
    report(tmp_path, ("café, bar+1", "a@b", "a_b", "it's/so"))
    client = MlflowClient()
    (experiment,) = [e for e in client.search_experiments() if e.name == "mtlser/iemocap"]
    logged = {
        key for run in client.search_runs([experiment.experiment_id]) for key in run.data.metrics
    }
    assert {
        "test_café:2c: bar:2b:1_5dB_wa",
        "test_a:40:b_5dB_wa",
        "test_a_b_5dB_wa",
        "test_it:27:s/so_5dB_wa",
    } <= logged


@pytest.mark.parametrize(
    "call", ["create_run", "set_tag", "log_batch", "search_runs", "log_artifact"]
)
@pytest.mark.parametrize(
    "error", [MlflowException("refused"), ConnectionResetError("gone")], ids=["refused", "broken"]
)
def test_a_failure_of_tracking_is_one_sentence_beside_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: Exception
) -> None:
    def fail(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(MlflowClient, call, fail)
    monkeypatch.setattr(mlflow_runs, "ATTEMPTS", 1)
    out = tmp_path / "report"
    if call == "set_tag":  # which nothing of a report calls
        assert report(tmp_path) == out
        return
    with pytest.raises(MtlserError, match="the report is written") as told:
        report(tmp_path)
    assert str(out) in str(told.value)
    assert str(error) in str(told.value)
    assert told.value.exit_code == 2
    assert read_json(out / "scores.json", Scores).main == "mtlser"
    assert (out / "report.html").is_file()


def test_after_a_failure_the_store_is_asked_no_more() -> None:
    class Away(NullRun):
        asked = 0

        def metrics(self, values: object, step: int = 0) -> None:
            Away.asked += 1
            raise MtlserError("MLflow is away")

    run = TolerantRun(Away())
    child = run.child("a", "a")
    for each in (child, run, child):
        each.metrics({"wa": 0.5})
        each.tags({"a": "b"})
        assert each.alike({"a": "b"}) == []
    assert Away.asked == 1
    with pytest.raises(MtlserError, match="MLflow is away"):
        run.failure.raise_after("a report")
