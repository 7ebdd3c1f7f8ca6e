"""Scores by speaker and by gender."""

import json
from pathlib import Path

import pytest

from mtlser.evaluation import metrics, scores
from mtlser.evaluation.score_records import GroupScores, Scores
from mtlser.records import CLEAN, Prediction, read_json, write_json
from mtlser.reporting import tables
from tests.helpers.factories import make_plan, make_prediction, make_predictions, make_recipe

PLAN = make_plan(folds=3, per_fold=30)
PREDICTIONS = make_predictions(PLAN, "mtlser", 0.7, snr_db=(0, 10))
TESTED = [p for p in PREDICTIONS if (p.split, p.condition) == ("test", CLEAN)]
GENDERS = {p.utterance_id: (p.speaker_true or "")[-1] for p in TESTED}
RECIPE = make_recipe("baseline.systems=[]")


def measured(genders: dict[str, str | None] | None = None) -> Scores:
    return scores.measure(
        PREDICTIONS, PLAN, RECIPE, described=None if genders is None else {"gender": genders}
    )


def expected(own: list[Prediction]) -> tuple[float, float, float | None]:
    truth = [p.emotion_true for p in own]
    predicted = [p.emotion_predicted for p in own]
    return (
        metrics.weighted_accuracy(truth, predicted),
        metrics.unweighted_accuracy(truth, predicted),
        metrics.word_error_rate([p.text_true for p in own], [p.text_predicted for p in own]),
    )


def test_each_speaker_has_the_metrics_of_its_own_clean_test_utterances() -> None:
    groups = measured().groups_of("speaker")
    assert {group.name for group in groups} == {p.speaker_true for p in TESTED}
    for group in groups:
        own = [p for p in TESTED if p.speaker_true == group.name]
        assert (group.wa, group.ua, group.wer) == pytest.approx(expected(own))
        assert group.utterances == len(own)
        assert group.folds == (group.name[:5],)
    assert sum(group.utterances for group in groups) == len(TESTED)


def test_the_lowest_ua_comes_first() -> None:
    for kind in ("speaker", "gender"):
        values = [g.ua for g in measured({**GENDERS}).groups if g.kind == kind]
        assert values == sorted(values)
        assert len(values) > 1


def test_utterances_whose_gender_is_not_known_are_a_group_of_their_own() -> None:
    genders: dict[str, str | None] = {**GENDERS}
    first, second = sorted(genders)[:2]
    genders[first] = None
    del genders[second]
    groups = {group.name: group for group in measured(genders).groups_of("gender")}
    assert groups.keys() == {"F", "M", "unknown"}
    assert groups["unknown"].utterances == 2
    assert sum(group.utterances for group in groups.values()) == len(TESTED)
    assert groups["F"].folds == PLAN_NAMES
    assert measured().groups_of("gender") == ()


PLAN_NAMES = tuple(fold.name for fold in PLAN.folds)


def test_a_speaker_in_several_folds_is_one_row_that_names_them() -> None:
    plan = make_plan(folds=2, per_fold=2, protocol="random")
    built = [
        make_prediction(name, fold=fold.index, split=split, speaker=("A", "A"))
        for fold in plan.folds
        for split in ("test", "validation", "speaker_check")
        for name in getattr(fold, split)
    ]
    (group,) = scores.measure(built, plan, make_recipe("baseline.systems=[]")).groups
    assert (group.name, group.utterances, group.folds) == ("A", 4, ("Ses01", "Ses02"))


def test_scores_that_were_written_before_there_were_groups_still_load(tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", measured())
    content = json.loads((tmp_path / "scores.json").read_text())
    assert content.pop("groups")
    (tmp_path / "scores.json").write_text(json.dumps(content))
    old = read_json(tmp_path / "scores.json", Scores)
    assert old.groups == ()
    assert tables.groups(old, "speaker") is None


def test_a_long_table_names_the_worst_and_counts_the_rest() -> None:
    many = tuple(
        GroupScores(
            kind="speaker", name=f"s{i}", utterances=3, wa=i / 200, ua=i / 200, wer=None,
            folds=("a", "b", "c", "d", "e"),
        )
        for i in range(120)
    )  # fmt: skip
    table = tables.groups(measured().model_copy(update={"groups": many}), "speaker")
    assert table is not None
    assert [row[0] for row in table.rows] == [f"s{i}" for i in range(100)]
    assert "20 others" in table.note
    assert table.rows[0][1:] == ("3", "0.0", "0.0", "–", "a, b, c and 2 more")
