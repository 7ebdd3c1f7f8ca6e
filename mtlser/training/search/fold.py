"""The search of one fold: Optuna over its trainings, each done once."""

import logging
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlser import runtime, tracking
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import SearchRow
from mtlser.recipe import Recipe
from mtlser.records import Cell, CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import network
from mtlser.training.inputs import Inputs, Training, cell_key
from mtlser.training.search import grid as grids
from mtlser.training.search import journal, study
from mtlser.training.search.study import alphas, betas, grid, suggest

if TYPE_CHECKING:
    import optuna

DEFAULT_TRIALS = 20
"""Trials of a fold by the `tpe` sampler where the recipe names no number."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoldSearch:
    """The search of one fold, as a worker process gets it."""

    fold: int
    inputs: Inputs
    recipe: Recipe
    work: WorkFolder
    parent: str
    """Token of the MLflow parent run."""
    threads: int


def search_fold(task: FoldSearch) -> list[SearchRow]:
    """Every training of one fold, in a study of its own; one done before is not repeated."""
    import optuna
    import torch

    torch.set_num_threads(task.threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parent = tracking.from_token(task.parent)
    # Named as its trainings are, by all that decides them.
    name = cell_key(first_of(task), task.inputs, task.recipe)
    with study.opened(name, task.fold, task.recipe, task.work) as opened:
        rows = _searched(opened, task, parent)
    return [rows[pair] for pair in sorted(rows)]


def _searched(
    opened: "optuna.Study", task: FoldSearch, parent: Run
) -> dict[tuple[float, float], SearchRow]:
    import optuna

    rows: dict[tuple[float, float], SearchRow] = {}

    def objective(trial: "optuna.Trial") -> float:
        pair = suggest(trial, task.recipe)
        row = train_pair(task, pair, parent)
        rows[pair] = row
        trial.set_user_attr("row", row.model_dump_json())
        log.info("%s", describe(row, task.recipe.search.metric))
        return row.score

    complete = [optuna.trial.TrialState.COMPLETE]
    for trial in opened.get_trials(states=complete):
        row = SearchRow.model_validate_json(trial.user_attrs["row"])
        rows[row.alpha, row.beta] = row
    if grids.separable(task.recipe) and any(pair not in rows for pair in grid(task.recipe)):
        return rows | _trained_together(opened, task, rows)
    if task.recipe.search.sampler == "tpe":
        for alpha, beta in lost_trials(task, rows):  # a grid asks for what it lacks anyway
            opened.enqueue_trial({"alpha": alpha, "beta": beta})
            opened.optimize(objective, n_trials=1)
        trials = task.recipe.search.trials or DEFAULT_TRIALS
        opened.optimize(objective, n_trials=max(0, trials - len(rows)))
    elif not rows:
        opened.optimize(objective)
    # GridSampler counts an interrupted trial as visited: what it left is asked for by name.
    opened.sampler = optuna.samplers.RandomSampler(seed=task.recipe.seed)
    for alpha, beta in grid(task.recipe) if task.recipe.search.sampler == "grid" else ():
        if (alpha, beta) not in rows:
            opened.enqueue_trial({"alpha": alpha, "beta": beta})
            opened.optimize(objective, n_trials=1)
    return rows


def _trained_together(
    opened: "optuna.Study", task: FoldSearch, known: Collection[tuple[float, float]]
) -> dict[tuple[float, float], SearchRow]:
    """The rows of all pairs from one training, and a finished trial in the study for each new."""
    import optuna

    started = time.perf_counter()
    categories: dict[str, optuna.distributions.BaseDistribution] = {
        "alpha": optuna.distributions.CategoricalDistribution(alphas(task.recipe)),
        "beta": optuna.distributions.CategoricalDistribution(betas(task.recipe)),
    }
    rows = {}
    together = grids.Grid(first_of(task), task.inputs, task.recipe, task.work)
    for alpha, beta, result, validation in together.results():
        row = row_of(task.fold, (alpha, beta), result.epoch, result.score, validation)
        rows[alpha, beta] = row
        if (alpha, beta) not in known:
            trial = optuna.trial.create_trial(
                params={"alpha": alpha, "beta": beta},
                distributions=categories,
                value=row.score,
                user_attrs={"row": row.model_dump_json()},
            )
            opened.add_trial(trial)
    log.info(
        "%s  (%d pairs as one training, %s)",
        describe(rows[min(rows)], task.recipe.search.metric),  # the one that a tie gives
        len(rows),
        runtime.clock_time(time.perf_counter() - started),
    )
    return rows


def first_of(task: FoldSearch) -> Training:
    """The training of the fold with the first of the values."""
    pair = alphas(task.recipe)[0], betas(task.recipe)[0]
    return training_of(task.fold, pair, task.inputs, task.recipe)


def lost_trials(
    task: FoldSearch, rows: Collection[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Pairs that are trained and that a damaged journal no longer knows, in order."""
    if not journal.dropped(study.journal(task.recipe, task.work)):
        return []
    pairs = set()
    for path in task.work.folder.glob("cells/*/result.json"):
        with suppress(MtlserError):  # one that is damaged is trained again when its turn comes
            result = read_json(path, CellResult)
            if result.alpha is None or result.beta is None:
                continue
            training = training_of(task.fold, (result.alpha, result.beta), task.inputs, task.recipe)
            if cell_key(training, task.inputs, task.recipe) == path.parent.name:
                pairs.add((result.alpha, result.beta))
    return sorted(pairs - set(rows))


def train_pair(task: FoldSearch, pair: tuple[float, float], parent: Run) -> SearchRow:
    """What one training reached on validation."""
    folder = network.train_network(
        training_of(task.fold, pair, task.inputs, task.recipe),
        task.inputs,
        task.recipe,
        task.work,
        parent,
    )
    result = read_json(folder / "result.json", CellResult)
    return row_of(task.fold, pair, result.epoch, result.score, result.validation)


def row_of(
    fold: int,
    pair: tuple[float, float],
    epoch: int | None,
    score: float | None,
    validation: Mapping[str, float | None],
) -> SearchRow:
    """The row of one training."""
    given = {"fold": fold, "alpha": pair[0], "beta": pair[1], "epoch": epoch, "score": score}
    return SearchRow.model_validate({**given, **validation})


def training_of(fold: int, pair: tuple[float, float], inputs: Inputs, recipe: Recipe) -> Training:
    """The training of one pair on one fold."""
    cell = Cell(system="mtlser", fold=fold, seed=recipe.seed)
    return Training(cell, pair[0], pair[1], inputs.plan.folds[fold])


def describe(row: SearchRow, metric: str) -> str:
    """One line of what a training reached on validation."""
    return (
        f"fold {row.fold}  alpha {row.alpha:<4g} beta {row.beta:<4g} best epoch {row.epoch:>2}  "
        f"validation WA {100 * row.wa:5.1f} %  UA {100 * row.ua:5.1f} %  chosen by {metric}"
    )
