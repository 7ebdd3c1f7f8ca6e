import itertools
from collections.abc import Callable, Sequence

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mtlser.errors import MtlserError
from mtlser.evaluation import metrics
from mtlser.records import FOUR

Rate = Callable[[Sequence[str | None], Sequence[str | None]], float | None]
LABEL_PAIRS = st.lists(
    st.tuples(st.sampled_from(FOUR), st.sampled_from(FOUR)), min_size=1, max_size=40
)
WORDS = st.lists(st.sampled_from(["a", "be", "sea", "dee"]), min_size=1, max_size=6).map(" ".join)


@settings(deadline=None, derandomize=True)
@given(LABEL_PAIRS)
def test_class_metrics_agree_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    truth, predicted = [t for t, _ in pairs], [p for _, p in pairs]
    present = sorted(set(truth))
    recalls = sk.recall_score(truth, predicted, labels=present, average=None, zero_division=0)
    assert metrics.weighted_accuracy(truth, predicted) == pytest.approx(
        sk.accuracy_score(truth, predicted)
    )
    assert metrics.unweighted_accuracy(truth, predicted) == pytest.approx(recalls.mean())
    assert metrics.per_class_recall(truth, predicted) == pytest.approx(
        dict(zip(present, recalls, strict=True))
    )
    macro = sk.f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    assert metrics.macro_f1(truth, predicted) == pytest.approx(macro)
    if len(present) == len(FOUR):
        # With every class present scikit-learn's own rule is the same.
        macro = sk.f1_score(truth, predicted, average="macro", zero_division=0)
        assert metrics.macro_f1(truth, predicted) == pytest.approx(macro)
    weighted = sk.f1_score(truth, predicted, average="weighted", zero_division=0)
    assert metrics.weighted_f1(truth, predicted) == pytest.approx(weighted)
    assert np.array_equal(
        metrics.confusion(truth, predicted, FOUR),
        sk.confusion_matrix(truth, predicted, labels=list(FOUR)),
    )


def test_weighted_and_unweighted_accuracy_cannot_be_swapped() -> None:
    # 8 of 8 neutral and 0 of 2 sad are right: accuracy 8/10, mean recall (1 + 0) / 2.
    truth = ["neutral"] * 8 + ["sad"] * 2
    predicted = ["neutral"] * 10
    assert metrics.weighted_accuracy(truth, predicted) == 0.8
    assert metrics.unweighted_accuracy(truth, predicted) == 0.5


def test_a_class_absent_from_truth_has_no_recall() -> None:
    # sad is predicted but never true: neutral's recall 1/2 is the only one.
    truth, predicted = ["neutral", "neutral"], ["neutral", "sad"]
    assert metrics.unweighted_accuracy(truth, predicted) == 0.5
    assert metrics.per_class_recall(truth, predicted) == {"neutral": 0.5}
    # F1: neutral 2/3; sad has none, by the same rule.
    assert metrics.macro_f1(truth, predicted) == pytest.approx(2 / 3)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_error_rates_agree_with_jiwer_utterance_by_utterance(pairs: list[tuple[str, str]]) -> None:
    references, hypotheses = [r for r, _ in pairs], [h for _, h in pairs]
    words = [jiwer.process_words(r, h) for r, h in pairs]
    edits = sum(w.substitutions + w.deletions + w.insertions for w in words)
    total = sum(len(r.split()) for r in references)
    assert metrics.word_error_rate(references, hypotheses) == pytest.approx(edits / total)
    characters = [jiwer.process_characters(r, h) for r, h in pairs]
    edits = sum(c.substitutions + c.deletions + c.insertions for c in characters)
    total = sum(len(r) for r in references)
    assert metrics.character_error_rate(references, hypotheses) == pytest.approx(edits / total)


def test_word_error_rate_weighs_utterances_by_length() -> None:
    # 1 edit in 9 words, 1 edit in 1 word: 2 / 10, not the mean of 1/9 and 1.
    references = ["one two three four five six seven eight nine", "yes"]
    hypotheses = ["one two three four five six seven eight ten", "no"]
    assert metrics.word_error_rate(references, hypotheses) == pytest.approx(0.2)


def test_utterances_without_reference_are_left_out_and_counted() -> None:
    references = ["good day", None, None]
    assert metrics.word_error_rate(references, ["good day", "noise", ""]) == 0.0
    assert metrics.without_reference(references) == 2


def test_an_empty_hypothesis_is_all_deletions() -> None:
    assert metrics.word_error_rate(["good day"], [""]) == 1.0
    assert metrics.character_error_rate(["good day"], [""]) == 1.0


@pytest.mark.parametrize("rate", [metrics.word_error_rate, metrics.character_error_rate])
def test_error_rates_are_none_where_there_is_nothing_to_compare(rate: Rate) -> None:
    assert rate([None], ["x"]) is None
    assert rate(["a b"], [None]) is None
    assert rate(["", " "], ["x", "y"]) is None
    assert rate([], []) is None
    with pytest.raises(MtlserError, match="1 of 2 utterances have no hypothesis"):
        rate(["a", "b"], ["a", None])


def test_speaker_accuracy_is_none_where_no_speaker_is_named() -> None:
    assert metrics.speaker_accuracy(["x", "y"], [None, None]) is None
    assert metrics.speaker_accuracy(["x", "y", "z"], ["x", "y", "x"]) == pytest.approx(2 / 3)
    with pytest.raises(MtlserError, match="1 of 2 utterances have no predicted"):
        metrics.speaker_accuracy(["x", "y"], ["x", None])


def test_expected_calibration_error_of_worked_examples() -> None:
    # Two bins: (0, .5] holds .4 (wrong), (.5, 1] holds .8, .8 (both right).
    # 1/3 * |0 - .4| + 2/3 * |1 - .8|
    error = metrics.expected_calibration_error([0.4, 0.8, 0.8], [False, True, True], bins=2)
    assert error == pytest.approx(0.4 / 3 + 0.4 / 3)
    assert metrics.expected_calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert metrics.expected_calibration_error([0.0], [False]) == 0.0


def test_expected_calibration_error_against_a_loop_over_bins() -> None:
    rng = np.random.default_rng(3)
    confidence, right = rng.uniform(size=200), rng.uniform(size=200) < 0.6
    edges = np.linspace(0, 1, 11)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    ours = metrics.expected_calibration_error(confidence.tolist(), right.tolist(), bins=10)
    assert ours == pytest.approx(total)


def test_bad_input_is_refused() -> None:
    with pytest.raises(MtlserError, match="2 true but 1 predicted"):
        metrics.weighted_accuracy(["sad", "sad"], ["sad"])
    with pytest.raises(MtlserError, match="no utterance"):
        metrics.unweighted_accuracy([], [])
    with pytest.raises(MtlserError, match="'bored' is not among"):
        metrics.confusion(["bored"], ["sad"], FOUR)
    with pytest.raises(MtlserError, match="outside 0-1"):
        metrics.expected_calibration_error([1.2], [True])
    with pytest.raises(MtlserError, match="2 references but 1 hypotheses"):
        metrics.word_error_rate(["a", "b"], ["a"])
