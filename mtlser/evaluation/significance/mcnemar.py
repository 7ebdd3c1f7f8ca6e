"""McNemar's test of two systems on the same utterances: who is right where the other is wrong."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.records import Record

EXACT_BELOW = 25
"""Fewer discordant utterances than this are tested by the binomial distribution."""


class McNemar(Record):
    """Two-tailed McNemar test of two systems' accuracy on the same utterances."""

    names: tuple[str, str]
    kind: Literal["exact", "chi-square"]
    """`exact`: binomial; `chi-square`: with continuity correction, one degree of freedom."""
    utterances: int
    only_first: int
    """Utterances that the first system alone has right."""
    only_second: int
    statistic: float | None
    """`None` for the exact test."""
    p: float
    reading: str
    """The result in one plain sentence."""


def mcnemar(
    first_right: Sequence[bool] | NDArray[np.bool_],
    second_right: Sequence[bool] | NDArray[np.bool_],
    names: tuple[str, str] = ("a", "b"),
) -> McNemar:
    """Two-tailed McNemar test (McNemar 1947, doi 10.1007/BF02295996).

    With b and c utterances that only one system has right: the binomial test of b in b + c at 0.5
    where b + c < 25, else `(|b - c| - 1)^2 / (b + c)` against chi-square with one degree of freedom
    (Edwards 1948, doi 10.1007/BF02289261). It takes utterances as independent; those of one
    speaker are not, so its p is too small.

    >>> mcnemar([True] * 9 + [False], [True] * 3 + [False] * 6 + [True]).p
    0.125

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    if len(first_right) != len(second_right) or not len(first_right):
        raise MtlserError(
            f"{names[0]} has {len(first_right)} utterances and {names[1]} {len(second_right)}; "
            "McNemar's test needs the same ones, over 0"
        )
    first, second = np.asarray(first_right, np.bool_), np.asarray(second_right, np.bool_)
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    return from_counts(b, c, len(first), names)


def from_counts(b: int, c: int, utterances: int, names: tuple[str, str] = ("a", "b")) -> McNemar:
    """The same test from the two discordant counts.

    >>> test = from_counts(121, 59, 794)
    >>> test.kind, round(test.statistic, 2), round(test.p, 7)
    ('chi-square', 20.67, 5.5e-06)
    """
    from scipy import stats

    statistic: float | None = None
    if b + c < EXACT_BELOW:
        p = float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0
    else:
        statistic = max(0, abs(b - c) - 1) ** 2 / (b + c)
        p = float(stats.chi2.sf(statistic, 1))
    return McNemar(
        names=names,
        kind="chi-square" if statistic is not None else "exact",
        utterances=utterances,
        only_first=b,
        only_second=c,
        statistic=statistic,
        p=p,
        reading=(
            f"{names[0]} alone is right on {b} and {names[1]} alone on {c} of {utterances} "
            f"utterances; p = {p:.2g} if utterances were independent, which those of one speaker "
            "are not."
        ),
    )
