"""Registration, promotion and roll-back in a real MLflow store."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import stages, tracking
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import read_json
from mtlser.serving import champions
from mtlser.serving.gate import Reported
from mtlser.serving.registry import Registered
from tests.retraining import CHALLENGER, CHAMPION, measured, plan, write_report

NAME = "mtlser"


pytestmark = pytest.mark.usefixtures("mlflow_store")


@pytest.fixture(scope="session")
def low() -> Reported:
    return measured(CHAMPION, 0.55, plan())


@pytest.fixture(scope="session")
def high() -> Reported:
    return measured(CHALLENGER, 0.85, plan(), 1)


def registered(final: Path, side: Reported, recipe: Recipe, run: str, tmp_path: Path) -> Registered:
    """A model with its report, both tracked under one key, as a cross-validation leaves them."""
    report = tmp_path / f"report-{run}"
    if not report.exists():
        write_report(report, recipe, side)
        with tracking.parent(recipe, run) as parent:
            tracking.log_scores(parent, side.scores, report)
    stages.register(str(final), str(report), recipe, str(tmp_path / f"registered-{run}"), run)
    return read_json(tmp_path / f"registered-{run}" / "registered.json", Registered)


def promoted(
    final: Path, ours: Reported, theirs: Reported, recipe: Recipe, run: str, tmp_path: Path
) -> Registered:
    folders = [tmp_path / f"{name}-{run}" for name in ("ours", "theirs")]
    for folder, side in zip(folders, (ours, theirs), strict=True):
        if not folder.exists():
            write_report(folder, recipe, side)
    out = tmp_path / f"promoted-{run}-{len(list(tmp_path.iterdir()))}"
    reports = str(folders[0]), str(folders[1])
    told = stages.promote(str(final), *reports, recipe, str(out), run)
    assert read_json(out / "registered.json", Registered) == told
    return told


def champion() -> int:
    return int(MlflowClient().get_model_version_by_alias(NAME, "champion").version)


def tags(version: int) -> dict[str, str]:
    return dict(MlflowClient().get_model_version(NAME, str(version)).tags)


def test_one_that_is_not_worse_on_the_champion_s_folds_is_champion_and_a_worse_one_is_not(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    first = registered(final, low, CHAMPION, "one", tmp_path)
    assert (first.champion_before, first.champion_now, first.reason) == (
        None, 1, "there was no champion",
    )  # fmt: skip
    told = registered(final, high, CHALLENGER, "two", tmp_path)
    assert (told.version, told.champion_before, told.champion_now) == (2, 1, 2)
    assert told.gate is not None
    assert told.gate.tests[0].gain > 0.2
    assert tags(2)["mtlser.reason"] == told.reason == told.gate.reason
    assert MlflowClient().get_model_version(NAME, "2").description == told.reason
    assert json.loads(tags(2)["mtlser.gate"]) == json.loads(told.gate.model_dump_json())
    worse = registered(final, low, CHAMPION, "three", tmp_path)
    assert (worse.version, worse.champion_now, champion()) == (3, 2, 2)
    assert "not shown to be not worse" in worse.reason
    assert int(MlflowClient().get_model_version_by_alias(NAME, "challenger").version) == 3


def test_a_higher_mean_on_other_folds_or_data_decides_nothing(
    final: Path, low: Reported, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    for run, on in (("data", plan(digest="e" * 64)), ("folds", plan(5))):
        told = registered(final, measured(CHALLENGER, 0.95, on, 1), CHALLENGER, run, tmp_path)
        assert told.champion_now == champion() == 1
        assert told.gate is not None
        assert told.gate.tests == ()
        assert "not of the same folds of the same data" in told.reason
        assert "`mtlser-pipeline run --dag retrain` measures both" in told.reason


def test_a_champion_without_a_report_is_not_replaced(
    final: Path, high: Reported, tmp_path: Path
) -> None:
    tracking.init_store()
    client = MlflowClient()
    run = client.create_run("0")
    client.create_registered_model(NAME)
    client.create_model_version(NAME, "file:///nowhere", run.info.run_id)
    champions.crown(client, NAME, 1)
    told = registered(final, high, CHALLENGER, "one", tmp_path)
    assert (told.version, told.champion_now) == (2, 1)
    assert "champion version 1 has no report in MLflow" in told.reason


def test_neither_a_leaking_report_nor_another_recipe_s_makes_the_first_champion(
    final: Path, high: Reported, tmp_path: Path
) -> None:
    leaking = measured(CHALLENGER, 0.95, plan(protocol="random"), 1)
    told = registered(final, leaking, CHALLENGER, "one", tmp_path)
    assert (told.champion_now, "random leaks" in told.reason) == (None, True)
    told = registered(final, high, load_other(), "two", tmp_path)
    assert told.champion_now is None
    assert f"the report is of recipe {CHALLENGER.hash}" in told.reason


def test_a_registration_that_is_tried_again_changes_nothing(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    first = registered(final, high, CHALLENGER, "two", tmp_path)
    again = registered(final, high, CHALLENGER, "two", tmp_path)
    assert again == first.model_copy(update={"champion_before": 2})
    assert champions.history(MlflowClient(), NAME) == [1, 2]
    assert len(MlflowClient().search_model_versions(f"name = '{NAME}'")) == 2


def test_a_better_challenger_becomes_champion_and_says_why(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    assert registered(final, low, CHAMPION, "one", tmp_path).champion_now == 1
    told = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert (told.version, told.champion_before, told.champion_now) == (2, 1, 2)
    assert champion() == 2
    assert told.gate is not None
    assert told.gate.passes
    assert tags(2)["mtlser.reason"] == told.reason == told.gate.reason
    assert json.loads(tags(2)["mtlser.gate"])["tests"][0]["gain"] == told.gate.tests[0].gain
    assert tags(2)["mtlser.manifest"] == "d" * 64
    assert tags(2)["recipe_hash"] == CHALLENGER.hash


def test_a_worse_challenger_is_registered_and_leaves_the_champion(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    strong, weak = measured(CHAMPION, 0.85, plan()), measured(CHALLENGER, 0.55, plan(), 1)
    registered(final, strong, CHAMPION, "one", tmp_path)
    told = promoted(final, weak, strong, CHALLENGER, "two", tmp_path)
    assert (told.version, told.champion_now, champion()) == (2, 1, 1)
    assert "not shown to be not worse" in tags(2)["mtlser.reason"]
    assert int(MlflowClient().get_model_version_by_alias(NAME, "challenger").version) == 2
    with pytest.raises(MtlserError, match="first champion"):
        champions.rollback(MlflowClient(), NAME)


def test_a_step_that_is_tried_again_changes_nothing(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    first = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    again = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert (again.version, again.champion_now, again.reason) == (2, 2, first.reason)
    assert again.gate == first.gate
    assert champions.history(MlflowClient(), NAME) == [1, 2]
    assert len(MlflowClient().search_model_versions(f"name = '{NAME}'")) == 2


def test_a_champion_that_changed_meanwhile_is_not_replaced(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    other = load_other()
    registered(final, measured(other, 0.55, plan()), other, "one", tmp_path)
    told = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert told.champion_now == 1
    assert "the champion has changed since" in told.reason


def load_other() -> Recipe:
    return CHAMPION.model_copy(update={"seed": 7})


def test_a_report_of_another_recipe_is_no_evidence_for_this_one(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    told = promoted(final, high, low, load_other(), "two", tmp_path)
    assert told.champion_now == 1
    assert f"the report is of recipe {CHALLENGER.hash}" in told.reason


def test_without_a_champion_a_sound_challenger_is_one_and_a_leaking_one_is_not(
    final: Path, low: Reported, high: Reported, tmp_path: Path
) -> None:
    leaking = measured(CHALLENGER, 0.95, plan(protocol="random"), 1)
    refused = promoted(final, leaking, leaking, CHALLENGER, "one", tmp_path)
    assert refused.champion_now is None
    assert "leaks" in refused.reason
    told = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert (told.champion_before, told.champion_now) == (None, 2)


def test_an_untracked_promotion_is_weighed_and_registered_nowhere(
    final: Path, low: Reported, high: Reported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    told = promoted(final, high, low, CHALLENGER, "one", tmp_path)
    assert told.version is None
    assert told.gate is not None
    assert told.gate.passes


def test_a_missing_report_is_refused_before_anything_is_registered(
    final: Path, high: Reported, tmp_path: Path
) -> None:
    ours = write_report(tmp_path / "ours", CHALLENGER, high)
    theirs = write_report(tmp_path / "theirs", CHAMPION, high)
    (theirs / "scores.json").unlink()
    with pytest.raises(MtlserError, match=r"scores\.json: no such file"):
        stages.promote(str(final), str(ours), str(theirs), CHALLENGER, "out", "one")
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
