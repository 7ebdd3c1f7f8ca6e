"""What TPE and halving find for a tenth of a grid's epochs: a part of `benchmarks/search.py`.

A grid of 36 pairs on three folds of the bundled synthetic speech is trained whole, with the
transformer of the bundled encoder tuned, on every fourth training utterance. Its curves are the
truth: what a strategy would have seen of a pair after some epochs is read from them, for a pair
between the grid's those of the next one.

    compute_share   epochs that the strategy trains, over those of the grid
    gap_in_se       how far the mean validation UA of the pair that it chooses is below that of the
                    grid's best, in standard errors of that best over folds; median of five seeds
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median, stdev

from mtlser import recipe as recipes
from mtlser import stages
from mtlser.evaluation.choices import SearchRow
from mtlser.recipe import Recipe
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import kept
from mtlser.training.inputs import Inputs
from mtlser.training.search import search, strategies
from mtlser.training.search.cells import Pair, SearchCell, grid, training_of
from mtlser.training.search.choice import choose
from mtlser.training.search.scales import Scale
from mtlser.training.search.worker import SearchTask

VALUES = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0]
EPOCHS, FOLDS, EVERY, SEEDS, SHARE = 27, 3, 4, 5, 0.1
SETTINGS = (
    f"search.alphas={VALUES}", f"search.betas={VALUES}", "search.metric=ua", "search.jobs=2",
    f"train.epochs={EPOCHS}", f"train.patience={EPOCHS}", "search.scale=log", "search.scope=global",
)  # fmt: skip
Curves = Mapping[tuple[int, Pair], list[float]]
"""Validation UA of each epoch, by fold and pair."""


def figures() -> dict[str, float]:
    """The figures of both strategies, and the number of the grid's trainings."""
    recipe = recipes.load("demo", SETTINGS)
    curves = trained(recipe)
    whole = EPOCHS * len(curves)
    found: dict[str, float] = {"budget_cells": len(curves)}
    means = {pair: fmean(max(curves[fold, pair]) for fold in range(FOLDS)) for pair in grid(recipe)}
    best = max(means, key=lambda pair: means[pair])
    error = stdev(max(curves[fold, best]) for fold in range(FOLDS)) / FOLDS**0.5
    for sampler in ("tpe", "halving"):
        gaps, shares = [], []
        for seed in range(SEEDS):
            given = (f"search.sampler={sampler}", f"search.trials={int(SHARE * len(means))}")
            searched = recipes.load("demo", (*SETTINGS, *given, f"seed={seed}"))
            pair, epochs = chosen(searched, curves)
            gaps.append((means[best] - means[pair]) / error)
            shares.append(epochs / whole)
        found[f"{sampler}_compute_share"] = round(median(shares), 4)
        found[f"{sampler}_gap_in_se"] = round(median(gaps), 2)
        found[f"{sampler}_gap_in_se_max"] = round(max(gaps), 2)
    found["best_ua"], found["worst_ua"] = round(means[best], 4), round(min(means.values()), 4)
    found["se_ua"] = round(error, 4)
    return found


def trained(recipe: Recipe) -> Curves:
    """The curves of the whole grid."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        corpus, folds = place / "corpus", place / "folds"
        if not Path(recipe.data.root).exists():
            stages.synth(recipe.data.root, 0)
        stages.ingest(recipe, str(corpus))
        stages.split(str(corpus), recipe, str(folds))
        plan = stages.load_folds(folds)
        few = [
            fold.model_copy(update={"train": fold.train[::EVERY]}) for fold in plan.folds[:FOLDS]
        ]
        cut = plan.model_copy(update={"folds": tuple(few)})
        inputs = Inputs(corpus, stages.load_manifest(corpus), cut)
        work = WorkFolder(place / "work")
        search.prepare(inputs, recipe, work)
        task = SearchTask(inputs, recipe, work, NullRun().token())
        search.run(task, recipe.search.jobs)
        return {
            (fold, pair): [
                float(row["score"] or 0.0)
                for row in kept.history(
                    work.folder
                    / kept.place_of(training_of(fold, pair, inputs, recipe), inputs, recipe)
                )
            ]
            for fold in range(FOLDS)
            for pair in grid(recipe)
        }


def chosen(recipe: Recipe, curves: Curves) -> tuple[Pair, int]:
    """The grid's pair that a strategy chooses, or the next to it, and the epochs that it trains."""
    rows: dict[SearchCell, SearchRow] = {}
    while cells := strategies.wanted(recipe, range(FOLDS), rows):
        for cell in cells:
            curve = curves[cell.fold, nearest(cell.pair)][: cell.epochs]
            rows[cell] = SearchRow(
                fold=cell.fold, alpha=cell.alpha, beta=cell.beta, epoch=curve.index(max(curve)) + 1,
                epochs=cell.epochs, score=max(curve), loss=None, wa=0.0, ua=max(curve), f1=0.0,
                wer=None, speaker_accuracy=None,
            )  # fmt: skip
    furthest: dict[tuple[int, Pair], int] = {}
    for cell in rows:  # one that goes on is not trained from its start
        place = cell.fold, cell.pair
        furthest[place] = max(furthest.get(place, 0), cell.epochs)
    best = choose(list(rows.values()), 0, recipe)
    return nearest((best.alpha, best.beta)), sum(furthest.values())


def nearest(pair: Pair) -> Pair:
    """The grid's pair that is next to this one on the scale."""
    scale = Scale(VALUES, "log")
    near = [min(VALUES, key=lambda v: abs(scale.place(v) - scale.place(each))) for each in pair]
    return near[0], near[1]
