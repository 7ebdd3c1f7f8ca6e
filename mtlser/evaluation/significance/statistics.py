"""Comparisons of two systems over folds: tests, effect sizes, intervals, and what they mean.

All values are rates, 0-1; readings speak of points (hundredths). Standard deviations divide by
n - 1. Folds share training data, so tests that take them as independent find differences too
easily; `mtlser.evaluation.significance.paired` holds the tests for systems on the same folds.
"""

import math
from collections.abc import Sequence

import numpy as np

from mtlser.errors import MtlserError
from mtlser.records import Record

LEVEL = 0.05
"""Level of the tests; intervals cover 1 - LEVEL."""


class Summary(Record):
    """Mean, standard deviation (ddof = 1) and number of values."""

    mean: float
    sd: float
    n: int


class Welch(Record):
    """Two-tailed Welch t-test of two independent samples, with effect size and intervals."""

    names: tuple[str, str]
    a: Summary
    b: Summary
    difference: float
    """Mean of `a` minus mean of `b`."""
    interval: tuple[float, float]
    """95 % interval of the difference (Welch-Satterthwaite degrees of freedom)."""
    t: float
    df: float
    p: float
    hedges_g: float
    hedges_interval: tuple[float, float]
    reading: str
    """The result in one plain sentence."""


def summarise(values: Sequence[float]) -> Summary:
    """Mean, SD (ddof = 1) and n of two or more values.

    >>> summarise([0.5, 0.75])
    Summary(mean=0.625, sd=0.1767766952966369, n=2)

    Raises:
        MtlserError: fewer than two values, or one that is no number.
    """
    if len(values) < 2 or not all(math.isfinite(value) for value in values):
        raise MtlserError(f"{len(values)} values; a test needs two or more finite ones; run folds")
    return Summary(mean=float(np.mean(values)), sd=float(np.std(values, ddof=1)), n=len(values))


def mean_interval(summary: Summary) -> tuple[float, float]:
    """95 % t interval of the mean: `mean +- t(n - 1) * sd / sqrt(n)`.

    Takes the values as independent; folds share training data, so theirs is too narrow.

    >>> low, high = mean_interval(Summary(mean=0.7, sd=0.04, n=4))
    >>> round(low, 4), round(high, 4)
    (0.6364, 0.7636)

    Raises:
        MtlserError: fewer than two values.
    """
    if summary.n < 2:
        raise MtlserError(f"{summary.n} values; an interval needs two or more; run more folds")
    from scipy import stats

    half = float(stats.t.ppf(1 - LEVEL / 2, summary.n - 1)) * summary.sd / math.sqrt(summary.n)
    return summary.mean - half, summary.mean + half


def welch(a: Sequence[float], b: Sequence[float], names: tuple[str, str] = ("a", "b")) -> Welch:
    """Two-tailed Welch t-test of two samples.

    >>> round(welch([0.80, 0.82, 0.84], [0.70, 0.75, 0.71]).p, 4)
    0.0078

    Raises:
        MtlserError: fewer than two values in a sample, or no spread in either.
    """
    return welch_from_summary(summarise(a), summarise(b), names)


def welch_from_summary(a: Summary, b: Summary, names: tuple[str, str] = ("a", "b")) -> Welch:
    """Two-tailed Welch t-test from published mean, SD (ddof = 1) and n.

    `t = (mean_a - mean_b) / sqrt(sd_a^2 / n_a + sd_b^2 / n_b)` with the degrees of freedom of
    Welch and Satterthwaite (Welch 1947, doi 10.1093/biomet/34.1-2.28).

    >>> paper = Summary(mean=0.8263, sd=0.0077, n=10)
    >>> round(welch_from_summary(paper, Summary(mean=0.8160, sd=0.0085, n=10)).p, 3)
    0.011

    Raises:
        MtlserError: fewer than two values in a sample, or no spread in either.
    """
    for name, side in zip(names, (a, b), strict=True):
        if side.n < 2 or side.sd < 0:
            raise MtlserError(f"{name}: n = {side.n}, SD = {side.sd}; expected n of 2 or more")
    from scipy import stats

    squares = (a.sd**2 / a.n, b.sd**2 / b.n)
    error = math.sqrt(sum(squares))
    if error <= negligible(a.mean, b.mean):
        raise MtlserError(
            f"{names[0]} and {names[1]} have no spread over folds: no test is defined"
        )
    df = error**4 / (squares[0] ** 2 / (a.n - 1) + squares[1] ** 2 / (b.n - 1))
    difference = a.mean - b.mean
    t = difference / error
    p = float(2 * stats.t.sf(abs(t), df))
    half = float(stats.t.ppf(1 - LEVEL / 2, df)) * error
    interval = (difference - half, difference + half)
    g, low, high = hedges_g(a, b)
    reading = f"{in_words(names, difference, interval, p)} Hedges' g = {g:.2f}, {size_in_words(g)}."
    return Welch(
        names=names,
        a=a,
        b=b,
        difference=difference,
        interval=interval,
        t=t,
        df=df,
        p=p,
        hedges_g=g,
        hedges_interval=(low, high),
        reading=reading,
    )


def hedges_g(a: Summary, b: Summary) -> tuple[float, float, float]:
    """Hedges' g with its 95 % interval: (g, low, high).

    The difference over the pooled SD, times the exact small-sample correction (Hedges 1981,
    doi 10.2307/1164588); the interval is the large-sample one of Borenstein et al. (2009,
    chapter 4), coarse below ten values a side.

    >>> boys, girls = Summary(mean=103, sd=5.5, n=50), Summary(mean=100, sd=4.5, n=50)
    >>> [round(value, 3) for value in hedges_g(boys, girls)]
    [0.592, 0.195, 0.99]

    Raises:
        MtlserError: no spread on either side.
    """
    df = a.n + b.n - 2
    pooled = math.sqrt(((a.n - 1) * a.sd**2 + (b.n - 1) * b.sd**2) / df)
    if pooled <= negligible(a.mean, b.mean):
        raise MtlserError("no spread on either side: no effect size is defined")
    d = (a.mean - b.mean) / pooled
    correction = math.exp(
        math.lgamma(df / 2) - math.log(math.sqrt(df / 2)) - math.lgamma((df - 1) / 2)
    )
    variance = (a.n + b.n) / (a.n * b.n) + d**2 / (2 * (a.n + b.n))
    half = 1.959963984540054 * correction * math.sqrt(variance)
    return correction * d, correction * d - half, correction * d + half


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in the order given (Holm 1979, step down).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]

    Raises:
        MtlserError: a value is outside 0-1.
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise MtlserError(f"p-values {list(p_values)}: expected all in 0-1")
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def size_in_words(g: float) -> str:
    """Cohen's word for an effect size: below 0.2 negligible, then small, medium, large.

    >>> size_in_words(-0.6)
    'a medium effect'
    """
    for bound, word in ((0.2, "a negligible"), (0.5, "a small"), (0.8, "a medium")):
        if abs(g) < bound:
            return f"{word} effect"
    return "a large effect"


def negligible(*values: float) -> float:
    """Spread that is rounding error of values of this size."""
    return 1e-12 * max(1.0, *(abs(value) for value in values))


def in_words(
    names: tuple[str, str], difference: float, interval: tuple[float, float] | None, p: float
) -> str:
    """The result in one plain sentence: which is above, by how much, with the test's own p.

    It gives no verdict: one test does not know how many others are made beside it.
    """
    way = "above" if difference >= 0 else "below"
    text = f"{names[0]} is {abs(difference) * 100:.1f} points {way} {names[1]}"
    if interval is not None:
        text += f" (95 % interval {interval[0] * 100:+.1f} to {interval[1] * 100:+.1f})"
    return f"{text}; p = {p:.2g} for this comparison alone."
