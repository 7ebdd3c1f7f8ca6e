"""The alpha-beta search: Optuna over trainings of each fold, chosen on validation alone."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import copyfile
from statistics import fmean

from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import Choice, Reached, SearchResult, SearchRow
from mtlser.recipe import Recipe
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import features, logs, network
from mtlser.training.inputs import Inputs
from mtlser.training.search import grid as grids
from mtlser.training.search import study
from mtlser.training.search.fold import FoldSearch, search_fold, training_of
from mtlser.training.search.study import grid

JOURNAL = "study.journal"


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
    if grids.separable(recipe):
        trained = grids.Grid(training, inputs, recipe, work).cell(training, parent)
    else:
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
