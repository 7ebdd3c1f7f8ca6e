"""Components: each hands exactly what it got to its stage (`.python_func`, stages replaced)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl

from components import artifacts, failures
from components.check_data.component import check_data
from components.compare.component import compare
from components.evaluate.component import evaluate
from components.fold_split.component import fold_split
from components.ingest.component import ingest
from components.prepare.component import prepare
from components.promote.component import promote
from components.register.component import register
from components.report.component import report
from components.report_outcome.component import report_outcome
from components.search.component import search
from components.train.component import train
from mtlser import recipe as recipes
from mtlser import stages
from mtlser.registry.drift_records import Check
from mtlser.tracking.webhook import Failure
from pipeline.dags.profile import STEPS
from tests.helpers import fake_stages

ROOT = Path(__file__).parents[2] / "components"
NAMES = sorted(STEPS)
TEXT = recipes.dumps(recipes.load("demo"))
RECIPE = recipes.load(TEXT)

Calls = list[tuple[str, tuple[Any, ...], dict[str, Any]]]


@pytest.fixture(autouse=True)
def surroundings_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSER_RUN", "r")
    monkeypatch.setenv("MTLSER_WORK", "/kept")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every stage replaced by one that notes its arguments."""
    noted: Calls = []

    def note(name: str) -> Callable[..., list[str]]:
        def stage(*given: Any, **named: Any) -> list[str]:
            noted.append((name, given, named))
            return ["mtlser:f0:s0"]

        return stage

    stubbed = ("prepare", "ingest", "split", "search", "train", "noise_eval", "register", "promote")
    for name in (*stubbed, "report_outcome"):
        monkeypatch.setattr(stages, name, note(name))
    return noted


def data(name: str) -> dsl.Dataset:
    return dsl.Dataset(uri=f"/in/{name}")


def artifact(name: str) -> dsl.Artifact:
    return dsl.Artifact(uri=f"/in/{name}")


def test_prepare(calls: Calls) -> None:
    prepare.python_func(recipe=TEXT)
    assert calls == [("prepare", (RECIPE,), {"run": "r"})]


@pytest.mark.parametrize("clips", ["", "s3://speech/clips"])
def test_ingest(calls: Calls, monkeypatch: pytest.MonkeyPatch, clips: str) -> None:
    monkeypatch.setenv("MTLSER_CLIPS", clips)
    corpus = data("corpus")
    ingest.python_func(recipe=TEXT, release="v1", corpus=corpus)
    assert calls == [("ingest", (RECIPE,), {"out": "/in/corpus", "clips": clips})]
    assert corpus.metadata == {"release": "v1"}


def test_fold_split(calls: Calls) -> None:
    fold_split.python_func(recipe=TEXT, corpus=data("corpus"), folds=artifact("folds"))
    assert calls == [("split", ("/in/corpus", RECIPE), {"out": "/in/folds"})]


def test_search_is_tracked_under_the_run_that_surrounds_it(calls: Calls) -> None:
    cells = search.python_func(
        recipe=TEXT,
        corpus=data("corpus"),
        folds=artifact("folds"),
        chosen=artifact("chosen"),
        sources="s1",
    )
    places = ("/in/corpus", "/in/folds", RECIPE)
    assert cells == ["mtlser:f0:s0"]
    assert calls == [("search", places, {"out": "/in/chosen", "work": "/kept/r", "run": "r"})]


def test_train_is_the_final_fit(calls: Calls) -> None:
    model = dsl.Model(uri="/in/trained")
    train.python_func(
        recipe=TEXT,
        corpus=data("corpus"),
        folds=artifact("folds"),
        chosen=artifact("chosen"),
        trained=model,
        sources="s1",
        processes=2,
    )
    given = ("/in/corpus", "/in/folds", "/in/chosen", "mtlser:final:s0", RECIPE)
    named = {"out": "/in/trained", "work": "/kept/r", "run": "r", "processes": 2}
    assert calls == [("train", given, named)]
    assert model.metadata == {"cell": "mtlser:final:s0"}


def test_evaluate_trains_a_cell_and_predicts_it_under_noise(calls: Calls) -> None:
    model = dsl.Model(uri="/in/trained")
    evaluate.python_func(
        recipe=TEXT,
        corpus=data("corpus"),
        folds=artifact("folds"),
        chosen=artifact("chosen"),
        trained=model,
        noisy=artifact("noisy"),
        sources="s1",
        cell="svm:f1:s0",
        processes=2,
    )
    given = ("/in/corpus", "/in/folds", "/in/chosen", "svm:f1:s0", RECIPE)
    named = {"out": "/in/trained", "work": "/kept/r", "run": "r", "processes": 2}
    heard = ("/in/corpus", "/in/folds", "/in/trained", "svm:f1:s0", RECIPE)
    assert calls == [("train", given, named), ("noise_eval", heard, {"out": "/in/noisy"})]
    assert model.metadata == {"cell": "svm:f1:s0"}


def test_register(calls: Calls) -> None:
    registered = artifact("registered")
    register.python_func(
        recipe=TEXT,
        trained=dsl.Model(uri="/in/final"),
        reported=artifact("reported"),
        registered=registered,
    )
    assert registered.metadata == {"trained": "/in/final", "reported": "/in/reported"}
    assert calls == [
        ("register", ("/in/final", "/in/reported", RECIPE, "/in/registered"), {"run": "r"})
    ]


def test_promote(calls: Calls) -> None:
    registered = artifact("registered")
    promote.python_func(
        recipe=TEXT,
        trained=dsl.Model(uri="/in/final"),
        reported=artifact("reported"),
        rival=artifact("rival"),
        registered=registered,
    )
    rests_on = {"trained": "/in/final", "reported": "/in/reported", "rival": "/in/rival"}
    assert registered.metadata == rests_on
    places = ("/in/final", "/in/reported", "/in/rival", RECIPE, "/in/registered")
    assert calls == [("promote", places, {"run": "r"})]


def test_check_data_returns_verdict_and_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def stage(corpus: str, recipe: object, out: str, run: str) -> Check:
        assert (corpus, recipe, out, run) == ("/in/corpus", RECIPE, "/in/checked", "r")
        return Check(verdict="new_data", champion_recipe="the champion's")

    monkeypatch.setattr(stages, "check_data", stage)
    checked = artifact("checked")
    result = check_data.python_func(recipe=TEXT, corpus=data("corpus"), checked=checked)
    assert tuple(result) == ("new_data", "the champion's")
    assert checked.metadata == {"verdict": "new_data"}


def test_compare_puts_the_page_into_kubeflows_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage(runs: list[str], out: str) -> None:
        assert runs == ["/in/reported", "/in/rival"]
        Path(out).mkdir()
        (Path(out) / "report.html").write_text("<h1>two</h1>")

    monkeypatch.setattr(stages, "compare", stage)
    compare.python_func(
        reported=artifact("reported"),
        rival=artifact("rival"),
        compared=dsl.Artifact(uri=str(tmp_path / "compared")),
        page=dsl.HTML(uri=str(tmp_path / "page")),
    )
    assert (tmp_path / "page").read_text() == "<h1>two</h1>"


def test_report_outcome_hands_on_what_kubeflow_says(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = Failure(step="train", pod="pod-1", node="n-1", message="OOMKilled")
    monkeypatch.setattr(failures, "of_run", lambda run: [failure] if run == "r" else [])
    status = dsl.PipelineTaskFinalStatus(
        state="FAILED",
        pipeline_job_resource_name="mtlser-1",
        pipeline_task_name="exit-handler-1",
        error_code=9,
        error_message="no disk",
    )
    report_outcome.python_func(recipe=TEXT, dag="crossval", status=status, told=artifact("told"))
    named: dict[str, Any] = {
        "run": "r",
        "state": "FAILED",
        "pipeline": "crossval mtlser-1",
        "error": "no disk",
    }
    named |= {"out": "/in/told", "work": "/kept/r", "failures": [failure]}
    assert calls == [("report_outcome", (RECIPE,), named)]


def test_report_puts_scores_confusion_and_page_into_kubeflows_artifacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "report", fake_stages.report)
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    trained: list[dsl.Artifact] = []
    noisy: list[dsl.Artifact] = []
    for cell in fake_stages.split_cells():
        for kind, built in (("trained", trained), ("noisy", noisy)):
            place = tmp_path / kind / cell
            if kind == "trained":
                fake_stages.write_cell(place, cell, RECIPE)
            else:
                fake_stages.noise_eval(
                    "", "", str(tmp_path / "trained" / cell), cell, RECIPE, str(place)
                )
            built.append(dsl.Artifact(uri=str(place), metadata={"cell": cell}))
    reported = dsl.Artifact(uri=str(tmp_path / "reported"))
    metrics, page = dsl.Metrics(uri=str(tmp_path / "metrics")), dsl.HTML(uri=str(tmp_path / "page"))
    confusion = dsl.ClassificationMetrics(uri=str(tmp_path / "confusion"))
    report.python_func(
        recipe=TEXT,
        corpus=data("corpus"),
        folds=artifact("folds"),
        chosen=artifact("chosen"),
        trained=trained,
        noisy=noisy,
        reported=reported,
        metrics=metrics,
        confusion=confusion,
        page=page,
    )
    assert metrics.metadata["wa_mean"] == 0.875
    assert metrics.metadata["svm_wa_mean"] == 0.25
    assert all(isinstance(value, float) for value in metrics.metadata.values())
    matrix = confusion.metadata["confusionMatrix"]
    assert [spec["displayName"] for spec in matrix["annotationSpecs"]] == [
        "neutral",
        "happy",
        "angry",
        "sad",
    ]
    assert [row["row"] for row in matrix["rows"]] == [
        [2, 0, 0, 0],
        [0, 2, 0, 0],
        [0, 0, 2, 0],
        [1, 0, 0, 1],
    ]
    assert (tmp_path / "page").read_text() == "<h1>report</h1>"
    assert reported.metadata["cells"] == {
        cell: str(tmp_path / "trained" / cell) for cell in fake_stages.split_cells()
    }


def test_only_finite_numbers_become_scalars(tmp_path: Path) -> None:
    content = {"wa_mean": 0.5, "folds": 5, "leaks": True, "protocol": "loso", "wer": None}
    (tmp_path / "summary.json").write_text(json.dumps(content | {"p": float("nan")}))
    assert artifacts.scalars(str(tmp_path)) == {"wa_mean": 0.5, "folds": 5.0}


@pytest.mark.parametrize("name", NAMES)
def test_every_component_is_described(name: str) -> None:
    described = yaml.safe_load((ROOT / name / "metadata.yaml").read_text(encoding="utf-8"))
    assert described["name"] == name
    assert (ROOT / name / "README.md").read_text(encoding="utf-8").startswith(f"# {name}\n")


def test_no_component_is_left_out() -> None:
    assert {path.parent.name for path in ROOT.glob("*/component.py")} == set(NAMES)
