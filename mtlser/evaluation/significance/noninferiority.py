"""Whether one system is shown to be not worse than another on the same folds, by a margin."""

import math
from collections.abc import Sequence

import numpy as np

from mtlser.errors import MtlserError
from mtlser.evaluation.significance.statistics import negligible
from mtlser.records import Record


class NotWorse(Record):
    """One-sided test of `mean gain <= -margin`, in the unit of the gains."""

    n: int
    gain: float
    """Mean over folds; above 0 the first system is better."""
    bound: float
    """The gain is above this with confidence 1 - level."""
    t: float | None
    """`None`, as `p`: the gain is the same on every fold, so that no test is defined."""
    df: int
    p: float | None
    margin: float
    level: float
    passes: bool


def not_worse(
    gains: Sequence[float], n_train: float, n_test: float, margin: float, level: float
) -> NotWorse:
    """Non-inferiority by the corrected resampled t-test (Nadeau & Bengio 2003).

    `t = (mean(g) + margin) / sqrt((1 / k + n_test / n_train) * var(g))`, one-sided with k - 1
    degrees of freedom (doi 10.1023/A:1024068626366); it passes where `p < level`, which is where
    the lower bound of the one-sided interval is above `-margin`. Where every fold gains the same,
    as between two equal systems, there is no spread to test with: the gain itself is then the
    bound.

    Args:
        gains: a fold's value of the first system minus the second's, so that above 0 is better.
        n_train: utterances trained on in a fold (the mean over folds).
        n_test: utterances tested on in a fold (the mean over folds).
        margin: loss that does not matter, above 0.
        level: chance of passing at a loss of just the margin, 0-0.5.

    >>> test = not_worse([0.01, -0.01, 0.02, 0.0, 0.01], 80, 20, margin=0.02, level=0.05)
    >>> test.passes, round(test.bound, 4), round(test.p, 4)
    (True, -0.0103, 0.0136)
    >>> not_worse([0.0, 0.0], 80, 20, margin=0.02, level=0.05).passes
    True

    Raises:
        MtlserError: fewer than two folds, a gain that is no number, or a size, margin or level
            out of range.
    """
    if len(gains) < 2 or not all(math.isfinite(gain) for gain in gains):
        raise MtlserError(f"{len(gains)} folds; a test needs two or more with a finite value")
    if min(n_train, n_test, margin) <= 0 or not 0 < level < 0.5:
        raise MtlserError(
            f"n_train = {n_train:g}, n_test = {n_test:g}, margin = {margin:g}, level = {level:g}; "
            "expected the first three over 0 and the level in 0-0.5"
        )
    gains_k = np.asarray(gains, dtype=np.float64)
    k, mean, spread = len(gains_k), float(gains_k.mean()), float(gains_k.std(ddof=1))
    bound, passes = mean, mean > -margin
    t: float | None = None
    p: float | None = None
    if spread > negligible(mean):
        from scipy import stats

        error = math.sqrt(1 / k + n_test / n_train) * spread
        t = (mean + margin) / error
        p = float(stats.t.sf(t, k - 1))
        bound = mean - float(stats.t.ppf(1 - level, k - 1)) * error
        passes = p < level
    return NotWorse(
        n=k, gain=mean, bound=bound, t=t, df=k - 1, p=p, margin=margin, level=level, passes=passes
    )
