"""Percentile bootstrap over speakers: how far WA and UA move when other speakers are met.

Utterances of one speaker are alike, so whole speakers are drawn, with replacement, and every
utterance of a drawn speaker comes along (cluster bootstrap; Davison & Hinkley 1997, section 3.8,
doi 10.1017/CBO9780511802843). The systems are taken as trained: what another training would give
is not in these intervals. With ten speakers they are somewhat too narrow.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.evaluation import counts
from mtlser.evaluation.significance.statistics import LEVEL
from mtlser.records import Record

RESAMPLES = 10_000
BLOCK = 500
"""Resamples that are drawn at a time; they are the same whatever it is."""

Counts = NDArray[np.int64]
"""Confusion counts by speaker, (speaker, true class, predicted class)."""

METRICS: dict[str, Callable[[Counts], NDArray[np.float64]]] = {
    "wa": counts.weighted_accuracy,
    "ua": counts.unweighted_accuracy,
}


class Interval(Record):
    """95 % percentile interval of a rate, or of a difference of rates, over drawn speakers."""

    estimate: float
    """On the speakers as they are."""
    low: float
    high: float
    speakers: int
    resamples: int
    seed: int


def over_speakers(counts_scc: Counts, metric: Literal["wa", "ua"], seed: int) -> Interval:
    """Interval of one system's pooled WA or UA.

    The same seed draws the same speakers, whatever the metric.

    Args:
        counts_scc: confusion counts by speaker, (speaker, true class, predicted class).
        metric: `wa` or `ua`; UA is over the classes that a draw holds.
        seed: of the draws.

    >>> from numpy import array
    >>> one, other = [[8, 2], [0, 10]], [[4, 6], [0, 10]]
    >>> interval = over_speakers(array([one, other]), "wa", seed=0)
    >>> interval.low, interval.estimate, interval.high
    (0.7, 0.8, 0.9)

    Raises:
        MtlserError: fewer than two speakers.
    """
    values_b = METRICS[metric](_resampled(counts_scc, seed))
    return _interval(float(METRICS[metric](counts_scc.sum(axis=0))), values_b, counts_scc, seed)


def difference_over_speakers(
    a_scc: Counts, b_scc: Counts, metric: Literal["wa", "ua"], seed: int
) -> Interval:
    """Interval of system a's pooled WA or UA minus system b's on the same drawn speakers.

    Args:
        a_scc: confusion counts by speaker, (speaker, true class, predicted class).
        b_scc: as `a_scc`, of the other system, for the same speakers in the same order.
        metric: `wa` or `ua`.
        seed: of the draws.

    Raises:
        MtlserError: fewer than two speakers, or the two were not measured on the same speakers.
    """
    if a_scc.shape != b_scc.shape or (a_scc.sum(axis=2) != b_scc.sum(axis=2)).any():
        raise MtlserError(
            "the two systems were not measured on the same utterances of the same speakers; "
            "predict one's test set again with `mtlser train`"
        )
    of = METRICS[metric]
    values_b = of(_resampled(a_scc, seed)) - of(_resampled(b_scc, seed))
    estimate = float(of(a_scc.sum(axis=0)) - of(b_scc.sum(axis=0)))
    return _interval(estimate, values_b, a_scc, seed)


def _resampled(counts_scc: Counts, seed: int) -> Counts:
    """Confusion counts of each resample; drawn in blocks, since speakers may be thousands."""
    drawn = (
        np.tensordot(draws_bs, counts_scc, axes=1) for draws_bs in _draws(len(counts_scc), seed)
    )
    return np.concatenate(list(drawn))


def _draws(speakers: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yields how often each resample draws each speaker, (resample, speaker), block by block."""
    if speakers < 2:
        raise MtlserError(
            f"{speakers} test speaker; a bootstrap over speakers needs two or more; run more folds"
        )
    rng = generator(seed, "bootstrap", str(speakers))
    for start in range(0, RESAMPLES, BLOCK):
        count = min(BLOCK, RESAMPLES - start)
        yield rng.multinomial(speakers, [1 / speakers] * speakers, size=count)


def _interval(estimate: float, values_b: NDArray[np.float64], of: Counts, seed: int) -> Interval:
    low, high = np.quantile(values_b, [LEVEL / 2, 1 - LEVEL / 2])
    return Interval(
        estimate=estimate,
        low=float(low),
        high=float(high),
        speakers=len(of),
        resamples=len(values_b),
        seed=seed,
    )
