"""Components: each hands exactly what it got to its stage (`.python_func`, stages replaced)."""

import inspect
import json
import re
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl

from components import artifacts, failures
from components.baselines.component import baselines
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
from components.search_worker.component import search_worker
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

    stubbed = ("prepare", "ingest", "split", "search", "search_worker", "baselines")
    for name in (*stubbed, "train", "noise_eval", "register", "promote", "report_outcome"):
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


def test_search_is_tracked_under_the_run_that_surrounds_it(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_MOST_CELLS", "116")
    cells = search.python_func(
        recipe=TEXT,
        corpus=data("corpus"),
        folds=artifact("folds"),
        chosen=artifact("chosen"),
        sources="s1",
    )
    places = ("/in/corpus", "/in/folds", RECIPE)
    assert cells == ["mtlser:f0:s0"]
    named = {"out": "/in/chosen", "work": "/kept/r", "run": "r", "most": 116, "store": ""}
    assert calls == [("search", places, named)]


def test_a_search_worker_shares_list_and_work_with_the_search(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_SEARCH_STORE", "postgresql+psycopg2://db/search")
    places = {"corpus": data("corpus"), "folds": artifact("folds")}
    given = {"recipe": TEXT, **places, "sources": "s1"}
    search_worker.python_func(**given, worked=artifact("worked"), first=3)
    search.python_func(**given, chosen=artifact("chosen"), worked=[artifact("worked")])
    kept = ("/kept/r", "postgresql+psycopg2://db/search")
    named = {"run": "r", "first": 3, "out": "/in/worked"}
    assert calls[0] == ("search_worker", ("/in/corpus", "/in/folds", RECIPE, *kept), named)
    assert (calls[1][2]["work"], calls[1][2]["store"]) == kept


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
        cell="mtlser:f1:s0",
        processes=2,
    )
    given = ("/in/corpus", "/in/folds", "/in/chosen", "mtlser:f1:s0", RECIPE)
    named = {"out": "/in/trained", "work": "/kept/r", "run": "r", "processes": 2}
    heard = ("/in/corpus", "/in/folds", "/in/trained", "mtlser:f1:s0", RECIPE)
    assert calls == [("train", given, named), ("noise_eval", heard, {"out": "/in/noisy"})]
    assert model.metadata == {"cell": "mtlser:f1:s0"}


def test_baselines_are_one_step(calls: Calls) -> None:
    baselines.python_func(
        recipe=TEXT,
        corpus=data("corpus"),
        folds=artifact("folds"),
        chosen=artifact("chosen"),
        measured=artifact("measured"),
        sources="s1",
    )
    given = ("/in/corpus", "/in/folds", "/in/chosen", RECIPE)
    named = {"out": "/in/measured", "work": "/kept/r", "run": "r"}
    assert calls == [("baselines", given, named)]


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


def test_promote_against_a_champion_of_the_same_recipe(calls: Calls) -> None:
    registered = artifact("registered")
    promote.python_func(
        recipe=TEXT,
        trained=dsl.Model(uri="/in/final"),
        reported=artifact("reported"),
        registered=registered,
    )
    rests_on = {"trained": "/in/final", "reported": "/in/reported", "rival": "/in/reported"}
    assert registered.metadata == rests_on
    places = ("/in/final", "/in/reported", "/in/reported", RECIPE, "/in/registered")
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
    monkeypatch.setattr(failures, "of_run", lambda run, told: (told, [failure]))
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
    networks = [cell for cell in fake_stages.split_cells() if cell.startswith("mtlser")]
    for cell in networks:
        for kind, built in (("trained", trained), ("noisy", noisy)):
            place = tmp_path / kind / cell
            if kind == "trained":
                fake_stages.write_cell(place, cell, RECIPE)
            else:
                fake_stages.noise_eval(
                    "", "", str(tmp_path / "trained" / cell), cell, RECIPE, str(place)
                )
            built.append(dsl.Artifact(uri=str(place), metadata={"cell": cell}))
    rivals = tmp_path / "baselines"
    monkeypatch.setattr(stages, "baseline_folders", fake_stages.baseline_folders)
    (tmp_path / "chosen.json").write_text("{}")
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    fake_stages.baselines("", "", str(tmp_path), RECIPE, str(rivals), run="r")
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
        baselines=dsl.Artifact(uri=str(rivals)),
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
        **{cell: str(tmp_path / "trained" / cell) for cell in networks},
        **{f"svm:f{fold}:s0": str(rivals / "cells" / f"svm-f{fold}-s0") for fold in (0, 1)},
    }


def test_only_finite_numbers_become_scalars(tmp_path: Path) -> None:
    content = {"wa_mean": 0.5, "folds": 5, "leaks": True, "protocol": "loso", "wer": None}
    (tmp_path / "summary.json").write_text(json.dumps(content | {"p": float("nan")}))
    assert artifacts.scalars(str(tmp_path)) == {"wa_mean": 0.5, "folds": 5.0}


@pytest.mark.parametrize("name", NAMES)
def test_every_component_is_described(name: str) -> None:
    described = yaml.safe_load((ROOT / name / "metadata.yaml").read_text(encoding="utf-8"))
    assert described["name"] == name
    assert list(described) == ["name", "stability", "dependencies", "tags", "lastVerified"]
    assert described["stability"] in {"experimental", "alpha", "beta", "stable"}
    assert isinstance(described["lastVerified"], datetime), "RFC 3339, with time and zone"
    (kubeflow,) = described["dependencies"]["kubeflow"]
    assert kubeflow["name"] == "Pipelines"
    assert re.fullmatch(r"(>=|<=|==)\d+\.\d+\.\d+", kubeflow["version"])


@pytest.mark.parametrize("name", NAMES)
def test_a_component_s_page_has_the_form_of_the_official_library(name: str) -> None:
    """Sections, stability and inputs as kubeflow/pipelines-components' generator writes them."""
    page = (ROOT / name / "README.md").read_text(encoding="utf-8")
    own, mark, details = page.partition("<!-- custom-content -->\n")
    assert mark and details.strip()
    title, *sections = re.findall(r"^##? (.+) .\ufe0f?$", own, re.MULTILINE)
    assert title == name.replace("_", " ").title()
    assert sections == ["Overview", "Inputs", "Outputs", "Metadata"]
    assert "**Stability: alpha**" in own
    component = import_module(f"components.{name}.component")
    function = getattr(component, name).python_func
    written = inspect.getdoc(function) or ""
    assert written.partition("\n")[0] in own
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", own, re.MULTILINE))
    assert list(rows) == list(inspect.signature(function).parameters)
    for parameter, description in rows.items():
        assert f"{parameter}: {description}" in written


def test_no_component_is_left_out() -> None:
    assert {path.parent.name for path in ROOT.glob("*/component.py")} == set(NAMES)
