"""Trainings of several seeds as one result: the mean of each fold over its seeds."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from mtlser.evaluation.number_records import SPREAD_METRICS, Numbers


def mean(of_seeds: Sequence[Numbers]) -> Numbers:
    """The mean of each metric over seeds that predict the same utterances.

    Confusion counts are summed, so WA and UA are those of the counts: each seed has the same
    number of utterances of every class.

    Args:
        of_seeds: one or more; a metric is absent in all of them or in none.
    """
    first = of_seeds[0]
    if len(of_seeds) == 1:
        return first
    means = {
        metric: fmean(getattr(each, metric) for each in of_seeds)
        for metric in SPREAD_METRICS
        if getattr(first, metric) is not None
    }
    recall = {name: fmean(each.recall[name] for each in of_seeds) for name in first.recall}
    table = np.sum([each.confusion for each in of_seeds], axis=0).tolist()
    return Numbers(**{**dict(first), **means, "recall": recall, "confusion": table})
