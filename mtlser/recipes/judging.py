"""The sections of a recipe that judge a result and change none: drift and registry."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from mtlser.recipes import names
from mtlser.recipes.sections import Positive, Section

GateMetric = Literal["ua", "wa", "f1", "wer", "cer", "speaker_accuracy"]
ModelName = Annotated[str, AfterValidator(names.model)]


class DriftRecipe(Section):
    """How far new data may be from the champion's before retraining refuses it.

    Limits are sizes of effects, not p-values: at the size of a corpus any difference is
    significant, and a size means the same for 500 utterances and for 50,000.
    """

    max_schema_changes: NonNegativeInt = 0
    """Differences of corpus name, languages, classes, sampling, or which fields are filled."""
    max_class_psi: NonNegativeFloat = 0.25
    """Population stability index of the class shares: below 0.1 the same, over 0.25 a new mix."""
    max_duration_ks: float = Field(0.2, ge=0, le=1)
    """Kolmogorov-Smirnov distance of durations: the largest gap of the two distributions."""
    max_level_ks: float = Field(0.2, ge=0, le=1)
    """The same of levels in dBFS: another microphone or gain."""
    max_added_ks: float = Field(0.6, ge=0, le=1)
    """The larger of both distances for added utterances alone, which a large corpus would hide;
    loose, since one new speaker at another level is no fault."""
    min_added: PositiveInt = 30
    """Fewer added utterances than this are shown and not judged by `max_added_ks`."""
    max_lost_speakers: float = Field(0.1, ge=0, le=1)
    """Share of the champion's speakers that are gone."""
    max_lost_utterances: float = Field(0.05, ge=0, le=1)
    """Share of the champion's utterances that are gone."""
    max_changed_utterances: float = Field(0.2, ge=0, le=1)
    """Share of the utterances still there whose audio, emotion, speaker or text is another."""


class RegistryRecipe(Section):
    """Where the final model goes in MLflow, and what makes it champion."""

    name: ModelName = "mtlser"
    """The registered model's name."""
    rule: Literal["not_worse", "better"] = "not_worse"
    """What is asked of the challenger on the champion's own folds. `not_worse`: shown to
    lose less than `margin` on every metric, for models that should follow their data. `better`:
    Welch with Holm on the first metric, and worse on none, for recipes that should change."""
    metrics: tuple[GateMetric, ...] = Field(("ua",), min_length=1)
    """Of clean test over folds; `wer` and `cer` are better low, the others high."""
    margin: Positive = 0.02
    """Loss that does not matter, in the metric's own unit (0.02 is two points of a rate)."""
    level: float = Field(0.05, gt=0, lt=0.5)
    """Chance of promoting a challenger that is worse by just the margin, or no better."""

    @model_validator(mode="after")
    def _metrics_once(self) -> Self:
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError(f"one of {', '.join(self.metrics)} is there twice; name each once")
        return self
