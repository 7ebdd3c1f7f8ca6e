"""Metrics from confusion counts: the last two axes are (true class, predicted class).

Leading axes stay, so that a stack of tables, one a resample, is scored at once. The tables
are `mtlser.evaluation.metrics.confusion`'s; rates are 0-1.
"""

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int64]
Values = NDArray[np.float64]


def weighted_accuracy(counts: Table) -> Values:
    """Plain accuracy, `correct / all` (WA); (..., c, c) -> (...).

    >>> float(weighted_accuracy(np.array([[8, 0], [2, 0]])))
    0.8
    """
    return np.asarray(np.trace(counts, axis1=-2, axis2=-1) / counts.sum(axis=(-2, -1)))


def unweighted_accuracy(counts: Table) -> Values:
    """Mean recall over the classes with an utterance (UA); (..., c, c) -> (...).

    >>> float(unweighted_accuracy(np.array([[8, 0], [2, 0]])))
    0.5
    """
    return np.asarray(np.nanmean(recalls(counts), axis=-1))


def recalls(counts: Table) -> Values:
    """Recall of each class, NaN for a class without an utterance; (..., c, c) -> (..., c).

    >>> recalls(np.array([[8, 0], [2, 0]])).tolist()
    [1.0, 0.0]
    """
    return _share(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1))


def rates(counts: Table) -> Values:
    """Share of each true class that is predicted as each class; rows sum to 1 or are NaN.

    >>> rates(np.array([[6, 2], [1, 1]])).tolist()
    [[0.75, 0.25], [0.5, 0.5]]
    """
    return _share(counts, counts.sum(axis=-1, keepdims=True))


def f1(counts: Table) -> Values:
    """F1 of each class, `2 TP / (2 TP + FP + FN)`; (..., c, c) -> (..., c).

    NaN for a class that is neither true nor predicted of any utterance; 0 for one that is only
    predicted.

    >>> f1(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])).round(4).tolist()
    [0.6667, 0.6667, nan]
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return _share(2 * right, counts.sum(axis=-1) + counts.sum(axis=-2))


def macro_f1(counts: Table) -> Values:
    """Mean F1 over the classes with an utterance, the same classes as UA's; (..., c, c) -> (...).

    scikit-learn also counts a class that is only predicted, as 0, unless `labels` leaves it out.

    >>> float(macro_f1(np.array([[1, 1], [0, 0]])).round(4))
    0.6667
    """
    present = counts.sum(axis=-1) > 0
    return np.asarray(np.nanmean(np.where(present, f1(counts), np.nan), axis=-1))


def weighted_f1(counts: Table) -> Values:
    """Mean F1 weighted by the number of utterances of each class.

    >>> float(weighted_f1(np.array([[1, 1], [0, 0]])).round(4))
    0.6667
    """
    sizes = counts.sum(axis=-1)
    return np.asarray(np.nansum(f1(counts) * sizes, axis=-1) / sizes.sum(axis=-1))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Values:
    """Part over whole; NaN where the whole is 0."""
    shares = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.divide(part, whole, out=shares, where=whole > 0)
