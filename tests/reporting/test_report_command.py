"""`mtlser report` from any predictions, and finished runs side by side."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import stages, tracking
from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.significance.comparison import differences
from mtlser.recipe import Recipe, dumps
from mtlser.records import FoldPlan, Prediction, read_json, write_json, write_jsonl
from mtlser.reporting import runs
from mtlser.reporting.comparison_page import Compared
from tests.helpers.commands import refused
from tests.helpers.factories import make_plan, make_predictions, make_recipe
from tests.helpers.honest import make_honest_run

Run = Callable[..., tuple[int, str, str]]
PLAN = make_plan(folds=4, per_fold=30)
MINE = make_predictions(PLAN, "mtlser", 0.7)


def predictions(system: str, quality: float = 0.7, seed: int = 0) -> list[Prediction]:
    """A system's predictions under a name of its own."""
    built = make_predictions(PLAN, "mtlser", quality, snr_db=(0, 10), seed=seed)
    return [p.model_copy(update={"system": system}) for p in built]


def given(folder: Path, *systems: str, plan: FoldPlan = PLAN) -> tuple[Path, Path]:
    """A file of predictions and a folds file."""
    folder.mkdir(exist_ok=True)
    built = [p for i, name in enumerate(systems) for p in predictions(name, 0.7 - i / 5, seed=i)]
    write_jsonl(folder / "mine.jsonl", built)
    write_json(folder / "folds.json", plan)
    return folder / "mine.jsonl", folder / "folds.json"


def reported(place: Path, quality: float, plan: FoldPlan = PLAN, *overrides: str) -> Path:
    """A finished report folder of the network."""
    recipe: Recipe = make_recipe("baseline.systems=[]", *overrides)
    place.mkdir(parents=True)
    built = make_predictions(plan, "mtlser", quality, snr_db=(0, 10, 20), seed=int(quality * 100))
    write_jsonl(place / "p.jsonl", built)
    write_json(place / "folds.json", plan)
    files = str(place / "p.jsonl"), str(place / "folds.json")
    stages.report("", files[1], "", [files[0]], recipe, str(place / "report"))
    return place / "report"


def test_predictions_of_any_system_need_folds_alone(run: Run, tmp_path: Path) -> None:
    mine, folds = given(tmp_path / "in", "my_net")
    code, out, err = run("report", mine, "--folds", folds, "--out", "r")
    assert code == 0, err
    assert "next: mtlser report --compare r" in out
    scores = read_json(tmp_path / "r" / "scores.json", Scores)
    assert (scores.main, scores.recipe_name) == ("my_net", "")
    html = (tmp_path / "r" / "report.html").read_text()
    for part in (
        "my_net on a corpus that is not named",
        "name it with <code>--recipe</code>",
        "name the corpus folder with <code>--manifest</code>",
        "name its folder with <code>--chosen</code>",
        "declared, not verified: the search was not given",
        "Figure 14",
    ):
        assert part in html
    assert "recipe shown here" not in html
    assert not (tmp_path / "r" / "recipe.toml").exists()
    assert "| **my_net** |" in (tmp_path / "r" / "tables.md").read_text().replace("\\_", "_")
    assert r"my\_net" in (tmp_path / "r" / "tables.tex").read_text()


def test_clips_to_listen_to_and_genders_come_from_the_corpus_folder(
    run: Run, tmp_path: Path
) -> None:
    honest = make_honest_run(tmp_path / "h")
    (tmp_path / "recipe.toml").write_text(dumps(honest.recipe))
    recipe = ("--recipe", "recipe.toml")
    command = ("report", *honest.results, "--folds", honest.folds, "--out", "r", *recipe)
    refused(run(*command, "--listen", "2"), "--listen 2", "--manifest")
    assert not (tmp_path / "r").exists()
    code, _, err = run(*command, "--manifest", honest.corpus, "--listen", "2")
    assert code == 0, err
    assert (tmp_path / "r" / "report.html").read_text().count("data:audio/flac") == 2
    scores = read_json(tmp_path / "r" / "scores.json", Scores)
    assert {group.name for group in scores.groups_of("gender")} == {"F", "M"}
    for name in ("tables.md", "tables.tex"):
        assert "by gender, lowest UA first" in (tmp_path / "r" / name).read_text()


def test_the_main_system_is_asked_for_where_it_is_not_clear(run: Run, tmp_path: Path) -> None:
    mine, folds = given(tmp_path / "in", "one", "two")
    refused(run("report", mine, "--folds", folds, "--out", "r"), "one, two", "--main one")
    refused(run("report", mine, "--folds", folds, "--out", "r", "--main", "three"), "three", "one")
    assert not (tmp_path / "r").exists()
    code, _, err = run("report", mine, "--folds", folds, "--out", "r", "--main", "two")
    assert code == 0, err
    scores = read_json(tmp_path / "r" / "scores.json", Scores)
    assert [s.system for s in scores.systems] == ["two", "one"]
    assert {row.main for row in scores.comparisons} == {"two"}


def test_a_run_folder_brings_its_recipe(run: Run, tmp_path: Path) -> None:
    mine, _ = given(tmp_path / "in", "mtlser")
    mine.rename(tmp_path / "in" / "predictions.jsonl")
    recipe = make_recipe("baseline.systems=[]", 'name="of-the-run"')
    (tmp_path / "in" / "recipe.toml").write_text(dumps(recipe))
    code, _, err = run("report", "in", "--folds", "in", "--out", "r")
    assert code == 0, err
    assert read_json(tmp_path / "r" / "scores.json", Scores).recipe_name == "of-the-run"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("in/mine.jsonl",), ("--folds is missing", "mtlser split")),
        (("nowhere", "--folds", "in/folds.json"), ("nowhere",)),
        (("in", "--folds", "in/folds.json"), ("predictions.jsonl", "mtlser train")),
        (("in/mine.jsonl", "--folds", "in/mine.jsonl"), ("not a FoldPlan",)),
        (("in/bad.jsonl", "--folds", "in"), ("bad.jsonl:1", "not a Prediction")),
        (("in/empty.jsonl", "--folds", "in"), ("no predictions",)),
        (("in/mine.jsonl", "--compare"), ("two runs or more",)),
        (("r1", "r2", "--compare", "--folds", "in"), ("--folds with --compare",)),
        (("in", "in", "--compare"), ("in is there twice",)),
        (("in", "nowhere", "--compare"), ("scores.json", "models:/NAME@ALIAS")),
        (("nowhere", "in", "--compare"), ("nowhere: no such run",)),
        (("models:/x@y", "in", "--compare"), ("models:/x@y", "MLFLOW_TRACKING_URI")),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    given(tmp_path / "in", "my_net")
    (tmp_path / "in" / "bad.jsonl").write_text("{}\n")
    (tmp_path / "in" / "empty.jsonl").write_text("")
    refused(run("report", *words, "--out", "r"), *parts)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_runs_on_the_same_folds_are_tested_and_recipes_set_side_by_side(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    one = reported(tmp_path / "one", 0.8, PLAN, 'name="good"')
    two = reported(tmp_path / "two", 0.5, PLAN, 'name="bad"', "train.learning_rate=2e-3")
    code, out, err = run("report", "--compare", one, two, "--out", "r")
    assert code == 0, err
    assert "comparison: r/report.html" in out
    result = read_json(tmp_path / "r" / "comparison.json", Compared)
    assert result.untested == ()
    by_metric = {row.metric: row for row in result.comparisons}
    kinds = [test.kind for test in by_metric["wa"].paired]
    assert kinds[0] == "corrected resampled t"
    assert by_metric["wa"].mcnemar is not None
    assert by_metric["ua"].bootstrap is not None
    a, b = (read_json(place / "scores.json", Scores) for place in (one, two))
    gap = a.of("mtlser").clean.spreads["ua"].mean - b.of("mtlser").clean.spreads["ua"].mean
    assert by_metric["ua"].paired[0].difference == pytest.approx(gap)
    html = (tmp_path / "r" / "report.html").read_text()
    assert "train.learning_rate" in html
    assert "0.002" in html
    assert (
        "train.beta" not in html.partition("Where the recipes differ")[2].partition("</table>")[0]
    )
    assert "good is" in html
    assert html.count('class="plot"') >= 4, "noise curves of both"


def test_speakers_are_matched_by_name_where_one_run_names_none(run: Run, tmp_path: Path) -> None:
    one = reported(tmp_path / "one", 0.8)
    (tmp_path / "two").mkdir()
    silent = [
        p.model_copy(update={"system": "mute", "speaker_predicted": None, "text_predicted": None})
        for p in make_predictions(PLAN, "mtlser", 0.5, seed=7)
    ]
    # The order in which columns meet speakers: each run's predictions tell another one first.
    write_jsonl(tmp_path / "two" / "p.jsonl", silent)
    write_json(tmp_path / "two" / "folds.json", PLAN)
    code, _, err = run("report", "two/p.jsonl", "--folds", "two", "--out", "muted")
    assert code == 0, err
    code, _, err = run("report", "--compare", one, "muted", "--out", "r")
    assert code == 0, err
    result = read_json(tmp_path / "r" / "comparison.json", Compared)
    a, b = (read_json(place / "scores.json", Scores) for place in (one, tmp_path / "muted"))
    gap = a.of("mtlser").clean.pooled.ua - b.of("mute").clean.pooled.ua
    (row,) = (row for row in result.comparisons if row.metric == "ua")
    assert row.bootstrap is not None, result.notes
    assert row.bootstrap.estimate == pytest.approx(gap)


def test_runs_on_other_folds_are_shown_but_not_tested(run: Run, tmp_path: Path) -> None:
    other = PLAN.model_copy(update={"protocol": "random", "manifest_digest": "fedcba98"})
    one = reported(tmp_path / "one", 0.8)
    two = reported(tmp_path / "two", 0.5, other)
    code, _, err = run("report", "--compare", one, two, "--out", "r")
    assert code == 0, err
    result = read_json(tmp_path / "r" / "comparison.json", Compared)
    assert result.comparisons == ()
    (apart,) = result.untested
    assert any("protocols differ (session; random)" in reason for reason in apart.reasons)
    assert any("manifest digests differ" in reason for reason in apart.reasons)
    html = (tmp_path / "r" / "report.html").read_text()
    assert "There is no test" in html
    assert 'class="banner"' in html


def test_smaller_tests_are_other_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    small = make_plan(folds=4, per_fold=20)
    places = reported(tmp_path / "one", 0.8), reported(tmp_path / "two", 0.8, small)
    one, two = (read_json(place / "scores.json", Scores) for place in places)
    assert differences(one, one) == []
    assert differences(one, two) == ["the folds' tests differ in size"]


def test_without_folds_and_predictions_the_recommended_test_is_named_as_missing(
    run: Run, tmp_path: Path
) -> None:
    places = [reported(tmp_path / name, q) for name, q in (("one", 0.8), ("two", 0.5))]
    for place in places:
        (place / "folds.json").unlink()
        (place / "predictions.jsonl").unlink()
    refused(run("report", "--compare", *places, "--out", "r"), "folds.json is missing")
    for place in places:
        (place / "custody.json").unlink()
    code, _, err = run("report", "--compare", *places, "--out", "r")
    assert code == 0, err
    assert "not at hand" in (tmp_path / "r" / "report.html").read_text()
    result = read_json(tmp_path / "r" / "comparison.json", Compared)
    assert any("no folds.json" in note for note in result.notes)
    kinds = {test.kind for row in result.comparisons for test in row.paired}
    assert "corrected resampled t" not in kinds
    assert all(row.mcnemar is None for row in result.comparisons)


def test_runs_are_found_by_mlflow_id_and_registered_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MTLSER_TRACKING", raising=False)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    address = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    tracking.init_store()
    folder = reported(tmp_path / "one", 0.8)
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    html = (folder / "report.html").read_text()
    (run_id,) = set(re.findall(r">MLflow run</th><td>([0-9a-f]{32})<", html))
    client.create_registered_model("net")
    built = client.create_model_version("net", "nowhere", run_id=run_id)
    client.set_registered_model_alias("net", "champion", built.version)
    with runs.opened([run_id, "models:/net@champion", f"runs:/{run_id}", str(folder)]) as result:
        assert len({one.label for one in result}) == 4
        assert len({one.scores.model_dump_json() for one in result}) == 1
        assert all(one.plan == PLAN for one in result)
    for wrong in ("models:/net@nobody", "models:/net", "0" * 32):
        with pytest.raises(MtlserError, match=re.escape(wrong)), runs.opened([wrong, run_id]):
            pass
    empty = client.create_run("0").info.run_id
    with pytest.raises(MtlserError, match=r"holds no scores\.json"), runs.opened([empty, run_id]):
        pass


def test_what_the_page_embeds_is_json(run: Run, tmp_path: Path) -> None:
    mine, folds = given(tmp_path / "in", "my_net")
    assert run("report", mine, "--folds", folds, "--out", "r")[0] == 0
    html = (tmp_path / "r" / "report.html").read_text()
    parts = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', html, re.S)
    assert {name for name, _ in parts} == {"scores", "context", "figures"}
    assert all(json.loads(text) for _, text in parts)
