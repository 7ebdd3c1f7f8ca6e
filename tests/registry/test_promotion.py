"""Registration, promotion and roll-back in a real MLflow store."""

import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import stages, tracking
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import write_json
from mtlser.registry import champions
from tests.helpers.retraining import (
    CHALLENGER,
    CHAMPION,
    NAME,
    Measured,
    champion,
    measured,
    plan,
    promoted,
    registered,
    tags,
    write_report,
)

pytestmark = pytest.mark.usefixtures("mlflow_store")


def test_one_that_is_not_worse_on_the_champion_s_folds_is_champion_and_a_worse_one_is_not(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    first = registered(final, low, CHAMPION, "one", tmp_path)
    assert (first.champion_before, first.champion_now, first.reason) == (
        None, 1, "there was no champion",
    )  # fmt: skip
    outcome = registered(final, high, CHALLENGER, "two", tmp_path)
    assert (outcome.version, outcome.champion_before, outcome.champion_now) == (2, 1, 2)
    assert outcome.gate is not None
    assert outcome.gate.tests[0].gain > 0.2
    assert tags(2)["mtlser.reason"] == outcome.reason == outcome.gate.reason
    assert MlflowClient().get_model_version(NAME, "2").description == outcome.reason
    assert json.loads(tags(2)["mtlser.gate"]) == json.loads(outcome.gate.model_dump_json())
    worse = registered(final, low, CHAMPION, "three", tmp_path)
    assert (worse.version, worse.champion_now, champion()) == (3, 2, 2)
    assert "not shown to be not worse" in worse.reason
    assert int(MlflowClient().get_model_version_by_alias(NAME, "challenger").version) == 3


def test_a_higher_mean_on_other_folds_or_data_decides_nothing(
    final: Path, low: Measured, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    for run, on in (("data", plan(digest="e" * 64)), ("folds", plan(5))):
        outcome = registered(final, measured(CHALLENGER, 0.95, on, 1), CHALLENGER, run, tmp_path)
        assert outcome.champion_now == champion() == 1
        assert outcome.gate is not None
        assert outcome.gate.tests == ()
        assert "not of the same folds of the same data" in outcome.reason
        assert "`mtlser-pipeline run --dag retrain` measures both" in outcome.reason


def test_a_champion_without_a_report_is_not_replaced(
    final: Path, high: Measured, tmp_path: Path
) -> None:
    tracking.init_store()
    client = MlflowClient()
    run = client.create_run("0")
    client.create_registered_model(NAME)
    client.create_model_version(NAME, "file:///nowhere", run.info.run_id)
    champions.crown(client, NAME, 1)
    outcome = registered(final, high, CHALLENGER, "one", tmp_path)
    assert (outcome.version, outcome.champion_now) == (2, 1)
    assert "champion version 1 has no report in MLflow" in outcome.reason


@pytest.mark.parametrize("gone", ["scores.json", "folds.json", "predictions.jsonl"])
def test_a_champion_whose_report_was_deleted_in_mlflow_is_not_replaced(
    final: Path, low: Measured, high: Measured, tmp_path: Path, gone: str
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    (artifacts_of(1) / gone).unlink()
    outcome = registered(final, high, CHALLENGER, "two", tmp_path)
    assert (outcome.version, outcome.champion_now, champion()) == (2, 1, 1)
    assert "champion version 1 has no report in MLflow" in outcome.reason
    assert f"its MLflow run holds no {gone}" in outcome.reason
    assert "`mtlser-pipeline run --dag retrain` measures both" in outcome.reason


def test_a_champion_whose_figures_in_mlflow_are_not_those_of_its_predictions_is_not_replaced(
    final: Path, low: Measured, tmp_path: Path
) -> None:
    """Its scores are made worse than they are, so that anything passes."""
    strong, weak = measured(CHAMPION, 0.85, plan()), measured(CHALLENGER, 0.55, plan(), 1)
    registered(final, strong, CHAMPION, "one", tmp_path)
    write_json(artifacts_of(1) / "scores.json", low.scores)
    outcome = registered(final, weak, CHALLENGER, "two", tmp_path)
    assert (outcome.version, outcome.champion_now, champion()) == (2, 1, 1)
    assert "scores.json: " in outcome.reason
    assert "its predictions and folds give" in outcome.reason


def test_another_recipe_s_report_in_the_champion_s_run_is_not_taken_for_its_own(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    """The challenger beats that report and is far below the champion's own."""
    registered(final, high, CHALLENGER, "one", tmp_path)
    write_report(tmp_path / "low", CHAMPION, low)
    for file in ("scores.json", "predictions.jsonl", "recipe.toml"):
        shutil.copy(tmp_path / "low" / file, artifacts_of(1) / file)
    between = measured(load_other(), 0.7, plan(), 3)
    outcome = registered(final, between, load_other(), "two", tmp_path)
    assert (outcome.version, outcome.champion_now, champion()) == (2, 1, 1)
    assert outcome.gate is not None
    assert outcome.gate.tests == ()
    assert (
        f"is of recipe {CHAMPION.hash}, the champion of recipe {CHALLENGER.hash}" in outcome.reason
    )


def artifacts_of(version: int) -> Path:
    """Where the store keeps the files of a version's run."""
    client = MlflowClient()
    run = client.get_model_version(NAME, str(version)).run_id
    return Path(str(client.get_run(str(run)).info.artifact_uri).removeprefix("file://"))


def test_neither_a_leaking_report_nor_another_recipe_s_makes_the_first_champion(
    final: Path, high: Measured, tmp_path: Path
) -> None:
    leaking = measured(CHALLENGER, 0.95, plan(protocol="random"), 1)
    outcome = registered(final, leaking, CHALLENGER, "one", tmp_path)
    assert (outcome.champion_now, "random leaks" in outcome.reason) == (None, True)
    outcome = registered(final, high, load_other(), "two", tmp_path)
    assert outcome.champion_now is None
    assert f"the report is of recipe {CHALLENGER.hash}" in outcome.reason


def test_a_better_challenger_becomes_champion_and_says_why(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    assert registered(final, low, CHAMPION, "one", tmp_path).champion_now == 1
    outcome = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert (outcome.version, outcome.champion_before, outcome.champion_now) == (2, 1, 2)
    assert champion() == 2
    assert outcome.gate is not None
    assert outcome.gate.passes
    assert tags(2)["mtlser.reason"] == outcome.reason == outcome.gate.reason
    assert json.loads(tags(2)["mtlser.gate"])["tests"][0]["gain"] == outcome.gate.tests[0].gain
    assert tags(2)["mtlser.manifest"] == "d" * 64
    assert tags(2)["recipe_hash"] == CHALLENGER.hash


def test_a_worse_challenger_is_registered_and_leaves_the_champion(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    strong, weak = measured(CHAMPION, 0.85, plan()), measured(CHALLENGER, 0.55, plan(), 1)
    registered(final, strong, CHAMPION, "one", tmp_path)
    outcome = promoted(final, weak, strong, CHALLENGER, "two", tmp_path)
    assert (outcome.version, outcome.champion_now, champion()) == (2, 1, 1)
    assert "not shown to be not worse" in tags(2)["mtlser.reason"]
    assert int(MlflowClient().get_model_version_by_alias(NAME, "challenger").version) == 2
    with pytest.raises(MtlserError, match="first champion"):
        champions.rollback(MlflowClient(), NAME)


def test_a_champion_that_changed_meanwhile_is_not_replaced(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    other = load_other()
    registered(final, measured(other, 0.55, plan()), other, "one", tmp_path)
    outcome = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert outcome.champion_now == 1
    assert "the champion has changed since" in outcome.reason


def load_other() -> Recipe:
    return CHAMPION.model_copy(update={"seed": 7})


def test_a_report_of_another_recipe_is_no_evidence_for_this_one(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    outcome = promoted(final, high, low, load_other(), "two", tmp_path)
    assert outcome.champion_now == 1
    assert f"the report is of recipe {CHALLENGER.hash}" in outcome.reason


def test_without_a_champion_a_sound_challenger_is_one_and_a_leaking_one_is_not(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    leaking = measured(CHALLENGER, 0.95, plan(protocol="random"), 1)
    refused = promoted(final, leaking, leaking, CHALLENGER, "one", tmp_path)
    assert refused.champion_now is None
    assert "leaks" in refused.reason
    outcome = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert (outcome.champion_before, outcome.champion_now) == (None, 2)


def test_an_untracked_promotion_is_weighed_and_registered_nowhere(
    final: Path, low: Measured, high: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    outcome = promoted(final, high, low, CHALLENGER, "one", tmp_path)
    assert outcome.version is None
    assert outcome.gate is not None
    assert outcome.gate.passes


@pytest.mark.parametrize("gone", ["scores.json", "folds.json", "predictions.jsonl"])
def test_a_report_that_cannot_be_derived_is_refused_before_anything_is_registered(
    final: Path, high: Measured, tmp_path: Path, gone: str
) -> None:
    ours = write_report(tmp_path / "ours", CHALLENGER, high)
    theirs = write_report(tmp_path / "theirs", CHAMPION, high)
    (theirs / gone).unlink()
    with pytest.raises(MtlserError, match=rf"{gone}: no such file, .* cannot be derived again"):
        stages.promote(str(final), str(ours), str(theirs), CHALLENGER, "out", "one")
    with pytest.raises(MtlserError, match=rf"{gone}: no such file, .* cannot be derived again"):
        stages.promote(str(final), str(theirs), str(ours), CHAMPION, "out", "one")
    with pytest.raises(MtlserError, match=rf"{gone}: no such file, .* cannot be derived again"):
        stages.register(str(final), str(theirs), CHAMPION, "out", "one")
    assert MlflowClient().search_registered_models() == []


@pytest.fixture
def four() -> MlflowClient:
    """A model whose versions 1, 2 and 4 have been champions in this order."""
    tracking.init_store()
    client = MlflowClient()
    client.create_registered_model(NAME)
    for number in range(1, 5):
        client.create_model_version(NAME, f"file:///nowhere/{number}")
        if number != 3:
            champions.crown(client, NAME, number)
            champions.crown(client, NAME, number)
    return client


def test_a_roll_back_goes_one_champion_back_each_time_until_there_is_none(
    four: MlflowClient,
) -> None:
    assert champions.history(four, NAME) == [1, 2, 4]
    assert champions.rollback(four, NAME, reason="WER doubled").champion == 2
    assert champion() == 2
    assert "WER doubled; champion is version 2 again" in tags(4)["mtlser.rolled_back"]
    assert " by " in tags(4)["mtlser.rolled_back"]
    assert champions.rollback(four, NAME).champion == 1
    with pytest.raises(MtlserError, match="version 1 is the first champion"):
        champions.rollback(four, NAME)
    assert champion() == 1


def test_a_promotion_after_a_roll_back_goes_on_from_there(four: MlflowClient) -> None:
    champions.rollback(four, NAME)
    four.create_model_version(NAME, "file:///nowhere/5")
    champions.crown(four, NAME, 5)
    assert champions.history(four, NAME) == [1, 2, 5]
    assert champions.rollback(four, NAME).champion == 2


def test_a_roll_back_to_a_version_takes_champions_alone(four: MlflowClient) -> None:
    with pytest.raises(MtlserError, match=r"version 3 was no champion before version 4.*1, 2"):
        champions.rollback(four, NAME, to=3)
    with pytest.raises(MtlserError, match="version 4 was no champion before"):
        champions.rollback(four, NAME, to=4)
    assert champions.rollback(four, NAME, to=1).champion == 1
    assert champions.history(four, NAME) == [1]


def test_a_deleted_version_is_passed_over(four: MlflowClient) -> None:
    four.delete_model_version(NAME, "2")
    assert champions.rollback(four, NAME).champion == 1


def test_an_alias_that_was_moved_by_hand_is_followed(four: MlflowClient) -> None:
    four.set_registered_model_alias(NAME, "champion", "2")  # a way back
    assert champions.history(four, NAME) == [1, 2]
    four.set_registered_model_alias(NAME, "champion", "3")  # a way forward
    assert champions.history(four, NAME) == [1, 2, 4, 3]
    assert champions.rollback(four, NAME).champion == 4


def test_nothing_to_roll_back_is_said(four: MlflowClient) -> None:
    with pytest.raises(MtlserError, match="nothing to roll back"):
        champions.rollback(four, "unknown")
