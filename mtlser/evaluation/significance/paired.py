"""Tests of two systems on the same folds; rates 0-1, readings in points (hundredths).

Folds share training data, so the paired t-test and Wilcoxon's report differences too easily;
the corrected resampled t-test accounts for the overlap and is the one to trust.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.evaluation.significance.statistics import LEVEL, in_words, negligible
from mtlser.records import Record

MOST_EXACT = 50
"""Up to so many folds the rank test's p is exact."""


class Paired(Record):
    """Two-tailed test of the differences on the same folds."""

    kind: Literal["paired t", "wilcoxon", "corrected resampled t"]
    names: tuple[str, str]
    n: int
    difference: float
    """Mean over folds of `a` minus `b`."""
    interval: tuple[float, float] | None
    """95 % interval of the mean difference; `None` for the rank test."""
    statistic: float
    df: int | None
    p: float
    reading: str
    least_p: float | None = None
    """The smallest p that the rank test can reach with these folds; `None` for the t-tests, for
    more than 50 folds, and in scores of an older version."""


def paired_t(a: Sequence[float], b: Sequence[float], names: tuple[str, str] = ("a", "b")) -> Paired:
    """Two-tailed paired t-test over the same folds, in the same order.

    >>> round(paired_t([0.8, 0.82, 0.84], [0.7, 0.75, 0.71]).p, 4)
    0.0287

    Raises:
        MtlserError: the samples differ in length, hold fewer than two values, or every fold
            differs by the same amount.
    """
    return _paired_t("paired t", a, b, names, share=0.0)


def corrected_resampled_t(
    a: Sequence[float],
    b: Sequence[float],
    n_train: float,
    n_test: float,
    names: tuple[str, str] = ("a", "b"),
) -> Paired:
    """Corrected resampled t-test over the same folds (Nadeau & Bengio 2003).

    `t = mean(d) / sqrt((1 / k + n_test / n_train) * var(d))` with k - 1 degrees of freedom
    (doi 10.1023/A:1024068626366). The second term allows for training sets that overlap.

    Args:
        a: one rate per fold.
        b: as `a`, for the other system on the same folds.
        n_train: utterances that weights are fitted to in a fold (the mean over folds), without
            validation and the speaker check: with them p would be smaller.
        n_test: utterances tested on in a fold (the mean over folds).
        names: what to call the two.

    >>> round(corrected_resampled_t([0.8, 0.82, 0.84], [0.7, 0.75, 0.71], 80, 20).p, 4)
    0.0487

    Raises:
        MtlserError: as `paired_t`, or a size that is not over 0.
    """
    if n_train <= 0 or n_test <= 0:
        raise MtlserError(f"n_train = {n_train}, n_test = {n_test}; expected both over 0")
    return _paired_t("corrected resampled t", a, b, names, share=n_test / n_train)


def wilcoxon(a: Sequence[float], b: Sequence[float], names: tuple[str, str] = ("a", "b")) -> Paired:
    """Two-tailed Wilcoxon signed-rank test over the same folds; folds without difference drop out.

    Up to 50 folds the p is exact, also where differences tie: the share of all sign patterns with
    a rank sum as far out (Wilcoxon 1945, doi 10.2307/3001968; mid-ranks). With m folds that differ
    it cannot go below `2 / 2^m`. Beyond, scipy's approximation.

    >>> wilcoxon([0.80, 0.82, 0.84, 0.9, 0.7], [0.70, 0.75, 0.71, 0.8, 0.69]).p
    0.0625

    Raises:
        MtlserError: the samples differ in length, hold fewer than two values, or are equal.
    """
    gaps = differences(a, b, names)
    # Equal differences must tie: 0.3 - 0.2 and 0.2 - 0.1 differ in the last bit.
    gaps = np.round(gaps, 12)
    nonzero = gaps[gaps != 0]
    if not len(nonzero):
        raise MtlserError(f"{names[0]} and {names[1]} score the same on every fold: no test")
    from scipy import stats

    ranks = stats.rankdata(np.abs(nonzero))
    statistic = float(min(ranks[nonzero > 0].sum(), ranks[nonzero < 0].sum()))
    least = None
    if len(nonzero) <= MOST_EXACT:
        p, least = _rank_sum_p(ranks, statistic), 2 * 0.5 ** len(nonzero)
    else:
        p = float(stats.wilcoxon(nonzero, method="approx").pvalue)
    reading = in_words(names, float(gaps.mean()), None, p)
    if least is not None and least > LEVEL:
        reading += (
            f" With {len(nonzero)} folds that differ this test cannot go below p = {least:.4g}."
        )
    return Paired(
        kind="wilcoxon",
        names=names,
        n=len(gaps),
        difference=float(gaps.mean()),
        interval=None,
        statistic=statistic,
        df=None,
        p=p,
        reading=reading,
        least_p=least,
    )


def _rank_sum_p(ranks: NDArray[np.float64], statistic: float) -> float:
    """Two-tailed p of the smaller rank sum, over all sign patterns; ties have mid-ranks.

    scipy's exact method takes no ties; its permutations take a second for ten folds.
    """
    share_of_sum = np.ones(1)  # by twice the rank sum, which is whole
    for double in np.rint(2 * ranks).astype(int).tolist():
        drawn = np.zeros(len(share_of_sum) + double)
        drawn[: len(share_of_sum)] += share_of_sum / 2
        drawn[double:] += share_of_sum / 2
        share_of_sum = drawn
    return float(min(1.0, 2 * share_of_sum[: round(2 * statistic) + 1].sum()))


def differences(
    a: Sequence[float], b: Sequence[float], names: tuple[str, str] = ("a", "b")
) -> NDArray[np.float64]:
    """`a` minus `b`, by fold.

    Raises:
        MtlserError: the samples differ in length or hold fewer than two values.
    """
    if len(a) != len(b) or len(a) < 2:
        raise MtlserError(
            f"{names[0]} has {len(a)} folds and {names[1]} {len(b)}; a paired test needs the same "
            "two or more"
        )
    return np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)


def no_spread(gaps: NDArray[np.float64]) -> bool:
    """Whether every fold has the same difference, but for rounding, so that no t is defined.

    >>> no_spread(differences([0.3, 0.2], [0.2, 0.1]))
    True
    """
    return bool(gaps.std(ddof=1) <= negligible(float(gaps.mean())))


def _paired_t(
    kind: Literal["paired t", "corrected resampled t"],
    a: Sequence[float],
    b: Sequence[float],
    names: tuple[str, str],
    share: float,
) -> Paired:
    gaps = differences(a, b, names)
    k, mean = len(gaps), float(gaps.mean())
    spread = float(gaps.std(ddof=1))
    if no_spread(gaps):
        raise MtlserError(
            f"{names[0]} - {names[1]} is {mean:.4f} on every fold: no test is defined"
        )
    from scipy import stats

    error = math.sqrt(1 / k + share) * spread
    p = float(2 * stats.t.sf(abs(mean / error), k - 1))
    half = float(stats.t.ppf(1 - LEVEL / 2, k - 1)) * error
    interval = (mean - half, mean + half)
    return Paired(
        kind=kind,
        names=names,
        n=k,
        difference=mean,
        interval=interval,
        statistic=mean / error,
        df=k - 1,
        p=p,
        reading=in_words(names, mean, interval, p),
    )
