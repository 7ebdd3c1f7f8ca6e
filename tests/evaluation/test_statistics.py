import numpy as np
import pytest
from scipy import stats
from statsmodels.stats import meta_analysis, multitest, weightstats

from mtlser.errors import MtlserError
from mtlser.evaluation.significance import statistics
from mtlser.evaluation.significance.statistics import Summary

PAPER = Summary(mean=0.8263, sd=0.0077, n=10)


def samples(n: int = 10) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(5)
    a = rng.normal(0.75, 0.04, n)
    return a.tolist(), (a - rng.normal(0.03, 0.05, n)).tolist()


def test_welch_agrees_with_scipy_and_statsmodels() -> None:
    a, b = samples()
    ours = statistics.welch(a, b[:7])
    theirs = stats.ttest_ind(a, b[:7], equal_var=False)
    assert ours.t == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.df == pytest.approx(theirs.df)
    assert ours.interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    compared = weightstats.CompareMeans(weightstats.DescrStatsW(a), weightstats.DescrStatsW(b[:7]))
    assert ours.interval == pytest.approx(compared.tconfint_diff(usevar="unequal"))


@pytest.mark.parametrize(
    ("mean", "sd", "printed"),
    [
        (0.8160, 0.0085, 1.78e-3),  # STRL-SER
        (0.8082, 0.0055, 1.46e-4),  # Li 2019
        (0.7890, 0.0070, 1.70e-6),  # MMER
    ],
)
def test_the_papers_table_4_does_not_follow_from_its_own_means(
    mean: float, sd: float, printed: float
) -> None:
    ours = statistics.welch_from_summary(PAPER, Summary(mean=mean, sd=sd, n=10))
    theirs = stats.ttest_ind_from_stats(0.8263, 0.0077, 10, mean, sd, 10, equal_var=False)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert not 0.5 < ours.p / printed < 2


def test_the_papers_closest_rival_is_at_11_in_a_thousand() -> None:
    row = statistics.welch_from_summary(PAPER, Summary(mean=0.8160, sd=0.0085, n=10))
    assert row.p == pytest.approx(0.011, abs=5e-4)


def test_summaries_divide_by_n_minus_1() -> None:
    assert statistics.summarise([1, 2, 3, 4]).sd == pytest.approx(np.sqrt(5 / 3))
    a, b = samples()
    whole = statistics.welch(a, b)
    assert statistics.welch_from_summary(whole.a, whole.b).p == whole.p


def test_hedges_g_of_a_published_example() -> None:
    # Borenstein et al. 2009, Introduction to Meta-Analysis, chapter 4: g = .5924, SE = .2028.
    a, b = Summary(mean=103, sd=5.5, n=50), Summary(mean=100, sd=4.5, n=50)
    g, low, high = statistics.hedges_g(a, b)
    assert g == pytest.approx(0.5924, abs=1e-4)
    assert (high - low) / 2 / 1.96 == pytest.approx(0.2028, abs=1e-4)


def test_hedges_g_agrees_with_statsmodels_on_small_samples() -> None:
    a, b = Summary(mean=0.75, sd=0.04, n=10), Summary(mean=0.72, sd=0.05, n=8)
    theirs, variance = meta_analysis.effectsize_smd(a.mean, a.sd, a.n, b.mean, b.sd, b.n)
    g, low, high = statistics.hedges_g(a, b)
    assert g == pytest.approx(theirs, rel=1e-3)  # theirs uses the correction 1 - 3 / (4 df - 1)
    assert (high - low) / 2 / 1.96 == pytest.approx(np.sqrt(variance), rel=0.08)


def test_holm_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(1)
    for size in (1, 2, 5, 9):
        p_values = rng.uniform(size=size) ** 3
        assert statistics.holm(p_values.tolist()) == pytest.approx(
            multitest.multipletests(p_values, method="holm")[1]
        )
    assert statistics.holm([]) == []


def test_readings_say_which_way_and_how_much() -> None:
    row = statistics.welch([0.6, 0.62, 0.64], [0.8, 0.81, 0.85], names=("svm", "mtlser"))
    assert row.reading.startswith("svm is 20.0 points below mtlser (95 % interval -")
    assert "p = 0.00068 for this comparison alone" in row.reading
    assert "a large effect" in row.reading
    even = statistics.welch([0.6, 0.7], [0.61, 0.7])
    assert "a negligible effect" in even.reading
    assert "shown" not in row.reading + even.reading, "one test gives no verdict"


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(MtlserError, match="1 values"):
        statistics.welch([0.5], [0.6, 0.7])
    with pytest.raises(MtlserError, match="two or more finite"):
        statistics.welch([0.5, float("nan")], [0.6, 0.7])
    with pytest.raises(MtlserError, match="no spread"):
        statistics.welch([0.5, 0.5], [0.6, 0.6])
    with pytest.raises(MtlserError, match="0-1"):
        statistics.holm([1.5])
