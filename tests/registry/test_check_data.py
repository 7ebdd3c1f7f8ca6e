"""The check before a retraining, on a real MLflow store: first, unchanged, new, refused."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import stages, tracking
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps, load
from mtlser.records import Utterance, read_json, write_jsonl
from mtlser.registry import champions
from mtlser.registry.drift_records import Check, Drift
from tests.helpers.corpora import write_corpus
from tests.helpers.factories import make_prediction, make_recipe
from tests.helpers.retraining import measured, plan, write_report

RECIPE = make_recipe(
    "noise.kinds=[]", "baseline.systems=[]", "split.protocol=loso", "search.alphas=[]",
    "search.betas=[]", "drift.max_added_ks=1",
)  # fmt: skip
OTHER = RECIPE.model_copy(update={"seed": 3})


pytestmark = pytest.mark.usefixtures("mlflow_store")


@pytest.fixture
def utterances(tmp_path: Path) -> list[Utterance]:
    (tmp_path / "corpus").mkdir()
    return write_corpus(tmp_path / "corpus")


def cross_validated(final: Path, recipe: Recipe, run: str, tmp_path: Path) -> None:
    """What the pipeline does once cells are trained: split, report, register."""
    corpus, folds = str(tmp_path / "corpus"), tmp_path / f"folds-{run}"
    cells = stages.split(corpus, recipe, str(folds))
    plan = stages.load_folds(folds)
    assert cells == [f"mtlser:f{fold.index}:s{recipe.seed}" for fold in plan.folds]
    by_id = {u.id: u for u in stages.load_manifest(tmp_path / "corpus")}
    outcome = [
        make_prediction(
            name, by_id[name].emotion, fold=fold.index, split=split, style=by_id[name].style,
            text=(by_id[name].text, by_id[name].text), speaker=(by_id[name].speaker or "",) * 2,
            seed=recipe.seed, recipe_hash=recipe.hash,
        )
        for fold in plan.folds for split in ("test", "validation", "speaker_check")
        for name in getattr(fold, split)
    ]  # fmt: skip
    predicted = tmp_path / f"predicted-{run}.jsonl"
    write_jsonl(predicted, outcome)
    chosen = tmp_path / f"chosen-{run}"
    assert stages.search(corpus, str(folds), recipe, str(chosen), run=run) == cells
    report = str(tmp_path / f"report-{run}")
    stages.report(corpus, str(folds), str(chosen), [str(predicted)], recipe, report, run)
    stages.register(str(final), report, recipe, str(tmp_path / f"registered-{run}"), run)


def check(recipe: Recipe, run: str, tmp_path: Path) -> tuple[Check, Drift]:
    out = tmp_path / f"checked-{run}"
    result = stages.check_data(str(tmp_path / "corpus"), recipe, str(out), run)
    return result, read_json(out / "drift.json", Drift)


def rewrite(utterances: Sequence[Utterance], tmp_path: Path) -> None:
    write_jsonl(tmp_path / "corpus" / "manifest.jsonl", utterances)


def parent_of(run: str):  # type: ignore[no-untyped-def]
    experiment = MlflowClient().get_experiment_by_name("mtlser/iemocap")
    assert experiment is not None
    where = f"tags.`mtlser.run` = '{run}'"
    (result,) = MlflowClient().search_runs([experiment.experiment_id], where)
    return result


def test_first_unchanged_and_train(
    final: Path, utterances: list[Utterance], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mtlser")
    result, outcome = check(RECIPE, "one", tmp_path)
    assert result == Check(verdict="first", champion_recipe=dumps(RECIPE))
    assert (outcome.champion, outcome.reason) == (None, "model mtlser has no champion")
    cross_validated(final, RECIPE, "one", tmp_path)
    files = {file.path for file in MlflowClient().list_artifacts(parent_of("one").info.run_id)}
    assert {"manifest.jsonl", "recipe.toml", "drift.json"} <= files

    result, outcome = check(RECIPE, "two", tmp_path)
    assert result == Check(verdict="unchanged", champion_recipe=dumps(RECIPE))
    assert "champion version 1 is of this manifest and this recipe" in outcome.reason
    assert parent_of("two").info.status == "FINISHED"

    result, outcome = check(OTHER, "three", tmp_path)
    assert result == Check(verdict="new_recipe", champion_recipe=dumps(RECIPE))
    assert outcome.reason == "the same data and another recipe since champion version 1"
    assert (outcome.added, outcome.lost, outcome.changed) == (0, 0, 0)

    corrected = utterances[0].model_copy(update={"text": "YES YES"})
    rewrite([corrected, *utterances[1:]], tmp_path)
    caplog.clear()
    result, outcome = check(RECIPE, "four", tmp_path)
    assert (result.verdict, outcome.changed) == ("new_data", 1)
    assert outcome.reason == "new data and the same recipe since champion version 1"
    printed = caplog.text
    assert "class balance" in printed
    assert "OVER" not in printed
    assert parent_of("four").data.metrics["drift.duration_ks"] == 0


def test_what_was_tried_before_is_not_tried_again(
    final: Path, utterances: list[Utterance], tmp_path: Path
) -> None:
    """A refused challenger, or a champion that was rolled back, would only come again."""
    cross_validated(final, RECIPE, "one", tmp_path)
    cross_validated(final, OTHER, "two", tmp_path)
    assert check(OTHER, "three", tmp_path)[0].verdict == "unchanged"
    client = MlflowClient()
    champions.crown(client, "mtlser", 2)
    champions.rollback(client, "mtlser", reason="too slow")
    result, outcome = check(OTHER, "four", tmp_path)
    assert result.verdict == "unchanged"
    assert "version 2 is of this manifest" in outcome.reason
    assert "too slow" in outcome.reason


def test_drift_past_a_limit_is_refused_in_one_sentence_that_tells_the_way(
    final: Path, utterances: list[Utterance], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mtlser")
    cross_validated(final, RECIPE, "one", tmp_path)
    rewrite([u.model_copy(update={"level_dbfs": -60.0}) for u in utterances[4:]], tmp_path)
    with pytest.raises(MtlserError) as refusal:
        check(RECIPE, "two", tmp_path)
    output = str(refusal.value)
    assert "level: ks 1, over drift.max_level_ks = 0.2" in output
    assert "lost utterances: share 0.125, over drift.max_lost_utterances = 0.05" in output
    assert "\n" not in output
    assert caplog.text.count("OVER") == 2
    parent = parent_of("two")
    assert parent.info.status == "FAILED"
    assert parent.data.metrics["drift.level_ks"] == 1
    logged = MlflowClient().download_artifacts(parent.info.run_id, "drift.json")
    assert len(Drift.model_validate_json(Path(logged).read_text()).breaches) == 2
    allowed = output.partition("`")[2].rstrip("`").split()[1::2]
    assert allowed == ["drift.max_level_ks=1", "drift.max_lost_utterances=0.13"]
    assert check(load(dumps(RECIPE), tuple(allowed)), "three", tmp_path)[0].verdict == "new_data"


def test_a_champion_without_a_manifest_is_told_with_a_way_on(
    final: Path, utterances: list[Utterance], tmp_path: Path
) -> None:
    report = write_report(tmp_path / "report", RECIPE, measured(RECIPE, 0.7, plan()))
    stages.register(str(final), str(report), RECIPE, str(tmp_path / "registered"), "one")
    with pytest.raises(MtlserError, match=r"has no manifest\.jsonl.*delete the alias champion"):
        check(RECIPE, "two", tmp_path)


def test_an_untracked_check_knows_no_champion(
    utterances: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    result, outcome = check(RECIPE, "one", tmp_path)
    assert result.verdict == "first"
    assert "tracking is off" in outcome.reason
    assert tracking.uri().startswith("sqlite")
