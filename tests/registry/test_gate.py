"""The gate of promotion: what passes, what is refused, and the numbers against a second source."""

import math
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from mtlser.errors import MtlserError
from mtlser.evaluation import scores
from mtlser.evaluation.significance.noninferiority import not_worse
from mtlser.recipe import RegistryRecipe, load
from mtlser.recipes.judging import GateMetric
from mtlser.records import FoldPlan
from mtlser.registry import gate
from mtlser.registry.gate import Reported
from tests.helpers.factories import make_predictions
from tests.helpers.retraining import CHALLENGER, CHAMPION, FOLDS, measured, plan, with_values

NOT_WORSE = RegistryRecipe()
BETTER = RegistryRecipe(rule="better")
Gains = st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=12)


@cache
def side(quality: float, seed: int = 0) -> Reported:
    recipe = CHALLENGER if seed else CHAMPION
    return measured(recipe, quality, plan(), seed)


def test_a_planted_worse_challenger_is_refused_and_a_better_one_passes_either_rule() -> None:
    low, high = side(0.55), side(0.85, 1)
    for rules in (NOT_WORSE, BETTER):
        assert gate.weigh(high, low, rules).passes
        refused = gate.weigh(low, high, rules)
        assert not refused.passes
        assert refused.reason.startswith("not shown to be")
        assert "ua 0." in refused.reason


def test_swapped_arguments_flip_every_sign() -> None:
    one, other = side(0.6), side(0.8, 1)
    there = gate.weigh(one, other, BETTER).tests[0]
    back = gate.weigh(other, one, BETTER).tests[0]
    assert there.gain == pytest.approx(-back.gain)
    assert there.t is not None
    assert back.t is not None
    assert there.t == pytest.approx(-back.t)
    assert there.p == pytest.approx(back.p)
    assert (there.low, there.high) == pytest.approx((-(back.high or 0), -back.low))


def test_a_lower_error_rate_is_a_gain() -> None:
    rules = RegistryRecipe(metrics=("wer",))
    ours = with_values(side(0.7), "wer", [0.2, 0.22, 0.19, 0.21, 0.2, 0.18])
    theirs = with_values(side(0.7, 1), "wer", [0.4, 0.41, 0.43, 0.4, 0.42, 0.4])
    passed, refused = gate.weigh(ours, theirs, rules), gate.weigh(theirs, ours, rules)
    assert passed.passes
    assert passed.tests[0].better == "lower"
    assert passed.tests[0].gain > 0.2
    assert not refused.passes


def test_every_listed_metric_has_to_pass() -> None:
    rules = RegistryRecipe(metrics=("ua", "wer"))
    worse = with_values(side(0.85, 1), "wer", [0.9] * FOLDS)
    result = gate.weigh(worse, side(0.55), rules)
    assert [test.passes for test in result.tests] == [True, False]
    assert not result.passes
    assert "wer" in result.reason
    assert "ua" not in result.reason


def test_better_allows_no_listed_metric_to_be_shown_worse() -> None:
    values = [0.5, 0.51, 0.52, 0.5, 0.49, 0.5]
    worse = with_values(side(0.85, 1), "wer", [value + 0.3 for value in values])
    rival = with_values(side(0.55), "wer", list(values))
    rules = RegistryRecipe(rule="better", metrics=("ua", "wer"))
    assert not gate.weigh(worse, rival, rules).passes
    noisy = with_values(side(0.85, 1), "wer", [value + 0.002 for value in values])
    assert gate.weigh(noisy, rival, rules).passes


@pytest.mark.parametrize("spread", [True, False])
def test_equal_scores_are_not_worse_and_not_better(spread: bool) -> None:
    """The same recipe twice: the differences are exactly 0, so nothing is divided by."""
    same = side(0.7) if spread else with_values(side(0.7), "ua", [0.7] * FOLDS)
    result = gate.weigh(same, same, NOT_WORSE)
    assert result.passes
    assert (result.tests[0].gain, result.tests[0].low, result.tests[0].p) == (0.0, 0.0, None)
    assert "on every fold" in result.reason
    refused = gate.weigh(same, same, BETTER)
    assert not refused.passes
    assert refused.tests[0].p == 1.0


def test_a_loss_that_is_the_same_on_every_fold_is_held_against_the_margin() -> None:
    rival = with_values(side(0.7), "ua", [0.7] * FOLDS)
    for value, passes in ((0.69, True), (0.67, False)):
        ours = with_values(side(0.7, 1), "ua", [value] * FOLDS)
        assert gate.weigh(ours, rival, NOT_WORSE).passes is passes
    better = with_values(side(0.7, 1), "ua", [0.8] * FOLDS)
    refused = gate.weigh(better, rival, BETTER)
    assert not refused.passes
    assert "no test is defined" in refused.reason


def test_a_leaking_protocol_is_no_evidence() -> None:
    leaking: Reported = measured(CHALLENGER, 0.95, plan(protocol="random"), 1)
    for pair in ((leaking, side(0.5)), (side(0.9, 1), leaking), (leaking, leaking)):
        result = gate.weigh(*pair, NOT_WORSE)
        assert not result.passes
        assert "random leaks" in result.reason
        assert result.tests == ()


def test_a_report_about_a_baseline_is_no_evidence_for_a_network() -> None:
    """Its figures follow from the predictions; they are those of another system."""
    on = plan()
    predicted = [*make_predictions(on, quality=0.5), *make_predictions(on, "svm", 0.9, seed=1)]
    about = Reported(scores.measure(predicted, on, CHALLENGER, main="svm"), on)
    for pair in ((about, side(0.5)), (side(0.9, 1), about)):
        result = gate.weigh(*pair, NOT_WORSE)
        assert not result.passes
        assert "report is about svm, and a model of mtlser is registered" in result.reason
        assert result.tests == ()


def moved(given: FoldPlan) -> FoldPlan:
    """The same sizes and names, but two folds have swapped a training utterance."""
    one, two, *rest = given.folds
    fewer = one.model_copy(update={"train": (*one.train[1:], one.train[0])})
    return given.model_copy(update={"folds": (fewer, two, *rest)})


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (plan(digest="e" * 64), "manifest digests differ"),
        (plan(FOLDS - 1), "folds differ"),
        (plan(protocol="loso"), "protocols differ"),
        (moved(plan()), "the folds' utterances differ"),
    ],
)
def test_other_folds_or_data_are_refused(other: FoldPlan, why: str) -> None:
    result = gate.weigh(measured(CHALLENGER, 0.9, other, 1), side(0.5), NOT_WORSE)
    assert not result.passes
    assert why in result.reason


def test_scores_that_are_not_of_the_folds_beside_them_are_refused() -> None:
    old = Reported(side(0.9, 1).scores.model_copy(update={"folds_digest": ""}), plan())
    assert "mtlser report" in gate.weigh(old, side(0.5), NOT_WORSE).reason


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_an_absent_metric_or_one_that_is_no_number_is_refused(
    value: float | None, which: int
) -> None:
    pair = [side(0.9, 1), side(0.5)]
    values: list[float | None] = [0.1] * FOLDS
    values[2] = value
    pair[which] = with_values(pair[which], "wer", values)
    result = gate.weigh(pair[0], pair[1], RegistryRecipe(metrics=("ua", "wer")))
    assert not result.passes
    assert f"the {('challenger', 'champion')[which]} has no wer on fold Ses03" in result.reason


def test_one_fold_decides_nothing() -> None:
    one = measured(CHALLENGER, 0.9, plan(1), 1)
    assert "one fold" in gate.weigh(one, one, NOT_WORSE).reason


def test_speaker_accuracy_is_weighed_on_its_own_slice() -> None:
    rules = RegistryRecipe(metrics=("speaker_accuracy",))
    ours, theirs = side(0.7), side(0.7, 1)
    (test,) = gate.weigh(ours, theirs, rules).tests
    speakers = [reported.scores.systems[0].speaker for reported in (ours, theirs)]
    assert speakers[0] is not None
    assert speakers[1] is not None
    assert test.gain == pytest.approx(speakers[0].spread.mean - speakers[1].spread.mean)


def test_welch_and_holm_agree_with_scipy_and_statsmodels() -> None:
    metrics: tuple[GateMetric, ...] = ("ua", "wa", "wer")
    ours, theirs = side(0.75, 1), side(0.7)
    result = gate.weigh(ours, theirs, RegistryRecipe(rule="better", metrics=metrics, level=0.1))
    p_values = []
    for metric, test in zip(metrics, result.tests, strict=True):
        pair = [
            [value for value in gate.values(reported, metric).values() if value is not None]
            for reported in (ours, theirs)
        ]
        welch = stats.ttest_ind(pair[0], pair[1], equal_var=False)
        interval = welch.confidence_interval(0.9)
        sign = -1 if metric == "wer" else 1
        ends = sorted((sign * interval.low, sign * interval.high))
        assert test.p == pytest.approx(welch.pvalue)
        assert [test.low, test.high] == pytest.approx(ends)
        p_values.append(welch.pvalue)
    adjusted = multipletests(p_values, method="holm")[1]
    assert [test.p_holm for test in result.tests] == pytest.approx(list(adjusted))


@given(gains=Gains, margin=st.floats(0.001, 0.1), level=st.floats(0.01, 0.3))
@settings(deadline=None, max_examples=60)
def test_without_overlap_not_worse_is_the_one_sided_t_test(
    gains: list[float], margin: float, level: float
) -> None:
    """Against scipy and statsmodels, with a test set that is next to nothing of the training."""
    result = not_worse(gains, 1e12, 1e-12, margin, level)
    if result.p is None:
        assert max(gains) - min(gains) < 1e-9
        return
    assert result.p == pytest.approx(
        stats.ttest_1samp(gains, -margin, alternative="greater").pvalue, rel=1e-6, abs=1e-12
    )
    low = DescrStatsW(gains).tconfint_mean(alpha=level, alternative="larger")[0]
    assert result.bound == pytest.approx(low, rel=1e-6, abs=1e-9)


@given(gains=Gains, share=st.floats(0.05, 1))
@settings(deadline=None, max_examples=60)
def test_overlap_widens_the_error_by_the_published_factor(gains: list[float], share: float) -> None:
    """Nadeau and Bengio: `1 / k + n_test / n_train` in the place of `1 / k`."""
    result = not_worse(gains, 200, 200 * share, 0.02, 0.05)
    if result.p is None:
        return
    plain = float(stats.ttest_1samp(gains, -0.02).statistic)
    k = len(gains)
    t = plain * ((1 / k) / (1 / k + share)) ** 0.5
    assert result.t == pytest.approx(t)
    assert result.p == pytest.approx(float(stats.t.sf(t, k - 1)))


@given(gains=Gains, share=st.floats(0.05, 1), shift=st.floats(0, 0.2))
@settings(deadline=None, max_examples=60)
def test_passing_is_the_bound_above_the_margin_and_a_gain_never_hurts(
    gains: list[float], share: float, shift: float
) -> None:
    result = not_worse(gains, 1, share, 0.02, 0.05)
    if abs(result.bound + 0.02) > 1e-9:
        assert result.passes == (result.bound > -0.02)
    more = not_worse([gain + shift for gain in gains], 1, share, 0.02, 0.05)
    assert more.passes or not result.passes or shift < 1e-9
    assert not_worse(gains, 1, share / 2, 0.02, 0.05).bound >= result.bound - 1e-12


def test_a_test_that_cannot_be_is_refused() -> None:
    for arguments in (
        ([0.1], 1, 1, 0.1, 0.05), ([0.1, math.nan], 1, 1, 0.1, 0.05), ([0.1, 0.2], 0, 1, 0.1, 0.05),
        ([0.1, 0.2], 1, 1, 0, 0.05), ([0.1, 0.2], 1, 1, 0.1, 0.5),
    ):  # fmt: skip
        with pytest.raises(MtlserError):
            not_worse(*arguments)


def test_judging_keys_are_no_part_of_a_recipe_s_hash_and_the_model_s_name_is() -> None:
    plain = load("demo")
    judged = load(
        "demo", ("drift.max_level_ks=0.5", "registry.rule=better", "registry.margin=0.1",
                 "registry.level=0.1", 'registry.metrics=["ua", "wer"]'),
    )  # fmt: skip
    assert judged.hash == plain.hash
    assert load("demo", ("registry.name=other",)).hash != plain.hash
    with pytest.raises(MtlserError, match="there twice"):
        load("demo", ('registry.metrics=["ua", "ua"]',))
