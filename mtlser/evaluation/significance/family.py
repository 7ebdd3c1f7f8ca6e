"""Holm's adjustment over all systems that one report compares with its main one on a metric."""

from collections.abc import Sequence

from mtlser.evaluation.significance import statistics
from mtlser.evaluation.significance.comparison_records import Comparison


def adjusted(rows: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with `family`, `p_adjusted` and Welch's `p_holm`, in the order given.

    A family is every system compared on one metric. A system whose test is not defined stays in
    it, as if its p were 1, so that the others are not judged more easily for it.
    """
    result = list(rows)
    for metric in dict.fromkeys(row.metric for row in rows):
        places = [place for place, row in enumerate(rows) if row.metric == metric]
        own = [rows[place] for place in places]
        corrected = _holm([row.corrected.p if row.corrected else None for row in own])
        welch = _holm([row.welch.p if row.welch else None for row in own])
        for place, p, p_welch in zip(places, corrected, welch, strict=True):
            update = {"family": len(places), "p_adjusted": p, "p_holm": p_welch}
            result[place] = rows[place].model_copy(update=update)
    return result


def _holm(p_values: Sequence[float | None]) -> list[float | None]:
    whole = statistics.holm([1.0 if p is None else p for p in p_values])
    return [None if before is None else p for before, p in zip(p_values, whole, strict=True)]
