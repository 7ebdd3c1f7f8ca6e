"""Everything that is measured (`scores.json`): all numbers of a report, frozen, without torch."""

from collections.abc import Iterable, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from mtlser.evaluation.fact_records import CostRow, NoiseFacts
from mtlser.evaluation.literature import LiteratureRow
from mtlser.evaluation.number_records import ROUNDING, Numbers, SeedNumbers, Spread
from mtlser.evaluation.significance.bootstrap import Interval
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.verification.claim_records import Claim, Scoring
from mtlser.evaluation.verification.sharing import Shared
from mtlser.records import CLEAN, Protocol, Rate, Record, Split

MAIN_SYSTEM = "mtlser"
"""The system that `summary.json` and the verdict are about."""


class FoldScores(Record):
    """One fold's numbers."""

    fold: int
    name: str
    """What the fold holds out."""
    numbers: Numbers
    seeds: tuple[SeedNumbers, ...] = ()
    """Of each seed; empty where there is one seed."""

    def of_seed(self, seed: int) -> Numbers:
        """The numbers of one seed's training; `KeyError` where there are several, not this one."""
        if not self.seeds:
            return self.numbers
        return {each.seed: each.numbers for each in self.seeds}[seed]


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
    seed_spreads: dict[str, Spread] = Field(default_factory=dict)
    """Over seeds, by metric, of the mean over folds; empty where there is one seed."""

    @model_validator(mode="after")
    def _means(self) -> Self:
        """Each spread is that of its own metric, over the folds or over the seeds."""
        for metric, spread in self.spreads.items():
            self._check("folds", metric, spread, self.values(metric))
        for metric, spread in self.seed_spreads.items():
            self._check("seeds", metric, spread, list(self.seed_means(metric).values()))
        return self

    def _check(self, over: str, metric: str, spread: Spread, values: list[float]) -> None:
        if len(values) != spread.n or abs(sum(values) / len(values) - spread.mean) > ROUNDING:
            raise ValueError(
                f"{metric} over {over} is {spread.mean:.6f}, but the scores of the {over} do not "
                "have that mean; score the predictions again with `mtlser report`"
            )

    def values(self, metric: str) -> list[float]:
        """The metric of each fold that has it, in fold order; of several seeds, their mean."""
        return _known(getattr(fold.numbers, metric) for fold in self.folds)

    def seed_means(self, metric: str) -> dict[int, float]:
        """The mean over folds of each seed that has the metric; empty where there is one seed."""
        return means_of_seeds(self.folds, metric)


def means_of_seeds(folds: Sequence[FoldScores], metric: str) -> dict[int, float]:
    """The mean over folds of each seed that has the metric; empty where there is one seed."""
    seeds = [each.seed for each in folds[0].seeds] if folds else []
    values = {seed: _known(getattr(fold.of_seed(seed), metric) for fold in folds) for seed in seeds}
    return {seed: sum(rates) / len(rates) for seed, rates in values.items() if rates}


def _known(values: Iterable[float | None]) -> list[float]:
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
    seed_spread: Spread | None = None
    """Over seeds, of the mean over folds; `None` where there is one seed."""


class SystemScores(Record):
    """All of one system; `test` and `validation` never mix."""

    system: str
    seeds: tuple[int, ...] = ()
    """Of its trainings; empty in scores of an older version, whose only seed is `Scores.seed`."""
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


GroupKind = Literal["speaker", "gender", "corpus"]
UNKNOWN = "unknown"
"""Group of the utterances whose speaker or gender nobody knows."""


class GroupScores(Record):
    """The main system on the clean test utterances of one speaker, gender or corpus."""

    kind: GroupKind
    name: str
    """The speaker or corpus, or `F`, `M` or `unknown`."""
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
    """The recipe's, where a training has it, else the lowest."""
    seeds: tuple[int, ...] = ()
    """Of all trainings; empty in scores of an older version, whose only seed is `seed`."""
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
    """Speakers, genders, then joined corpora, each from the lowest UA to the highest; without a
    manifest there are speakers alone, and in scores of an older version no group."""
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

    @property
    def speakers_unknown(self) -> bool:
        """Whether no test speaker is known."""
        return {group.name for group in self.groups_of("speaker")} == {UNKNOWN}

    @property
    def sharing_uncertain(self) -> bool:
        """Whether test and training may share speakers, but none that they share is known."""
        tested = [each for each in self.sharing if each.pair == "train-test"]
        if not any(each.unknown for each in tested):
            return self.speakers_unknown
        return not any(each.speakers for each in tested)

    def of(self, system: str) -> SystemScores:
        """One system's scores; `KeyError` where it was not measured."""
        for scores in self.systems:
            if scores.system == system:
                return scores
        raise KeyError(system)
