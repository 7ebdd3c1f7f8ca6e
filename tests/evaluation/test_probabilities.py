"""Brier score and log-loss against scikit-learn and by hand, alone and through the scorer."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mtlser.evaluation import probabilities, scores, summary
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.score_records import Scores
from mtlser.records import FOUR, Prediction
from mtlser.reporting import page, task_tables
from tests.helpers.factories import make_plan, make_predictions, make_recipe
from tests.helpers.pages import make_context

WEIGHTS = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(lambda w: sum(w) > 0)
ROWS = st.lists(st.tuples(WEIGHTS, st.sampled_from(FOUR)), min_size=1, max_size=12)


@settings(deadline=None, derandomize=True)
@given(ROWS)
def test_both_agree_with_scikit_learn(rows: list[tuple[list[int], str]]) -> None:
    # Columns in alphabetical order, as scikit-learn takes them.
    names = sorted(FOUR)
    given_nc = np.asarray([np.asarray(w) / sum(w) for w, _ in rows])
    truth = [name for _, name in rows]
    mappings = [dict(zip(names, row, strict=True)) for row in given_nc.tolist()]
    pairs = list(zip(mappings, truth, strict=True))
    brier = np.mean([probabilities.brier(*pair) for pair in pairs])
    assert brier == pytest.approx(sk.brier_score_loss(truth, given_nc, labels=names))
    loss = np.mean([probabilities.log_loss(*pair) for pair in pairs])
    assert loss == pytest.approx(sk.log_loss(truth, given_nc, labels=names), abs=1e-12)


def test_certainty_and_ignorance_by_hand() -> None:
    even = dict.fromkeys(FOUR, 0.25)
    assert probabilities.brier(even, "sad") == pytest.approx(1 - 1 / 4)
    assert probabilities.log_loss(even, "sad") == pytest.approx(math.log(4))
    sure = {"neutral": 1.0, "happy": 0.0, "angry": 0.0, "sad": 0.0}
    assert probabilities.brier(sure, "neutral") == probabilities.log_loss(sure, "neutral") == 0
    assert probabilities.brier(sure, "sad") == 2
    assert probabilities.log_loss(sure, "sad") == pytest.approx(52 * math.log(2))


@pytest.fixture(scope="module")
def built() -> list[Prediction]:
    plan = make_plan(folds=2, per_fold=30)
    return [*make_predictions(plan, "mtlser"), *make_predictions(plan, "svm", 0.5, seed=1)]


@pytest.fixture(scope="module")
def measured(built: list[Prediction]) -> Scores:
    return scores.measure(built, make_plan(folds=2, per_fold=30), make_recipe())


def test_the_scorer_means_them_over_its_own_predictions(
    built: list[Prediction], measured: Scores
) -> None:
    for system in measured.systems:
        own = [
            p for p in built if (p.system, p.split, p.condition) == (system.system, "test", "clean")
        ]
        given_nc = np.asarray([[p.emotion_probabilities[n] for n in sorted(FOUR)] for p in own])
        truth = [p.emotion_true for p in own]
        pooled = system.clean.pooled
        labels = sorted(FOUR)
        assert pooled.brier == pytest.approx(sk.brier_score_loss(truth, given_nc, labels=labels))
        assert pooled.log_loss == pytest.approx(sk.log_loss(truth, given_nc, labels=labels))
        folds = [fold.numbers.brier for fold in system.clean.folds]
        assert system.clean.spreads["brier"].mean == pytest.approx(np.mean(folds))  # type: ignore[arg-type]


def test_they_stand_beside_ece_with_its_bins(measured: Scores) -> None:
    pooled = measured.of("mtlser").clean.pooled
    assert summary.flat(measured)["brier"] == pooled.brier
    assert summary.flat(measured)["log_loss"] == pooled.log_loss
    table = task_tables.calibration(measured)
    assert table.rows[0][2:] == (f"{pooled.brier:.3f}", f"{pooled.log_loss:.3f}")
    assert "15 bins" in table.note
    html = page.render(measured, make_context())
    assert "Calibration of the probabilities" in html
    assert table.rows[0][2] in html
    assert "ECE, 15 bins" in html


def test_scores_of_an_older_version_are_read(measured: Scores) -> None:
    old = json.loads(measured.of("mtlser").clean.pooled.model_dump_json())
    del old["brier"], old["log_loss"]
    assert Numbers.model_validate(old).brier is None
    whole = json.loads(measured.model_dump_json())
    for row in whole["comparisons"]:
        for new in ("p_adjusted", "family", "difference", "same_gap"):
            del row[new]
    read = Scores.model_validate(whole)
    assert read.comparisons[0].significant is None
    assert read.comparisons[0].gap == pytest.approx(measured.comparisons[0].gap)
    assert "15 bins" in page.render(read, make_context())
