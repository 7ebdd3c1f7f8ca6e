"""The records of one set of utterances: all its metrics, and their spread over folds."""

import math
from typing import Self

import numpy as np
from pydantic import model_validator

from mtlser.evaluation import counts
from mtlser.records import Rate, Record

ROUNDING = 1e-9
"""Rates computed twice differ by no more than this."""

SPREAD_METRICS = (
    *("wa", "ua", "macro_f1", "weighted_f1", "wer", "wer_normalised", "cer"),
    *("calibration_error", "brier", "log_loss"),
)


class Spread(Record):
    """Mean and standard deviation (ddof = 1) of one metric over folds."""

    mean: float
    sd: float | None
    """`None` where there is one fold only."""
    n: int
    """Folds that have a value."""
    low: float | None = None
    """95 % t interval of the mean, folds taken as independent; `None` where there is no SD."""
    high: float | None = None


class Numbers(Record):
    """All metrics of one set of utterances; rates 0-1, error rates 0 or more.

    Of a system with trainings of several seeds each metric is the mean over seeds, and the
    confusion counts are the sums.
    """

    utterances: int
    wa: Rate
    """Weighted accuracy: plain accuracy."""
    ua: Rate
    """Unweighted accuracy: mean recall over the classes that are present."""
    macro_f1: Rate
    """Mean F1 over the classes that are present."""
    weighted_f1: Rate
    recall: dict[str, float]
    """Recall of each class that is present."""
    wer: float | None
    """Of the texts as they are; `None` where the system does not transcribe or nothing has a
    transcript."""
    cer: float | None
    wer_normalised: float | None = None
    """WER of the normalised texts (`transcripts.normalised`); `None` also in older scores."""
    without_transcript: int
    """Utterances without a reference transcript, which have no part in `wer` and `cer`."""
    calibration_error: Rate
    """Expected calibration error of the most probable class (`metrics.BINS` bins)."""
    brier: float | None = None
    """Mean squared error of the probabilities over all classes, 0-2; `None` in scores of an older
    version."""
    log_loss: float | None = None
    """Mean negative log of the true class's probability, nats; `None` as `brier`."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts [true][predicted] in the order of `Scores.classes`."""

    @model_validator(mode="after")
    def _not_swapped(self) -> Self:
        """WA and UA are those of the confusion counts: a swap is refused, wherever it happened."""
        table = np.asarray(self.confusion)
        for name, of in (("wa", counts.weighted_accuracy), ("ua", counts.unweighted_accuracy)):
            measured, stated = float(of(table)), float(getattr(self, name))
            if abs(stated - measured) > ROUNDING:
                raise ValueError(
                    f"{name} = {stated:.6f}, but its confusion counts give {measured:.6f}; are WA "
                    "and UA swapped? Score the predictions again with `mtlser report`"
                )
        return self

    @property
    def confusion_rates(self) -> tuple[tuple[float, ...] | None, ...]:
        """Share of each true class predicted as each class; `None` for a class without utterance.

        Rows are in the order of `Scores.classes` and sum to 1; the diagonal holds the recalls.
        """
        rows = counts.rates(np.asarray(self.confusion)).tolist()
        return tuple(None if math.isnan(row[0]) else tuple(row) for row in rows)


class SeedNumbers(Record):
    """The numbers of one seed's training."""

    seed: int
    numbers: Numbers
