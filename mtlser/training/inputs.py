"""What a training is of: the run's data and choices, the cell, its pair of weights, its fold."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlser.data import folds, manifest
from mtlser.errors import MtlserError
from mtlser.evaluation import measurable
from mtlser.evaluation.choices import Choice, SearchResult
from mtlser.recipe import Recipe, TrainRecipe
from mtlser.records import Cell, Fold, FoldPlan, Utterance


@dataclass(frozen=True)
class Inputs:
    """What every cell of a run shares."""

    corpus: Path
    utterances: Sequence[Utterance]
    plan: FoldPlan
    chosen: SearchResult | None = None
    chosen_folder: Path | None = None

    def of(self, ids: Sequence[str]) -> list[Utterance]:
        """The utterances with these ids, in that order."""
        return manifest.members(self.utterances, ids)

    def check(self, recipe: Recipe) -> None:
        """Returns if the folds are those of this corpus and the recipe can choose on them.

        Raises:
            MtlserError: see `folds.check` and `measurable.check`.
        """
        folds.check(self.plan, self.utterances)
        measurable.check(recipe, self.plan, self.utterances)

    def choice(self, fold: int) -> tuple[Choice, Path]:
        """What the search chose for a fold, and the folder that its checkpoint is below."""
        assert self.chosen is not None
        assert self.chosen_folder is not None
        for choice in self.chosen.choices:
            if choice.fold == fold:
                return choice, self.chosen_folder
        raise MtlserError(
            f"{self.chosen_folder}: nothing was chosen for fold {fold}; run `mtlser search` on "
            "these folds"
        )


@dataclass(frozen=True)
class Training:
    """One network to be trained: what on, with which pair, for how long."""

    cell: Cell
    alpha: float
    beta: float
    fold: Fold
    epochs: int | None = None
    """`None`: early stopping on validation; else all epochs, without validation."""


def _deciding(train: TrainRecipe) -> dict[str, Any]:
    """What of `[train]` decides a result; `bucket_s` as it was before there was `auto`."""
    left_out = {"alpha", "beta", "checkpoint_s", "seeds", "compile"}
    kept = train.model_dump(exclude=left_out)
    return kept | ({"bucket_s": 60.0} if train.bucket_s == "auto" else {})


def cell_key(training: Training, inputs: Inputs, recipe: Recipe) -> str:
    """Name of a training: a hash over all that decides its result, and over its recipe.

    Recipes that differ in the pairs that are searched share it; others that would train alike
    share nothing.
    """
    fold = training.fold
    decides = {
        "recipe": recipe.training_hash,
        "cell": training.cell.text,
        "pair": [training.alpha, training.beta],
        "epochs": training.epochs,
        "manifest": inputs.plan.manifest_digest,
        "fold": [fold.train, fold.validation, fold.speaker_check],
        "model": recipe.model.model_dump(),
        "train": _deciding(recipe.train),
        "metric": recipe.search.metric,
    }
    text = json.dumps(decides, sort_keys=True)
    return (
        f"{training.cell.text.replace(':', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    )
