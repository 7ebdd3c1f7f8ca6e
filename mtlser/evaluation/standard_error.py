"""The standard error of a validation score, and the pair that the one-standard-error rule takes.

Of all pairs whose score is within one standard error of the best, the rule takes the simplest
(Breiman, Friedman, Olshen and Stone 1984, Classification and Regression Trees, section 3.4.3;
Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.10). Simplest
is here what has the smallest weights of the other tasks: the model is the nearest to emotion alone.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import stdev

from mtlser.evaluation.choices import SearchRow, ValidationSize

Pair = tuple[float, float]
"""Alpha, beta."""


def of_best(rows: Sequence[SearchRow], metric: str, sizes: Sequence[ValidationSize]) -> float:
    """The standard error of a pair's score.

    Of the mean over folds, where there are several: `SD / sqrt(folds)`. Of a single fold's score:
    over its utterances. 0 where none is known.

    Args:
        rows: of the pair, one a fold.
        metric: that chooses.
        sizes: of the folds' validation.
    """
    if len(rows) > 1:
        return stdev(row.score for row in rows) / sqrt(len(rows))
    size = next((size for size in sizes if size.fold == rows[0].fold), None)
    return 0.0 if size is None else over_utterances(rows[0], metric, size)


def over_utterances(row: SearchRow, metric: str, size: ValidationSize) -> float:
    """The standard error of one fold's score over its validation utterances; 0 for `loss`.

    Binomial: for WA `sqrt(p (1 - p) / n)`, for WER the same over words, for UA and macro F1 that of
    a mean of C recalls that are all alike, `sqrt(p (1 - p) sum(1 / n_c)) / C`. `joint` is a mean of
    figures that are taken for independent.

    >>> row = SearchRow(fold=0, alpha=0, beta=0, epoch=1, score=0.8, loss=1.0, wa=0.8, ua=0.5,
    ...     f1=0.5, wer=None, speaker_accuracy=None)
    >>> size = ValidationSize(fold=0, classes=(50, 50), words=0, speaker_check=0)
    >>> over_utterances(row, "wa", size), over_utterances(row, "ua", size)
    (0.04, 0.05)
    """
    counts = [count for count in size.classes if count]
    classes = sum(1 / count for count in counts) / len(counts) ** 2
    variances = {
        "wa": _binomial(row.wa, 1 / sum(counts)),
        "ua": _binomial(row.ua, classes),
        "f1": _binomial(row.f1, classes),
        "wer": _binomial(row.wer, 1 / max(1, size.words)),
        "speaker": _binomial(row.speaker_accuracy, 1 / max(1, size.speaker_check)),
    }
    if metric == "joint":
        parts = [variances[n] for n in ("ua", "wer", "speaker") if variances[n] is not None]
        return sqrt(sum(part or 0.0 for part in parts)) / len(parts)
    return sqrt(variances.get(metric) or 0.0)


def _binomial(rate: float | None, share: float) -> float | None:
    """The variance of a rate; a WER above 1 counts as 1."""
    return None if rate is None else min(1.0, rate) * (1 - min(1.0, rate)) * share


def smallest_within(means: Mapping[Pair, float], error: float) -> Pair:
    """The pair with the smallest sum of weights within an error of the best, then smallest alpha.

    >>> smallest_within({(0.0, 1.0): 0.6, (0.1, 0.5): 0.69, (0.5, 0.5): 0.7}, 0.02)
    (0.1, 0.5)
    """
    best = max(means.values())
    return min(
        (pair for pair, mean in means.items() if mean >= best - error),
        key=lambda pair: (sum(pair), pair),
    )
