"""Everything that is measured (`scores.json`): all numbers of a report, frozen, without torch."""

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from mtlser.evaluation import counts
from mtlser.evaluation.fact_records import CostRow, NoiseFacts
from mtlser.evaluation.literature import LiteratureRow
from mtlser.evaluation.significance.bootstrap import Interval
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.verification.claim_records import Claim, Scoring
from mtlser.evaluation.verification.sharing import Shared
from mtlser.records import CLEAN, Protocol, Rate, Record, Split

MAIN_SYSTEM = "mtlser"
"""The system that `summary.json` and the verdict are about."""

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
    """All metrics of one set of utterances; rates 0-1, error rates 0 or more."""

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


class FoldScores(Record):
    """One fold's numbers."""

    fold: int
    name: str
    """What the fold holds out."""
    numbers: Numbers


class ConditionScores(Record):
    """One system on one split under one condition."""

    split: Split
    condition: str
    folds: tuple[FoldScores, ...]
    spreads: dict[str, Spread]
    """Over folds, by metric; a metric that no fold has is absent."""
    recalls: dict[str, Spread] = Field(default_factory=dict)
    """Recall of each class over the folds that test it."""
    pooled: Numbers
    """All folds' utterances as one set."""
    styles: dict[str, Numbers]
    """Improvised and scripted apart, pooled over folds; empty where the corpus names no style."""
    style_spreads: dict[str, dict[str, Spread]] = Field(default_factory=dict)
    """The same over folds, by style and metric."""

    @model_validator(mode="after")
    def _means_of_folds(self) -> Self:
        """Each spread is that of its own metric over the folds."""
        for metric, spread in self.spreads.items():
            values = self.values(metric)
            if len(values) != spread.n or abs(sum(values) / len(values) - spread.mean) > ROUNDING:
                raise ValueError(
                    f"{metric} over folds is {spread.mean:.6f}, but the scores of the folds do not "
                    "have that mean; score the predictions again with `mtlser report`"
                )
        return self

    def values(self, metric: str) -> list[float]:
        """The metric of each fold that has it, in fold order."""
        values = [getattr(fold.numbers, metric) for fold in self.folds]
        return [float(value) for value in values if value is not None]


class SpeakerFold(Record):
    """Speaker accuracy of one fold on its held-out slice of training speakers."""

    fold: int
    name: str
    utterances: int
    accuracy: Rate


class SpeakerScores(Record):
    """Speaker accuracy on `speaker_check`; on test it would be 0 by construction."""

    folds: tuple[SpeakerFold, ...]
    spread: Spread
    pooled: Rate


class SystemScores(Record):
    """All of one system; `test` and `validation` never mix."""

    system: str
    test: tuple[ConditionScores, ...]
    """Clean first, then noisy conditions in the recipe's order."""
    validation: ConditionScores | None
    """What epoch, alpha and beta were chosen on: higher than test, and not a result."""
    speaker: SpeakerScores | None
    bootstrap: dict[str, Interval] = Field(default_factory=dict)
    """Pooled `wa` and `ua` of clean test over drawn speakers; empty for one test speaker."""

    @property
    def clean(self) -> ConditionScores:
        """Test as recorded."""
        return self.condition(CLEAN)

    def condition(self, name: str) -> ConditionScores:
        """Test under one condition; `KeyError` where it was not measured."""
        for scores in self.test:
            if scores.condition == name:
                return scores
        raise KeyError(name)


GroupKind = Literal["speaker", "gender"]


class GroupScores(Record):
    """The main system on the clean test utterances of one speaker or gender, all folds together."""

    kind: GroupKind
    name: str
    """The speaker, or `F`, `M` or `unknown`."""
    utterances: int
    wa: Rate
    ua: Rate
    """Mean recall over the classes that the group has utterances of."""
    wer: float | None
    """`None` where the system does not transcribe or the group has no transcript."""
    folds: tuple[str, ...]
    """Names of the folds that test the group."""


class Scores(Record):
    """Everything measured (`scores.json`)."""

    recipe_name: str
    recipe_hash: str
    corpus: str
    protocol: Protocol
    leaks: bool
    """True: test speakers are also in train, so the scores are too high."""
    manifest_digest: str
    folds_digest: str = ""
    """Of the whole plan; empty in scores of an older version."""
    seed: int
    classes: tuple[str, ...]
    fold_names: tuple[str, ...]
    utterances: int
    """Different utterances in the folds' test sets."""
    class_counts: dict[str, int]
    """Of those, by class."""
    without_transcript: int
    """Of those, without a reference transcript."""
    main: str
    systems: tuple[SystemScores, ...]
    """The main system first."""
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    """The limits of the scores, one sentence each."""
    literature: tuple[LiteratureRow, ...] = ()
    """Published rows, with the main system's folds against each; not measured here."""
    noise: NoiseFacts | None = None
    """How noisy conditions were made; `None` where that was not recorded."""
    cost: tuple[CostRow, ...] = ()
    """Systems whose cost was measured."""
    groups: tuple[GroupScores, ...] = ()
    """Speakers, then genders, each from the lowest UA to the highest; without a manifest there is
    no gender, and in scores of an older version no group."""
    claims: tuple[Claim, ...] = ()
    """What was verified when the report was written; empty in scores of an older version."""
    sharing: tuple[Shared, ...] = ()
    """What the sides of each fold share, counted; empty where the manifest was not at hand."""
    scorings: tuple[Scoring, ...] = ()
    """Systems whose test predictions on these folds were ever scored, this report's included, as
    far as manifest and MLflow tell; empty in scores of an older version."""

    def groups_of(self, kind: GroupKind) -> tuple[GroupScores, ...]:
        """The groups of one kind, from the lowest UA to the highest."""
        return tuple(group for group in self.groups if group.kind == kind)

    def of(self, system: str) -> SystemScores:
        """One system's scores; `KeyError` where it was not measured."""
        for scores in self.systems:
            if scores.system == system:
                return scores
        raise KeyError(system)
