import numpy as np
import pytest
from scipy import stats

from mtlser.errors import MtlserError
from mtlser.evaluation.significance import paired


def samples(n: int = 10) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(5)
    a = rng.normal(0.75, 0.04, n)
    return a.tolist(), (a - rng.normal(0.03, 0.05, n)).tolist()


def test_paired_tests_agree_with_scipy() -> None:
    a, b = samples()
    ours, theirs = paired.paired_t(a, b), stats.ttest_rel(a, b)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert ours.interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    ranks = stats.wilcoxon(a, b)
    result = paired.wilcoxon(a, b)
    assert (result.statistic, result.p) == pytest.approx((ranks.statistic, ranks.pvalue))


def test_wilcoxon_with_ties_counts_all_sign_patterns() -> None:
    # Differences .1 .1 .1 -.1 .2: ranks 2.5 x 4 and 5; the smaller rank sum is 2.5. Of the 32
    # sign patterns, the sum of negatives is <= 2.5 in 1 (none) + 4 (one of the small) = 5.
    a, b = [0.3, 0.3, 0.3, 0.2, 0.5], [0.2, 0.2, 0.2, 0.3, 0.3]
    result = paired.wilcoxon(a, b)
    assert result.statistic == 2.5
    assert result.p == pytest.approx(2 * 5 / 32)


@pytest.mark.parametrize(
    "gaps",
    [
        [1, 1, 1, -1, 2],
        [3, 3, 3, 3, 3, 3],
        [0, 0, 2, 2, -1, 5, 5, 4],
        [1, 2, 3, -4, 5, -6, 7, 8, 9, 10],
        [2, 2, -2, 2, 1, 1, -1, 3, 0, 3],
    ],
)
def test_wilcoxon_agrees_with_scipys_permutations(gaps: list[int]) -> None:
    values = np.asarray(gaps) / 100
    ours = paired.wilcoxon(values.tolist(), [0.0] * len(gaps))
    exact = stats.PermutationMethod(n_resamples=10**6)
    nonzero = np.asarray([gap for gap in gaps if gap], dtype=np.float64)
    theirs = stats.wilcoxon(nonzero, method=exact)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    # The smallest p: all differences of one sign, whatever ties, without the folds that are equal.
    one_way = stats.wilcoxon(np.abs(nonzero), method=exact)
    assert ours.least_p == pytest.approx(one_way.pvalue)


def test_wilcoxon_is_exact_with_ties_beyond_13_folds() -> None:
    result = paired.wilcoxon([0.3] * 16, [0.2] * 16)
    assert result.p == result.least_p == 2 / 2**16
    many = np.random.default_rng(0).normal(0.1, 1, 60)
    theirs = stats.wilcoxon(many, method="approx")
    ours = paired.wilcoxon(many.tolist(), [0.0] * 60)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.least_p is None


def test_folds_without_a_difference_do_not_help_the_rank_test() -> None:
    # Eight folds, of which four differ, all in one direction: p = 2 / 2^4.
    result = paired.wilcoxon([0.5] * 4 + [0.6, 0.7, 0.8, 0.9], [0.5] * 8)
    assert result.p == result.least_p == 0.125
    assert "With 4 folds that differ" in result.reading


def test_five_folds_can_never_show_a_difference_by_ranks() -> None:
    result = paired.wilcoxon([0.9] * 5, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert result.p == 0.0625
    assert "cannot go below p = 0.0625" in result.reading


def test_corrected_resampled_t_of_a_worked_example() -> None:
    # d = 2, 4, 6, 8 points: mean 5, variance 20/3; error sqrt((1/4 + 10/40) * 20/3) = 1.8257.
    ours = paired.corrected_resampled_t([0.2, 0.4, 0.6, 0.8], [0.18, 0.36, 0.54, 0.72], 40, 10)
    assert ours.statistic == pytest.approx(5 / np.sqrt(0.5 * 20 / 3))
    assert ours.p == pytest.approx(2 * stats.t.sf(5 / np.sqrt(0.5 * 20 / 3), 3))
    assert ours.df == 3


def test_the_correction_only_ever_widens() -> None:
    a, b = samples()
    plain = paired.paired_t(a, b)
    corrected = paired.corrected_resampled_t(a, b, n_train=900, n_test=100)
    # With k-fold cross-validation the error grows by sqrt(1 + k * n_test / n_train).
    assert plain.statistic / corrected.statistic == pytest.approx(np.sqrt(1 + 10 / 9))
    assert corrected.p > plain.p


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(MtlserError, match="on every fold"):
        paired.paired_t([0.5, 0.6], [0.4, 0.5])
    with pytest.raises(MtlserError, match="the same on every fold"):
        paired.wilcoxon([0.5, 0.6], [0.5, 0.6])
    with pytest.raises(MtlserError, match="2 folds and b 3"):
        paired.paired_t([0.5, 0.6], [0.4, 0.5, 0.6])
    with pytest.raises(MtlserError, match="over 0"):
        paired.corrected_resampled_t([0.5, 0.7], [0.4, 0.5], 0, 5)
