"""The alpha-beta search: a list of trainings, worked off side by side, chosen on validation alone.

Workers are processes of this machine, and whoever else is given the same database.
"""

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from shutil import copyfile
from statistics import fmean

from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import Choice, Reached, SearchResult, SearchRow
from mtlser.recipe import Recipe
from mtlser.records import CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import features, kept, logs, network
from mtlser.training.inputs import Inputs
from mtlser.training.search import grid as grids
from mtlser.training.search import journal, store, strategies
from mtlser.training.search.cells import SearchCell, grid, row_of, training_of
from mtlser.training.search.choice import budget, choose, furthest, sizes
from mtlser.training.search.worker import (
    SearchTask,
    journal_of,
    listed,
    reached,
    shed,
    study_of,
    work_off,
)

JOURNAL = "study.journal"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workers:
    """Who works on a search."""

    count: int = 0
    """Processes of this machine; 0: `search.jobs` of the recipe."""
    store: str = ""
    """Address of the database in which others find the list; empty: a journal, for these alone."""
    first: int = 0
    """Place of the fold that the first of them begins with."""


ALONE = Workers()


def search(
    inputs: Inputs,
    recipe: Recipe,
    folder: Path,
    work: WorkFolder,
    parent: Run,
    workers: Workers = ALONE,
) -> SearchResult:
    """What was chosen for each fold, and every row behind it; chosen cells go to `folder`.

    `scope = "fold"` chooses each fold's pair on that fold's own validation (nested).
    `scope = "global"` takes the pair with the best mean over folds, as the paper does: fold i's
    validation speaker is fold j's test speaker, so its test scores are optimistic.
    """
    task = begun(inputs, recipe, work, parent, workers)
    if task is None:
        return passed_through(inputs, recipe)
    if recipe.search.sampler != "tpe":
        for alpha, beta in grid(recipe):
            logs.pair_run(parent, alpha, beta)
    trained = run(task, workers.count or recipe.search.jobs)
    stopped, rows = stopped_by(task, trained), furthest(trained)
    log_pairs(rows, parent)
    measured = sizes(inputs)
    best = [choose(rows, fold.index, recipe, measured) for fold in inputs.plan.folds]
    choices = [keep(row, inputs, recipe, folder, work, parent) for row in best]
    best_kept = {row.fold: restated(row, folder) for row in best}
    rows = [best_kept[row.fold] if row in best else row for row in rows]
    write_journal(task, folder / JOURNAL)
    shed(task, [row for row in rows if row not in best_kept.values()])
    return SearchResult(
        scope=recipe.search.scope,
        metric=recipe.search.metric,
        seed=recipe.seed,
        choices=tuple(choices),
        reached=tuple(
            Reached(fold=row.fold, seed=recipe.seed, epoch=row.epoch, score=row.score)
            for row in best_kept.values()
        ),
        rows=tuple(rows),
        stopped=stopped,
        choose=recipe.search.choose,
        sizes=measured if recipe.search.choose == "one_se" else (),
    )


def help_out(
    inputs: Inputs, recipe: Recipe, work: WorkFolder, parent: Run, workers: Workers
) -> list[SearchRow]:
    """Works on a search whose list others share, and leaves the choice to them; the rows so far."""
    task = begun(inputs, recipe, work, parent, workers)
    if task is None:
        return []
    return run(replace(task, stays=False), workers.count or recipe.search.jobs)


def begun(
    inputs: Inputs, recipe: Recipe, work: WorkFolder, parent: Run, workers: Workers
) -> SearchTask | None:
    """The search, with what its workers share; `None` where the recipe has nothing to search.

    Raises:
        MtlserError: the recipe cannot choose on these folds, or the store is away; nothing has been
            computed then.
    """
    inputs.check(recipe)
    if not searches(recipe):
        return None
    strategies.check(recipe, [fold.index for fold in inputs.plan.folds])
    minutes = recipe.search.minutes
    until = None if minutes is None else time.time() + 60 * minutes
    task = SearchTask(inputs, recipe, work, parent.token(), workers.store, workers.first)
    task = replace(task, until=until)
    with closing(store.opened(task.store, journal_of(task))) as opened:
        task = replace(task, forgiven=listed(task, opened).failed())
    prepare(inputs, recipe, work)
    return task


def searches(recipe: Recipe) -> bool:
    """Whether there is anything to search.

    Raises:
        MtlserError: there is, and this process is one of several of one training.
    """
    if not recipe.search.alphas and not recipe.search.betas:
        return False
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise MtlserError(
            "the search trains side by side by itself (`search.jobs`) and was started by "
            "torchrun; start it without"
        )
    return True


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


def prepare(inputs: Inputs, recipe: Recipe, work: WorkFolder) -> None:
    """Makes the feature cache, which workers share, before they start."""
    from mtlser.models import bundle
    from mtlser.models.mtl import cut_of
    from mtlser.training import processes

    untrained = bundle.build(recipe.model, 1, 1).to(processes.current().device)
    cut = cut_of(recipe.model.trainable, untrained.encoder, recipe.train.padding)
    features.reader(untrained, cut, inputs.corpus, inputs.utterances, work.folder)


def run(task: SearchTask, workers: int) -> list[SearchRow]:
    """All rows of a search, after so many processes of this machine have worked on it.

    Args:
        task: the search.
        workers: each begins with a fold of its own, as far as there are folds.

    Raises:
        MtlserError: a training always fails.
    """
    if workers == 1:
        return work_off(task)
    folds, cores = len(task.inputs.plan.folds), os.cpu_count() or 1
    threads = max(1, cores // workers)
    tasks = [
        replace(task, first=task.first + place * folds // workers, threads=threads)
        for place in range(workers)
    ]
    context, shown = get_context("spawn"), runtime.shows_log()
    with ProcessPoolExecutor(workers, context, runtime.start_worker, (shown,)) as pool:
        futures = [pool.submit(work_off, each) for each in tasks]
    outcome(futures, task)
    with closing(store.opened(task.store, journal_of(task))) as opened:
        return reached(task, listed(task, opened))  # one may have ended after another had looked


def outcome(futures: Sequence[Future[list[SearchRow]]], task: SearchTask) -> list[SearchRow]:
    """The rows that the workers left; the error of one that the others have not made good."""
    errors = [error for each in futures if (error := each.exception()) is not None]
    ended = [each.result() for each in futures if each.exception() is None]
    told = [error for error in errors if isinstance(error, MtlserError)]
    if errors and not (ended and task.stays):
        raise (told or errors)[0]
    for error in errors:
        log.warning("a worker ended by %s; the others did its part", type(error).__name__)
    return ended[-1]


def stopped_by(task: SearchTask, trained: Sequence[SearchRow]) -> str:
    """What a budget left out, in one sentence, which is logged; empty where it left out nothing."""
    limits = budget(task.recipe)
    folds = [fold.index for fold in task.inputs.plan.folds]
    rows = {SearchCell(row.fold, row.alpha, row.beta, row.epochs or 0): row for row in trained}
    if not limits or not strategies.wanted(strategies.unlimited(task.recipe), folds, rows):
        return ""
    everything = strategies.most(task.recipe, folds)
    said = f"{limits}: {len(rows)} of at most {everything} trainings were done"
    log.info("%s; a larger budget, or the same command again, goes on", said)
    return said


def keep(
    row: SearchRow, inputs: Inputs, recipe: Recipe, folder: Path, work: WorkFolder, parent: Run
) -> Choice:
    """The choice of a fold, whose trained cell is then in the search's folder, too."""
    training = training_of(row.fold, (row.alpha, row.beta), inputs, recipe)
    if grids.separable(recipe):
        trained = grids.Grid(training, inputs, recipe, work).cell(training, parent)
    else:
        trained = network.train_network(training, inputs, recipe, work, parent)  # done: its folder
    name = f"cells/fold-{row.fold}"
    kept.copy_cell(trained, folder / name, recipe, sealed=True)
    return Choice(fold=row.fold, alpha=row.alpha, beta=row.beta, run=name)


def restated(row: SearchRow, folder: Path) -> SearchRow:
    """The row of a chosen training as it was kept: it may have been trained again elsewhere."""
    result = read_json(folder / f"cells/fold-{row.fold}" / "result.json", CellResult)
    assert row.epochs is not None
    cell = SearchCell(row.fold, row.alpha, row.beta, row.epochs)
    found = row_of(cell, result.epoch, result.score, result.validation)
    if found != row:
        log.warning(
            "fold %d alpha %g beta %g was trained again, to %.4f; the list said %.4f",
            row.fold, row.alpha, row.beta, found.score, row.score,
        )  # fmt: skip
    return found


def write_journal(task: SearchTask, path: Path) -> None:
    """Writes the search's studies as a journal, which Optuna's dashboard opens."""
    if not task.store:
        copyfile(journal_of(task), path)
        return
    import optuna

    target = journal.storage(path)
    with closing(store.opened(task.store, path)) as source:
        for fold in task.inputs.plan.folds:
            name = study_of(task, fold.index)
            optuna.copy_study(from_study_name=name, from_storage=source.storage, to_storage=target)


def log_pairs(rows: Sequence[SearchRow], parent: Run) -> None:
    """Logs each pair's validation means over folds, so that MLflow's charts can compare pairs."""
    for alpha, beta in sorted({(row.alpha, row.beta) for row in rows}):
        run = logs.pair_run(parent, alpha, beta)
        mine = [row for row in rows if (row.alpha, row.beta) == (alpha, beta)]
        longest = max(row.epochs or 0 for row in mine)
        mine = [row for row in mine if (row.epochs or 0) == longest]
        means = {
            f"validation_{name}_mean": fmean(values)
            for name in ("loss", "wa", "ua", "f1", "wer", "speaker_accuracy")
            if (values := [v for row in mine if (v := getattr(row, name)) is not None])
        }
        run.metrics(means)
        run.close()
