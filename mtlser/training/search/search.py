"""The alpha-beta search: Optuna over trainings of each fold, chosen on validation alone."""

import logging
import os
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from shutil import copyfile
from statistics import fmean
from typing import TYPE_CHECKING

from mtlser import runtime, tracking
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import Choice, Reached, SearchResult, SearchRow
from mtlser.recipe import Recipe
from mtlser.records import Cell, CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import features, logs, network
from mtlser.training.inputs import Inputs, Training, cell_key
from mtlser.training.search import journal, study
from mtlser.training.search.study import alphas, betas, grid, suggest

if TYPE_CHECKING:
    import optuna

JOURNAL = "study.journal"
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


def search(
    inputs: Inputs, recipe: Recipe, folder: Path, work: WorkFolder, parent: Run
) -> SearchResult:
    """What was chosen for each fold, and every row behind it; chosen cells go to `folder`.

    `scope = "fold"` chooses each fold's pair on that fold's own validation (nested).
    `scope = "global"` takes the pair with the best mean over folds, as the paper does: fold i's
    validation speaker is fold j's test speaker, so its test scores are optimistic.
    """
    inputs.check(recipe)
    if not recipe.search.alphas and not recipe.search.betas:
        return passed_through(inputs, recipe)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise MtlserError(
            "the search trains folds side by side by itself (`search.jobs`) and was started by "
            "torchrun; start it without"
        )
    prepare(inputs, recipe, work, parent)
    rows: list[SearchRow] = []
    for rows_of_fold in run_folds(inputs, recipe, work, parent):
        rows += rows_of_fold
    log_pairs(rows, parent)
    best = [choose(rows, fold.index, recipe) for fold in inputs.plan.folds]
    choices = [store(row, inputs, recipe, folder, work, parent) for row in best]
    copyfile(study.journal(recipe, work), folder / JOURNAL)
    return SearchResult(
        scope=recipe.search.scope,
        metric=recipe.search.metric,
        seed=recipe.seed,
        choices=tuple(choices),
        reached=tuple(
            Reached(fold=row.fold, seed=recipe.seed, epoch=row.epoch, score=row.score)
            for row in best
        ),
        rows=tuple(rows),
    )


def passed_through(inputs: Inputs, recipe: Recipe) -> SearchResult:
    """The recipe's own pair for every fold; `train` finds the epoch."""
    return SearchResult(
        scope=recipe.search.scope,
        metric=recipe.search.metric,
        seed=recipe.seed,
        choices=tuple(
            Choice(
                fold=fold.index,
                alpha=recipe.train.alpha,
                beta=recipe.train.beta,
                run=None,
            )
            for fold in inputs.plan.folds
        ),
        rows=(),
    )


def prepare(inputs: Inputs, recipe: Recipe, work: WorkFolder, parent: Run) -> None:
    """Makes what workers share before they start: the feature cache and the pairs' runs."""
    from mtlser.models import bundle
    from mtlser.models.mtl import CUT_OF

    untrained = bundle.build(recipe.model, 1, 1)
    cut = CUT_OF[recipe.model.trainable]
    features.reader(untrained, cut, inputs.corpus, inputs.utterances, work.folder)
    if recipe.search.sampler == "grid":
        for alpha, beta in grid(recipe):
            logs.pair_run(parent, alpha, beta)


def run_folds(
    inputs: Inputs, recipe: Recipe, work: WorkFolder, parent: Run
) -> Iterator[list[SearchRow]]:
    """Yields the rows of each fold, in fold order; `search.jobs` folds train side by side."""
    jobs = min(recipe.search.jobs, len(inputs.plan.folds))
    cores = os.cpu_count() or 1
    tasks = [
        FoldSearch(fold.index, inputs, recipe, work, parent.token(), max(1, cores // jobs))
        for fold in inputs.plan.folds
    ]
    if jobs == 1:
        yield from map(search_fold, tasks)
        return
    context, shown = get_context("spawn"), runtime.shows_log()
    with ProcessPoolExecutor(jobs, context, runtime.start_worker, (shown,)) as pool:
        yield from pool.map(search_fold, tasks)


def search_fold(task: FoldSearch) -> list[SearchRow]:
    """Every training of one fold, in a study of its own; one done before is not repeated."""
    import optuna
    import torch

    torch.set_num_threads(task.threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parent = tracking.from_token(task.parent)
    first = training_of(
        task.fold, (alphas(task.recipe)[0], betas(task.recipe)[0]), task.inputs, task.recipe
    )
    # Named as its trainings are, by all that decides them.
    name = cell_key(first, task.inputs, task.recipe)
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
    return SearchRow.model_validate(
        {
            "fold": task.fold,
            "alpha": pair[0],
            "beta": pair[1],
            "epoch": result.epoch,
            "score": result.score,
            **result.validation,
        }
    )


def training_of(fold: int, pair: tuple[float, float], inputs: Inputs, recipe: Recipe) -> Training:
    """The training of one pair on one fold."""
    cell = Cell(system="mtlser", fold=fold, seed=recipe.seed)
    return Training(cell, pair[0], pair[1], inputs.plan.folds[fold])


def choose(rows: Sequence[SearchRow], fold: int, recipe: Recipe) -> SearchRow:
    """The row that a fold's test is scored with; the smaller pair on a tie."""
    mine = [row for row in rows if row.fold == fold]
    if recipe.search.scope == "fold":
        return max(mine, key=lambda row: (row.score, -row.alpha, -row.beta))

    def mean(row: SearchRow) -> float:
        return fmean(r.score for r in rows if (r.alpha, r.beta) == (row.alpha, row.beta))

    return max(mine, key=lambda row: (mean(row), -row.alpha, -row.beta))


def store(
    row: SearchRow, inputs: Inputs, recipe: Recipe, folder: Path, work: WorkFolder, parent: Run
) -> Choice:
    """The choice of a fold, whose trained cell is then in the search's folder, too."""
    training = training_of(row.fold, (row.alpha, row.beta), inputs, recipe)
    trained = network.train_network(training, inputs, recipe, work, parent)  # done: its folder
    name = f"cells/fold-{row.fold}"
    network.copy_cell(trained, folder / name, sealed=True)
    return Choice(fold=row.fold, alpha=row.alpha, beta=row.beta, run=name)


def log_pairs(rows: Sequence[SearchRow], parent: Run) -> None:
    """Logs each pair's validation means over folds, so that MLflow's charts can compare pairs."""
    for alpha, beta in sorted({(row.alpha, row.beta) for row in rows}):
        run = logs.pair_run(parent, alpha, beta)
        mine = [row for row in rows if (row.alpha, row.beta) == (alpha, beta)]
        means = {
            f"validation_{name}_mean": fmean(values)
            for name in ("loss", "wa", "ua", "f1", "wer", "speaker_accuracy")
            if (values := [v for row in mine if (v := getattr(row, name)) is not None])
        }
        run.metrics(means)
        run.close()


def describe(row: SearchRow, metric: str) -> str:
    """One line of what a training reached on validation."""
    return (
        f"fold {row.fold}  alpha {row.alpha:<4g} beta {row.beta:<4g} best epoch {row.epoch:>2}  "
        f"validation WA {100 * row.wa:5.1f} %  UA {100 * row.ua:5.1f} %  chosen by {metric}"
    )
