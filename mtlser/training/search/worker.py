"""A worker of a search: takes trainings from the list, one after the other, until none is left."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mtlser import runtime, tracking
from mtlser.evaluation.choices import SearchRow
from mtlser.recipe import Recipe
from mtlser.records import CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import kept, network
from mtlser.training.checkpoint import Row
from mtlser.training.inputs import Inputs, cell_key
from mtlser.training.search import grid as grids
from mtlser.training.search import store, strategies
from mtlser.training.search.cells import (
    Rows,
    SearchCell,
    describe,
    row_of,
    training_of,
)
from mtlser.training.search.choice import choose
from mtlser.training.search.work_list import WorkList

POLL_S = 1.0
"""Between two looks at a list on which others have taken all that is left."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchTask:
    """A search, as a worker process gets it."""

    inputs: Inputs
    recipe: Recipe
    work: WorkFolder
    parent: str
    """Token of the MLflow parent run."""
    store: str = ""
    """Address of the database that holds the list; empty: a journal in the work folder."""
    first: int = 0
    """Place of the fold that this worker begins with."""
    threads: int = 0
    """Of torch; 0: as it is."""
    until: float | None = None
    """By `time.time`: after it no training is begun; `None`: there is no such time."""
    forgiven: frozenset[int] = frozenset()
    """Trials that had failed when the search began, and so do not count."""
    stays: bool = True
    """Whether it waits for what others have taken, to take it over where they die."""


def work_off(task: SearchTask) -> list[SearchRow]:
    """Does what is left of the search, and gives all its rows, by fold and pair.

    Raises:
        MtlserError: a training always fails; all others of its fold are done before.
    """
    import torch

    if task.threads:
        torch.set_num_threads(task.threads)
    parent = tracking.from_token(task.parent)
    folds = [fold.index for fold in task.inputs.plan.folds]
    with closing(store.opened(task.store, journal_of(task))) as opened:
        cells = listed(task, opened)
        while lacking := strategies.wanted(task.recipe, folds, cells.rows()):
            if not in_time(task):
                break
            cells.give_up_dead()
            parted = _parted(task, lacking)
            if task.until is not None:  # no fold is to be without a training at the end
                ended = Counter(cell.fold for cell in cells.rows())
                parted.sort(key=lambda each: ended[each[0].fold])
            if any(_take_all(task, cells, fold, parent) for fold in parted):
                continue
            if not task.stays and not strategies.rounds(task.recipe):
                break
            time.sleep(POLL_S)
        return reached(task, cells)


def in_time(task: SearchTask) -> bool:
    """Whether a training may begin."""
    return task.until is None or time.time() < task.until


def reached(task: SearchTask, cells: WorkList) -> list[SearchRow]:
    """The rows of the search so far, by fold and pair."""
    folds, found = [fold.index for fold in task.inputs.plan.folds], cells.rows()
    own = set(strategies.asked(task.recipe, folds, found)) & found.keys()
    return [found[cell] for cell in sorted(own)]


def listed(task: SearchTask, opened: store.Store) -> WorkList:
    """The list of the search, as it is in a store."""
    folds = [fold.index for fold in task.inputs.plan.folds]
    return WorkList(opened, {fold: study_of(task, fold) for fold in folds}, task.forgiven)


def _parted(task: SearchTask, cells: list[SearchCell]) -> list[list[SearchCell]]:
    """What is put on the list, by fold, this worker's first one first.

    Of pairs that are trained as one it is one of each fold.
    """
    by_fold: dict[int, list[SearchCell]] = {}
    for cell in cells:
        by_fold.setdefault(cell.fold, []).append(cell)
    first = task.first % len(task.inputs.plan.folds)
    folds = sorted(by_fold, key=lambda fold: (fold < first, fold))
    most = 1 if grids.separable(task.recipe) else None
    return [by_fold[fold][:most] for fold in folds]


def _take_all(task: SearchTask, cells: WorkList, wanted: list[SearchCell], parent: Run) -> int:
    """Takes and trains those of a fold until all are taken, or one where time counts; how many."""
    count, own, together = 0, set(wanted), grids.separable(task.recipe)
    cells.add(wanted)
    most = len(wanted) if task.until is None else 1
    while count < most and (claim := cells.take(wanted[0].fold, own)):
        with cells.working(claim):
            if together:
                rows = train_together(task, claim.cell)
                row, curve = rows[claim.cell], dict[int, float]()
                cells.record(rows)
            else:
                row, curve = train(task, claim.cell, parent)
                log.info("%s", describe(row, task.recipe.search.metric))
            cells.finish(claim, row, curve)
        if not together and beaten_is_known(task.recipe):
            shed_beaten(task, row, cells.rows([row.fold]))
        count += 1
    return count


def train(task: SearchTask, cell: SearchCell, parent: Run) -> tuple[SearchRow, dict[int, float]]:
    """What one training reached on validation, and the score of each epoch."""
    training = training_of(cell.fold, cell.pair, task.inputs, task.recipe)
    given = (training, task.inputs, task.recipe, task.work, parent)
    if cell.epochs < task.recipe.train.epochs:
        outcome = network.advance(*given, cell.epochs)
        figures = kept.validation_of(outcome.rows[outcome.best_epoch - 1])
        row = row_of(cell, outcome.best_epoch, outcome.score, figures)
        return row, curve_of(outcome.rows)
    folder = kept.finished(*given[:-1]) or network.train_network(*given)
    result = read_json(folder / "result.json", CellResult)
    row = row_of(cell, result.epoch, result.score, result.validation)
    return row, curve_of(kept.history(folder))


def beaten_is_known(recipe: Recipe) -> bool:
    """Whether a training that another one has beaten will not be chosen."""
    return recipe.search.scope == "fold" and recipe.search.choose == "best"


def shed_beaten(task: SearchTask, row: SearchRow, rows: Rows) -> None:
    """Removes the weights of a training that ended, or of the best before it, whichever is worse.

    Args:
        task: a search that chooses in each fold.
        row: of the training.
        rows: of its fold, of other searches too.
    """
    own = set(strategies.asked(task.recipe, [row.fold], rows))
    whole = task.recipe.train.epochs
    ended = [other for cell, other in rows.items() if cell.epochs == whole and cell in own]
    before = [other for other in ended if other != row]
    if row.epochs != whole or not before:
        return
    best = choose(ended, row.fold, task.recipe)
    shed(task, [row if best != row else choose(before, row.fold, task.recipe)])


def shed(task: SearchTask, rows: Iterable[SearchRow]) -> None:
    """Removes the weights of trainings that are not chosen."""
    for row in rows:
        training = training_of(row.fold, (row.alpha, row.beta), task.inputs, task.recipe)
        kept.shed(training, task.inputs, task.recipe, task.work)


def curve_of(rows: "tuple[Row, ...]") -> dict[int, float]:
    """The selection score of each epoch, counted from 1."""
    scores = enumerate((row.get("score") for row in rows), 1)
    return {epoch: score for epoch, score in scores if score is not None}


def train_together(task: SearchTask, any_cell: SearchCell) -> dict[SearchCell, SearchRow]:
    """The rows of all pairs of a cell's fold, from one training."""
    started = time.perf_counter()
    training = training_of(any_cell.fold, any_cell.pair, task.inputs, task.recipe)
    together = grids.Grid(training, task.inputs, task.recipe, task.work)
    rows = {}
    for alpha, beta, result, validation in together.results():
        cell = SearchCell(any_cell.fold, alpha, beta, any_cell.epochs)
        rows[cell] = row_of(cell, result.epoch, result.score, validation)
    log.info(
        "%s  (%d pairs as one training, %s)",
        describe(rows[min(rows)], task.recipe.search.metric),  # the one that a tie gives
        len(rows),
        runtime.clock_time(time.perf_counter() - started),
    )
    return rows


def journal_of(task: SearchTask) -> Path:
    """The journal of the recipe, and of those with other grids, in a folder that others share."""
    return task.work.folder / f"study-{task.recipe.training_hash}.journal"


def study_of(task: SearchTask, fold: int) -> str:
    """Name of the study of a fold, after all that decides its trainings."""
    any_pair = training_of(fold, (0.0, 0.0), task.inputs, task.recipe)
    return f"{task.recipe.name} {cell_key(any_pair, task.inputs, task.recipe)}"
