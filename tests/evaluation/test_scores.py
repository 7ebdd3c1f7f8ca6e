import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtlser.errors import MtlserError
from mtlser.evaluation import scores
from mtlser.evaluation.scores import Scores
from mtlser.records import FOUR, FoldPlan, Prediction, read_json, write_json
from tests.helpers.factories import make_plan, make_prediction, make_predictions, make_recipe

Change = Callable[[list[Prediction]], list[Prediction]]


def heap(plan: FoldPlan) -> list[Prediction]:
    return [
        *make_predictions(plan, "mtlser", 0.7, snr_db=(0, 10)),
        *make_predictions(plan, "svm", 0.5, seed=1),
    ]


@pytest.fixture(scope="module")
def plan() -> FoldPlan:
    return make_plan(folds=3, per_fold=30)


@pytest.fixture(scope="module")
def predictions(plan: FoldPlan) -> list[Prediction]:
    return heap(plan)


@pytest.fixture(scope="module")
def measured(plan: FoldPlan, predictions: list[Prediction]) -> Scores:
    return scores.measure(predictions, plan, make_recipe())


def tiny(truths: list[list[str]], guesses: list[list[str]]) -> Scores:
    """Scores of hand-made folds without a baseline."""
    plan = make_plan(folds=len(truths), per_fold=len(truths[0]))
    built = [
        make_prediction(name, truth, guess, fold=fold.index)
        for fold in plan.folds
        for name, truth, guess in zip(
            fold.test, truths[fold.index], guesses[fold.index], strict=True
        )
    ]
    return scores.measure(built, plan, make_recipe("baseline.systems=[]"))


def test_wa_and_ua_of_a_worked_example_keep_their_names() -> None:
    # Fold 0: 3 of 4 neutral, 0 of 1 sad: WA 3/5, UA (3/4 + 0)/2. Fold 1: all right.
    truth = ["neutral"] * 4 + ["sad"]
    clean = tiny([truth, truth], [["neutral"] * 3 + ["happy"] * 2, truth]).of("mtlser").clean
    assert clean.values("wa") == pytest.approx([0.6, 1.0])
    assert clean.values("ua") == pytest.approx([0.375, 1.0])
    assert clean.spreads["wa"].mean == pytest.approx(0.8)
    assert clean.spreads["wa"].sd == pytest.approx(0.4 / math.sqrt(2))
    assert clean.spreads["ua"].mean == pytest.approx(0.6875)
    assert clean.pooled.wa == pytest.approx(8 / 10)
    assert clean.pooled.ua == pytest.approx((7 / 8 + 1 / 2) / 2)
    assert clean.folds[0].numbers.confusion == ((3, 1, 0, 0), (0,) * 4, (0,) * 4, (0, 1, 0, 0))


def test_every_fold_is_counted_from_its_own_predictions(
    measured: Scores, predictions: list[Prediction]
) -> None:
    for system in ("mtlser", "svm"):
        for fold in measured.of(system).clean.folds:
            own = [
                p
                for p in predictions
                if (p.system, p.fold, p.split, p.condition) == (system, fold.fold, "test", "clean")
            ]
            right = sum(p.emotion_predicted == p.emotion_true for p in own)
            assert fold.numbers.wa == pytest.approx(right / len(own))
            assert np.sum(fold.numbers.confusion) == len(own) == 30
            assert np.trace(fold.numbers.confusion) == right


def test_clean_noisy_and_validation_stay_apart(measured: Scores) -> None:
    system = measured.of("mtlser")
    assert [c.condition for c in system.test] == ["clean", "babble@0dB", "babble@10dB"]
    assert {c.split for c in system.test} == {"test"}
    assert system.validation is not None
    assert system.validation.split == "validation"
    assert system.condition("babble@0dB").pooled.wa < system.clean.pooled.wa
    with pytest.raises(KeyError):
        system.condition("babble@5dB")


def test_speaker_accuracy_comes_from_the_speaker_check_alone(
    measured: Scores, predictions: list[Prediction]
) -> None:
    checked = [p for p in predictions if p.system == "mtlser" and p.split == "speaker_check"]
    speaker = measured.of("mtlser").speaker
    assert speaker is not None
    assert speaker.pooled == pytest.approx(
        sum(p.speaker_true == p.speaker_predicted for p in checked) / len(checked)
    )
    assert sum(fold.utterances for fold in speaker.folds) == len(checked)
    assert measured.of("svm").speaker is None
    assert measured.of("svm").clean.pooled.wer is None


def test_styles_are_scored_apart_and_add_up(measured: Scores) -> None:
    clean = measured.of("mtlser").clean
    assert set(clean.styles) == {"improvised", "scripted"}
    right = sum(s.wa * s.utterances for s in clean.styles.values())
    assert right == pytest.approx(clean.pooled.wa * clean.pooled.utterances)


def test_counts_and_missing_transcripts(measured: Scores, predictions: list[Prediction]) -> None:
    tested = {p.utterance_id: p for p in predictions if p.split == "test"}
    missing = sum(p.text_true is None for p in tested.values())
    assert missing > 0
    assert measured.without_transcript == missing
    assert measured.utterances == len(tested) == sum(measured.class_counts.values())
    assert f"{missing} of {len(tested)} test utterances have no transcript" in " ".join(
        measured.notes
    )


def test_the_main_system_is_compared_with_the_others(measured: Scores) -> None:
    assert [(row.metric, row.main, row.other) for row in measured.comparisons] == [
        ("wa", "mtlser", "svm"),
        ("ua", "mtlser", "svm"),
    ]
    row = measured.comparisons[0]
    assert row.welch is not None
    assert row.welch.a.mean == measured.of("mtlser").clean.spreads["wa"].mean
    assert row.p_holm is not None
    assert row.p_holm >= row.welch.p
    assert [test.kind for test in row.paired] == ["corrected resampled t", "paired t", "wilcoxon"]


def test_one_fold_has_no_spread_and_no_test() -> None:
    plan = make_plan(folds=1, per_fold=30)
    result = scores.measure(heap(plan), plan, make_recipe())
    assert result.of("mtlser").clean.spreads["wa"].sd is None
    assert all(row.welch is None and not row.paired for row in result.comparisons)
    assert any("One fold only" in note for note in result.notes)


def test_equal_folds_give_a_note_in_place_of_a_test() -> None:
    plan = make_plan(folds=2, per_fold=4)
    same = [
        make_prediction(name, system=system, fold=fold.index)
        for system in ("mtlser", "svm")
        for fold in plan.folds
        for name in fold.test
    ]
    result = scores.measure(same, plan, make_recipe())
    assert result.comparisons[0].welch is None
    assert any("no spread over folds" in note for note in result.notes)


def test_absent_and_never_predicted_classes_are_noted() -> None:
    result = tiny([["neutral", "sad"], ["happy", "sad"]], [["neutral"] * 2, ["happy", "sad"]])
    notes = " ".join(result.notes)
    assert "2 of 2 folds (0 (Ses01), 1 (Ses02)) do not test every class (no angry in 2" in notes
    assert "mtlser never predicts sad in fold 0" in notes


def test_a_protocol_without_speaker_separation_is_noted() -> None:
    plan = make_plan(folds=2, protocol="random")
    result = scores.measure(heap(plan), plan, make_recipe())
    assert result.leaks
    assert any("random" in note and "mtlser audit" in note for note in result.notes)


def test_scores_survive_the_disk(measured: Scores, tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", measured)
    assert read_json(tmp_path / "scores.json", Scores) == measured


def test_the_summary_is_flat_and_complete(measured: Scores, tmp_path: Path) -> None:
    scores.write_summary(tmp_path / "summary.json", measured)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    fixed = (
        "wa_mean wa_sd ua_mean ua_sd f1_mean f1_sd wer speaker_accuracy protocol leaks folds "
        "utterances system recipe_hash seconds snr_0_wa_mean welch_p_wa svm_wa_mean"
    )
    assert set(fixed.split()) <= summary.keys()
    assert not any(isinstance(value, dict | list) for value in summary.values())
    clean = measured.of("mtlser").clean
    assert summary["wa_mean"] == clean.spreads["wa"].mean
    assert summary["ua_mean"] == clean.spreads["ua"].mean
    assert summary["f1_mean"] == clean.spreads["macro_f1"].mean
    assert summary["wer"] == clean.pooled.wer
    assert summary["seconds"] is None
    assert not list(tmp_path.glob("*.tmp*"))


def replaced(index: int, **values: object) -> Change:
    return lambda built: [
        p.model_copy(update=values) if i == index else p for i, p in enumerate(built)
    ]


def leaked(built: list[Prediction]) -> list[Prediction]:
    """A test prediction of fold 0 for an utterance that fold 0 trains on."""
    trained = make_plan(folds=3, per_fold=30).folds[0].train[0]
    return [*built, make_prediction(trained, fold=0)]


NAN = dict.fromkeys(FOUR, math.nan)
BEYOND = {"neutral": 1.2, "happy": -0.2, "angry": 0.0, "sad": 0.0}
FLAT = dict.fromkeys(FOUR, 0.4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda built: [*built, built[0]], r"Ses\d\d-\d{4} .*predicted twice"),
        (
            lambda built: [p for p in built if not (p.system == "svm" and p.fold == 1)],
            "fold 1 --system svm",
        ),
        (lambda built: [p for p in built if p.system != "svm"], "no prediction by svm"),
        (lambda built: [p for p in built if p.system != "mtlser"], "no prediction by mtlser"),
        (lambda built: built[:31] + built[32:], "1 of 30 utterances have no prediction"),
        (
            lambda built: [p for p in built if (p.fold, p.condition) != (2, "babble@0dB")],
            r"noise-eval --fold 2 --system mtlser --seed 0",
        ),
        (replaced(3, emotion_probabilities=NAN), "neutral nan"),
        (replaced(3, emotion_probabilities=BEYOND), "happy -0.2.*each in 0-1"),
        (replaced(3, emotion_probabilities=FLAT), "neutral 0.4.*sum of 1"),
        (replaced(3, emotion_probabilities={"neutral": 1.0}), "expected neutral, happy"),
        (replaced(3, emotion_true="bored"), "'bored'"),
        (leaked, r"not in this fold's test split"),
        (replaced(3, fold=9), r"fold 9; the plan has folds 0, 1, 2"),
        (replaced(3, seed=1), "seed 0: .*1 of 12 utterances have no prediction|no prediction for"),
        (replaced(3, recipe_hash="other"), "more than one recipe hash"),
        (replaced(30, text_true="another text"), "transcript .* here but another one elsewhere"),
        (lambda built: [], "no predictions"),
    ],
)
def test_predictions_that_cannot_be_scored_are_refused(
    change: Change, message: str, plan: FoldPlan, predictions: list[Prediction]
) -> None:
    with pytest.raises(MtlserError, match=message):
        scores.measure(change(predictions), plan, make_recipe())


def test_validation_predictions_are_no_test_predictions(
    plan: FoldPlan, predictions: list[Prediction]
) -> None:
    """Validation utterances passed off as test are a leak, whatever else is right."""
    passed_off = [
        p.model_copy(update={"split": "test"}) if p.split == "validation" else p
        for p in predictions
    ]
    with pytest.raises(MtlserError, match="not in this fold's test split"):
        scores.measure(passed_off, plan, make_recipe())


def test_the_scorer_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, mtlser.evaluation.scores; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
