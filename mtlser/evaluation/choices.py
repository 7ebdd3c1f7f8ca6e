"""What the search chose for each fold, what its trainings reached, and every row behind it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from mtlser.records import Rate, Record
from mtlser.records.paths import PathBelow


class Choice(Record):
    """The pair of one fold: chosen on validation alone, or the recipe's own."""

    fold: int
    alpha: float
    beta: float
    run: PathBelow | None
    """Folder of the trained cell below the search's folder; `None`: `train` has to train it."""


class Reached(Record):
    """What the training of a fold with its chosen pair reached on validation."""

    fold: int
    seed: int | None = None
    """Of the training; `None` in choices of an older version, whose trainings had one seed."""
    epoch: int
    """The best epoch, counted from 1."""
    score: float
    """The recipe's selection metric, higher is better."""


class SearchRow(Record):
    """One (fold, alpha, beta) training of the search; validation scores only."""

    fold: int
    alpha: float
    beta: float
    epoch: int
    epochs: int | None = None
    """That it was trained for at most; `None` in choices of an older version: the recipe's."""
    score: float
    """Selection score, higher is better: the metric, 1 - WER, -loss, or the mean of `joint`."""
    loss: float | None
    """Emotion cross-entropy, nats."""
    wa: Rate
    ua: Rate
    f1: Rate
    wer: float | None
    speaker_accuracy: float | None


class ValidationSize(Record):
    """What the figures on one fold's validation are of."""

    fold: int
    classes: tuple[int, ...]
    """Utterances of each class."""
    words: int
    """Of all transcripts."""
    speaker_check: int
    """Utterances that speaker accuracy is of."""


REACHED = ("epoch", "score")
"""Fields of a choice in format 1 of `chosen.json`."""


class SearchResult(Record):
    """`chosen.json`: one choice per fold, and every row that led to it."""

    format: Literal[2] = 2
    scope: Literal["fold", "global"]
    metric: str
    seed: int | None = None
    """Of the search's trainings; `None` in choices of an older version."""
    choices: tuple[Choice, ...]
    reached: tuple[Reached, ...] = ()
    """Of the folds that are trained; the report's `chosen.json` has all of them."""
    rows: tuple[SearchRow, ...]
    stopped: str = ""
    """What a budget left out; empty: nothing."""
    choose: Literal["best", "one_se"] = "best"
    """The rule: the best score, or the smallest weights within one standard error of it."""
    sizes: tuple[ValidationSize, ...] = ()
    """That the standard errors are over; empty in choices of an older version."""

    @model_validator(mode="before")
    @classmethod
    def _migrate(cls, content: Any) -> Any:
        """Reads format 1, whose choices held epoch and score, or `null` for each."""
        if not isinstance(content, Mapping) or "format" in content:
            return content
        choices = content.get("choices", ())
        earlier = [each for each in choices if isinstance(each, Mapping) and "epoch" in each]
        if not earlier:
            return content
        reached = [
            {key: each[key] for key in ("fold", "epoch", "score")}
            for each in earlier
            if each["epoch"] is not None
        ]
        bare = [{k: v for k, v in each.items() if k not in REACHED} for each in earlier]
        return {**content, "format": 2, "choices": bare, "reached": reached}

    def reached_by(self, fold: int) -> tuple[Reached, ...]:
        """What the fold's trainings reached, one for each seed; empty where it is not trained."""
        return tuple(each for each in self.reached if each.fold == fold)
