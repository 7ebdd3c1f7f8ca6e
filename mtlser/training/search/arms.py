"""A study: a few recipes that differ in what it varies, each trained on every fold.

Its trainings are those of a search with one list each, so that they are shared by workers, resumed,
and never done twice in one work folder.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import fmean

from mtlser import recipe as recipes
from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.study_records import Kind, StudyTraining
from mtlser.recipe import Recipe, SearchRecipe
from mtlser.records import CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import kept
from mtlser.training.checkpoint import Row
from mtlser.training.inputs import Inputs
from mtlser.training.search import grid as grids
from mtlser.training.search import search, store, strategies
from mtlser.training.search.cells import SearchCell, training_of
from mtlser.training.search.search import Workers
from mtlser.training.search.worker import SearchTask, journal_of, listed

ABLATED = (0.0, 0.05, 0.1, 0.5, 1.0)
"""Weights of one task while the other's is 0 (paper, figures 7-10)."""
FEWEST_SEEDS = 3
FEWEST_PAIRS = 4


@dataclass(frozen=True)
class Arm:
    """One of the recipes that a study compares."""

    name: str
    recipe: Recipe


def arms(
    kind: Kind, recipe: Recipe, seeds: int = FEWEST_SEEDS, encoders: Sequence[str] = ()
) -> list[Arm]:
    """What a study trains.

    Args:
        kind: which study.
        recipe: that it varies.
        seeds: how many, of `seeds`: the recipe's and those that follow.
        encoders: folders or names, of `encoders`.

    Raises:
        MtlserError: there is nothing to compare, or an encoder does not fit the recipe.
    """
    own = (recipe.train.alpha,), (recipe.train.beta,)
    if kind == "ablation":
        return [
            Arm("beta = 0", _on_pairs(recipe, ABLATED, (0.0,))),
            Arm("alpha = 0", _on_pairs(recipe, (0.0,), ABLATED)),
        ]
    if kind == "grid":
        counts = len(recipe.search.alphas or own[0]) * len(recipe.search.betas or own[1])
        if counts < FEWEST_PAIRS or recipe.search.sampler != "grid":
            raise MtlserError(
                f"a study of the grid with search.sampler = {recipe.search.sampler!r} and {counts} "
                f"pairs; allowed are sampler = 'grid' and {FEWEST_PAIRS} pairs or more, such as "
                "`--set search.alphas=[0.0,0.1,0.5] --set search.betas=[0.0,0.5,1.0]`"
            )
        return [Arm("grid", recipe)]
    if kind == "seeds":
        if seeds < FEWEST_SEEDS:
            raise MtlserError(f"--seeds {seeds}: expected {FEWEST_SEEDS} or more")
        return [
            Arm(f"seed {seed}", _on_pairs(recipe, *own, seed=seed))
            for seed in range(recipe.seed, recipe.seed + seeds)
        ]
    if len(encoders) < 2:
        raise MtlserError(
            f"{len(encoders)} encoders: expected two or more folders or names, for example "
            "`--encoder models/wav2vec2-base --encoder models/hubert-base`"
        )
    return [Arm(name, _with_encoder(recipe, place)) for name, place in _named(encoders)]


def _on_pairs(
    recipe: Recipe, alphas: Sequence[float], betas: Sequence[float], seed: int | None = None
) -> Recipe:
    """The recipe with these pairs, all of them."""
    search = SearchRecipe(
        metric=recipe.search.metric,
        jobs=recipe.search.jobs,
        alphas=tuple(alphas),
        betas=tuple(betas),
    )
    seeded = recipe.seed if seed is None else seed
    return recipe.model_copy(update={"search": search, "seed": seeded})


def _with_encoder(recipe: Recipe, encoder: str) -> Recipe:
    """The recipe with its own pair on another encoder, checked as a recipe is when it is read."""
    own = _on_pairs(recipe, (recipe.train.alpha,), (recipe.train.beta,))
    model = recipe.model.model_copy(update={"revision": None})
    given = recipes.dumps(own.model_copy(update={"model": model}))
    return recipes.load(given, (recipes.override("model.encoder", encoder),))


def _named(encoders: Sequence[str]) -> list[tuple[str, str]]:
    """Each encoder with a name: the last part of its place, or all of it where two share that."""
    short = [PurePosixPath(place).name or place for place in encoders]
    names = short if len(set(short)) == len(short) else list(encoders)
    if len(set(names)) < len(names):
        raise MtlserError(f"encoders {', '.join(encoders)}: one is there twice; name each once")
    return list(zip(names, encoders, strict=True))


def trained(
    arm: Arm, inputs: Inputs, work: WorkFolder, parent: Run, workers: Workers
) -> list[StudyTraining]:
    """All trainings of an arm, by fold and pair, with their figures by epoch."""
    task = search.begun(inputs, arm.recipe, work, parent, workers)
    assert task is not None
    rows = search.run(task, workers.count or arm.recipe.search.jobs)
    search.log_pairs(rows, parent)
    found = []
    for row in rows:
        curve = _curve(task, SearchCell(row.fold, row.alpha, row.beta, row.epochs or 0))
        found.append(StudyTraining(arm=arm.name, seed=arm.recipe.seed, row=row, epochs=curve))
    return found


def searched(
    arm: Arm, inputs: Inputs, folder: Path, work: WorkFolder, parent: Run, workers: Workers
) -> tuple[SearchResult, list[StudyTraining]]:
    """What the search of a grid chose, and its trainings; chosen cells go to `folder`."""
    result = search.search(inputs, arm.recipe, folder, work, parent, workers)
    seed = arm.recipe.seed
    return result, [StudyTraining(arm=arm.name, seed=seed, row=row) for row in result.rows]


def _curve(task: SearchTask, cell: SearchCell) -> tuple[Row, ...]:
    """The figures of each epoch of a training that has ended."""
    training = training_of(cell.fold, cell.pair, task.inputs, task.recipe)
    if grids.separable(task.recipe):
        return grids.Grid(training, task.inputs, task.recipe, task.work).history(training)
    folder = kept.finished(training, task.inputs, task.recipe, task.work)
    return () if folder is None else kept.history(folder)


def estimate(of: Sequence[Arm], inputs: Inputs, work: WorkFolder, workers: Workers) -> str:
    """What a study is going to take, in one sentence.

    Raises:
        MtlserError: an arm's recipe cannot choose on these folds, or the store is away.
    """
    durations = {each.id: each.duration_s for each in inputs.utterances}
    folds = {fold.index: sum(durations[name] for name in fold.train) for fold in inputs.plan.folds}
    every = sum(strategies.most(arm.recipe, list(folds)) for arm in of)
    left = [cell for arm in of for cell in _left(arm, inputs, work, workers)]
    epochs = sum(cell.epochs for cell in left)
    audio_h = sum(cell.epochs * folds[cell.fold] for cell in left) / 3600
    said = f"{every} trainings, {len(left)} of them to do: at most {epochs} epochs, "
    said += f"{audio_h:.1f} h of audio through the network"
    pace_s = _pace_s(work)
    if left and pace_s is not None:
        side_by_side = workers.count or of[0].recipe.search.jobs
        took = runtime.clock_time(epochs * pace_s / side_by_side)
        said += f", about {took} at the pace of those that are in the work folder"
    return said


def _left(arm: Arm, inputs: Inputs, work: WorkFolder, workers: Workers) -> list[SearchCell]:
    """Trainings of an arm that are to be done; of pairs that are trained as one a single one."""
    inputs.check(arm.recipe)
    task = SearchTask(inputs, arm.recipe, work, "", workers.store)
    folds = [fold.index for fold in inputs.plan.folds]
    with closing(store.opened(task.store, journal_of(task))) as opened:
        left = strategies.wanted(arm.recipe, folds, listed(task, opened).rows())
    return list({c.fold: c for c in left}.values()) if grids.separable(arm.recipe) else left


def _pace_s(work: WorkFolder) -> float | None:
    """Seconds of an epoch, in the mean over trainings of a work folder; `None` without any."""
    results = [read_json(path, CellResult) for path in work.folder.glob("cells/*/result.json")]
    paces = [each.seconds / each.epochs_run for each in results if each.epochs_run]
    return fmean(paces) if paces else None
