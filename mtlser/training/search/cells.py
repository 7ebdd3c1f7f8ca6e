"""What a search trains: a pair of weights on a fold, for so many epochs, and what that reached."""

from collections.abc import Mapping
from dataclasses import dataclass

from mtlser.evaluation.choices import SearchRow
from mtlser.recipe import Recipe
from mtlser.records import Cell
from mtlser.training.inputs import Inputs, Training

Pair = tuple[float, float]
"""Alpha, beta."""


@dataclass(frozen=True, order=True)
class SearchCell:
    """One training of a search."""

    fold: int
    alpha: float
    beta: float
    epochs: int
    """At most; fewer than the recipe's where a strategy looks at many pairs for a short while."""

    @property
    def pair(self) -> Pair:
        """Its weights."""
        return self.alpha, self.beta


Rows = Mapping[SearchCell, SearchRow]
"""The trainings of a search that have ended, and what they reached."""


def grid(recipe: Recipe) -> list[Pair]:
    """Every pair of the recipe's grid."""
    return [(alpha, beta) for alpha in alphas(recipe) for beta in betas(recipe)]


def alphas(recipe: Recipe) -> tuple[float, ...]:
    """Alphas to be tried; the recipe's own where no grid is given."""
    return recipe.search.alphas or (recipe.train.alpha,)


def betas(recipe: Recipe) -> tuple[float, ...]:
    """Betas to be tried; the recipe's own where no grid is given."""
    return recipe.search.betas or (recipe.train.beta,)


def training_of(fold: int, pair: Pair, inputs: Inputs, recipe: Recipe) -> Training:
    """The training of one pair on one fold."""
    cell = Cell(system="mtlser", fold=fold, seed=recipe.seed)
    return Training(cell, pair[0], pair[1], inputs.plan.folds[fold])


def row_of(
    cell: SearchCell,
    epoch: int | None,
    score: float | None,
    validation: Mapping[str, float | None],
) -> SearchRow:
    """The row of one training.

    Args:
        cell: what was trained.
        epoch: its best, counted from 1.
        score: the selection score there.
        validation: the figures on validation there.
    """
    given = {"fold": cell.fold, "alpha": cell.alpha, "beta": cell.beta, "epoch": epoch}
    return SearchRow.model_validate({**given, "score": score, "epochs": cell.epochs, **validation})


def describe(row: SearchRow, metric: str) -> str:
    """One line of what a training reached on validation."""
    return (
        f"fold {row.fold}  alpha {row.alpha:<4g} beta {row.beta:<4g} best epoch {row.epoch:>2}  "
        f"validation WA {100 * row.wa:5.1f} %  UA {100 * row.ua:5.1f} %  chosen by {metric}"
    )
