"""What a comparison says of its own tests."""

import pytest

from mtlser.evaluation import scores
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.significance.trust import trust
from mtlser.records import FoldPlan
from tests.helpers.factories import make_plan, make_prediction, make_predictions, make_recipe


def measured(plan: FoldPlan, gap: float = 0.1) -> Scores:
    built = [
        *make_predictions(plan, "mtlser", 0.7),
        *make_predictions(plan, "svm", 0.7 - gap, seed=1),
    ]
    return scores.measure(built, plan, make_recipe())


def test_the_corrected_test_is_named_first_and_the_others_follow_in_order() -> None:
    row = measured(make_plan(folds=5, per_fold=40)).comparisons[0]
    order = ["corrected resampled t", "Welch", "Wilcoxon's", "bootstrap", "McNemar's"]
    places = [row.trust.index(name) for name in order]
    assert places == sorted(places)
    for fact in ("only comparison", "cannot reach p = 0.05", "10 speakers", "too narrow"):
        assert fact in row.trust, fact


def test_mcnemar_speaks_of_wa_alone_and_agrees_with_the_utterances() -> None:
    plan = make_plan(folds=3, per_fold=30)
    result = measured(plan)
    wa, ua = result.comparisons
    assert ua.mcnemar is None
    assert "McNemar" not in ua.trust
    assert wa.mcnemar is not None
    assert wa.mcnemar.utterances == 90
    pooled = [result.of(name).clean.pooled.wa for name in ("mtlser", "svm")]
    gained = wa.mcnemar.only_first - wa.mcnemar.only_second
    assert gained / 90 == pytest.approx(pooled[0] - pooled[1])


def test_ten_folds_let_wilcoxon_speak() -> None:
    plan = make_plan(folds=10, per_fold=20)
    row = measured(plan).comparisons[0]
    assert "cannot reach" not in row.trust
    few = [t.model_copy(update={"least_p": 0.125}) for t in row.paired if t.kind == "wilcoxon"]
    text = trust(row.model_copy(update={"paired": tuple(few)}), plan)
    assert "cannot go below p = 0.125 here" in text, "eight of ten folds may be equal"


def test_a_leaking_protocol_makes_all_tests_worthless() -> None:
    row = measured(make_plan(folds=3, protocol="random")).comparisons[0]
    assert row.trust.index("random") < row.trust.index("corrected resampled t")


def test_one_fold_leaves_the_speakers() -> None:
    row = measured(make_plan(folds=1, per_fold=40)).comparisons[0]
    assert row.welch is None
    assert row.bootstrap is not None
    assert row.bootstrap.speakers == 2
    assert "No test over folds is defined" in row.trust


def test_one_speaker_leaves_nothing() -> None:
    plan = make_plan(folds=1, per_fold=8)
    built = [
        make_prediction(name, system=system)
        for system in ("mtlser", "svm")
        for name in plan.folds[0].test
    ]
    result = scores.measure(built, plan, make_recipe())
    assert result.comparisons[0].bootstrap is None
    assert "No test is defined" in result.comparisons[0].trust
    assert result.of("mtlser").bootstrap == {}
    assert any("one test speaker" in note for note in result.notes)


def test_tests_that_disagree_come_with_a_warning() -> None:
    plan = make_plan(folds=5, per_fold=40)
    row = measured(plan).comparisons[0]
    assert row.welch is not None

    def with_p(welch: float, corrected: float) -> Comparison:
        assert row.welch is not None
        return row.model_copy(
            update={
                "welch": row.welch.model_copy(update={"p": welch}),
                "p_holm": 2 * welch,
                "p_adjusted": corrected,
                "family": 2,
            }
        )

    warning = "do not report a difference"
    assert warning in trust(with_p(0.001, 0.2), plan)
    assert warning not in trust(with_p(0.001, 0.01), plan)
    assert warning not in trust(with_p(0.04, 0.2), plan)  # Holm: 0.08
