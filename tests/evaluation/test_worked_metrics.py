"""Every metric against examples worked by hand, and against scikit-learn and jiwer on the same."""

from typing import Any

import jiwer
import numpy as np
import pytest
from sklearn import metrics as sk

from mtlser.evaluation import counts, gathering, metrics, numbers
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.significance import statistics
from mtlser.records import FOUR
from tests.helpers.factories import make_prediction
from tests.helpers.worked import examples, fraction

WORKED = examples("worked_metrics")
Example = dict[str, Any]


def each(kind: str) -> pytest.MarkDecorator:
    result = WORKED[kind]
    return pytest.mark.parametrize("example", result, ids=[one["name"] for one in result])


@each("classes")
def test_class_metrics_by_hand(example: Example) -> None:
    truth, predicted = example["truth"], example["predicted"]
    assert metrics.weighted_accuracy(truth, predicted) == pytest.approx(fraction(example["wa"]))
    assert metrics.unweighted_accuracy(truth, predicted) == pytest.approx(fraction(example["ua"]))
    assert metrics.macro_f1(truth, predicted) == pytest.approx(fraction(example["macro_f1"]))
    assert metrics.weighted_f1(truth, predicted) == pytest.approx(fraction(example["weighted_f1"]))
    assert metrics.per_class_recall(truth, predicted) == pytest.approx(
        {name: fraction(rate) for name, rate in example["recall"].items()}
    )
    table = metrics.confusion(truth, predicted, example["classes"])
    assert table.tolist() == example["confusion"]


@each("classes")
def test_class_metrics_by_scikit_learn(example: Example) -> None:
    truth, predicted = example["truth"], example["predicted"]
    present = sorted(set(truth))
    recalls = sk.recall_score(truth, predicted, labels=present, average=None, zero_division=0)
    assert fraction(example["wa"]) == pytest.approx(sk.accuracy_score(truth, predicted))
    assert fraction(example["ua"]) == pytest.approx(recalls.mean())
    for key, average in (("macro_f1", "macro"), ("weighted_f1", "weighted")):
        theirs = sk.f1_score(truth, predicted, labels=present, average=average, zero_division=0)
        assert fraction(example[key]) == pytest.approx(theirs)


@each("classes")
def test_the_scorer_gives_what_the_metrics_give(example: Example) -> None:
    """The same examples by way of predictions and columns."""
    built = [
        make_prediction(f"Ses01-{i}", truth, guess)
        for i, (truth, guess) in enumerate(zip(example["truth"], example["predicted"], strict=True))
    ]
    columns = gathering.columns(built)
    scored: Numbers = numbers.numbers(columns, columns.blocks["mtlser", "test", "clean"])
    for name in ("wa", "ua", "macro_f1", "weighted_f1"):
        assert getattr(scored, name) == pytest.approx(fraction(example[name])), name
    assert scored.recall == pytest.approx(
        {name: fraction(rate) for name, rate in example["recall"].items()}
    )
    for name, counted, rates in zip(FOUR, scored.confusion, scored.confusion_rates, strict=True):
        if rates is None:
            assert sum(counted) == 0
        else:
            assert rates == pytest.approx([n / sum(counted) for n in counted])
            assert rates[FOUR.index(name)] == pytest.approx(scored.recall[name])


@each("texts")
def test_error_rates_by_hand_and_by_jiwer(example: Example) -> None:
    references, hypotheses = example["references"], example["hypotheses"]
    words, characters = fraction(example["wer"]), fraction(example["cer"])
    assert metrics.word_error_rate(references, hypotheses) == pytest.approx(words)
    assert metrics.character_error_rate(references, hypotheses) == pytest.approx(characters)
    assert jiwer.process_words(references, hypotheses).wer == pytest.approx(words)
    assert jiwer.process_characters(references, hypotheses).cer == pytest.approx(characters)


@each("calibration")
def test_calibration_by_hand(example: Example) -> None:
    result = metrics.expected_calibration_error(
        example["confidences"], example["correct"], example["bins"]
    )
    assert result == pytest.approx(fraction(example["ece"]))


@each("speakers")
def test_speaker_accuracy_by_hand(example: Example) -> None:
    result = metrics.speaker_accuracy(example["truth"], example["named"])
    assert result == pytest.approx(fraction(example["accuracy"]))
    assert result == pytest.approx(sk.accuracy_score(example["truth"], example["named"]))


@each("folds")
def test_spread_over_folds_by_hand(example: Example) -> None:
    spread = numbers.spread_of(example["values"])
    assert spread is not None
    assert (spread.mean, spread.sd) == pytest.approx((example["mean"], example["sd"]))
    assert (spread.low, spread.high) == pytest.approx((example["low"], example["high"]))
    assert numbers.spread_of([0.5, None]) == numbers.spread_of([0.5])
    assert numbers.spread_of([None]) is None


def test_the_interval_of_the_mean_agrees_with_statsmodels() -> None:
    from statsmodels.stats.weightstats import DescrStatsW

    values = np.random.default_rng(2).normal(0.7, 0.05, 10)
    ours = statistics.mean_interval(statistics.summarise(values.tolist()))
    assert ours == pytest.approx(DescrStatsW(values).tconfint_mean(0.05))


def test_metrics_of_a_stack_of_tables_are_those_of_each() -> None:
    rng = np.random.default_rng(1)
    stack = rng.integers(0, 9, size=(20, 4, 4))
    stack[3, 2] = 0
    for of in (counts.weighted_accuracy, counts.unweighted_accuracy, counts.macro_f1):
        assert of(stack) == pytest.approx([float(of(table)) for table in stack])


def test_macro_f1_of_whole_tables_is_the_plain_mean_to_the_last_bit() -> None:
    stack = np.random.default_rng(1).integers(1, 9, size=(50, 4, 4))
    assert (counts.macro_f1(stack) == np.nanmean(counts.f1(stack), axis=-1)).all()
