"""Notes of one kind are counted, however many folds and systems they are about."""

import numpy as np
import pytest

from benchmarks import false_alarms
from mtlser.evaluation import scores
from mtlser.evaluation.scores import Scores
from mtlser.evaluation.significance import comparison
from mtlser.records import FOUR
from tests.helpers.factories import make_plan, make_prediction, make_recipe
from tests.helpers.pages import make_search


def one_class_folds(folds: int, systems: tuple[str, ...] = ("mtlser", "svm")) -> Scores:
    """Each fold tests one class, which no system ever predicts."""
    plan = make_plan(folds=folds, per_fold=2, check=1)
    built = [
        make_prediction(
            name,
            FOUR[fold.index % 4],
            FOUR[(fold.index + 1) % 4],
            system=system,
            fold=fold.index,
        )
        for system in systems
        for fold in plan.folds
        for name in fold.test
    ]
    return scores.measure(built, plan, make_recipe("noise.kinds=[]"))


def test_many_folds_of_one_kind_are_one_sentence() -> None:
    notes = one_class_folds(40).notes
    about = [note for note in notes if "fold" in note]
    (absent,) = [note for note in about if "do not test every class" in note]
    assert absent.startswith("40 of 40 folds (0 (Ses01), 1 (Ses02), 2 (Ses03) and 37 more)")
    assert "no neutral in 30" in absent
    (single,) = [note for note in about if "one class only" in note]
    assert single.startswith("40 of 40 folds")
    missed = [note for note in about if "never predicts" in note]
    assert len(missed) == 2, "one for each system"
    assert all("never neutral in 10" in note for note in missed)
    assert len(notes) < 12


def test_many_systems_of_one_kind_are_counted() -> None:
    few = one_class_folds(3, ("mtlser", "svm")).notes
    many = one_class_folds(3, ("mtlser", "svm", *(f"other-{n}" for n in range(20)))).notes
    assert len(many) <= len(few) + 2
    assert "19 more systems never predict" in " ".join(many)


def test_systems_without_the_noisy_conditions_are_one_sentence() -> None:
    plan = make_plan(folds=2, per_fold=4)
    built = [
        make_prediction(name, system=system, fold=fold.index, condition=condition)
        for system in ("mtlser", "svm", "a", "b", "c", "d")
        for fold in plan.folds
        for name in fold.test
        for condition in (("clean", "babble@0dB") if system == "mtlser" else ("clean",))
    ]
    notes = scores.measure(built, plan, make_recipe("noise.snr_db=[0]")).notes
    (note,) = [note for note in notes if "not measured under" in note]
    assert note == "a, b, c and 2 more were not measured under babble@0dB."


def test_comparisons_without_a_test_are_counted_by_kind() -> None:
    rates = np.random.default_rng(0).normal(0.7, 0.05, 10).round(3)
    sides = [false_alarms.side(f"s{place}", rates) for place in range(21)]
    _, notes = comparison.compare(sides[0], sides[1:], false_alarms.made_plan())
    assert len(notes) == 2, "no t-test of differences, and no rank test"
    assert all("39 more of the comparisons" in note for note in notes)


def test_folds_that_predictions_do_not_confirm_are_one_sentence() -> None:
    plan = make_plan(folds=12, per_fold=4)
    built = [
        make_prediction(name, system=system, fold=fold.index)
        for system in ("mtlser", "svm")
        for fold in plan.folds
        for name in fold.test
    ]
    result = scores.measure(built, plan, make_recipe("noise.kinds=[]"), chosen=make_search(12))
    (note,) = [note for note in result.notes if "cannot be checked" in note]
    assert note.startswith("The pairs of 12 folds Ses01, Ses02, Ses03 and 9 more cannot")


@pytest.mark.parametrize("folds", [1, 2])
def test_a_single_fold_is_named(folds: int) -> None:
    notes = " ".join(one_class_folds(folds).notes)
    assert ("Fold 0 (Ses01) tests no" in notes) == (folds == 1)
    assert ("never predicts neutral in fold 0 (Ses01)" in notes) == (folds == 1)
