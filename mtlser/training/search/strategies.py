"""Which trainings a search asks for, given what the others reached: grid, TPE, halving.

Each is a function of the recipe and of the rows so far alone, so that any number of workers, and a
search that goes on after a kill, want the same. A search by fold is one of its own in each fold:
nothing that one fold's validation says is seen by another's, whose test speaker it may be.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from statistics import fmean

from mtlser.data import rng
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.training.search.cells import Pair, Rows, SearchCell, alphas, betas, grid
from mtlser.training.search.optuna_internals import experimental
from mtlser.training.search.scales import Scale

DEFAULT_TRIALS = 20
"""Pairs that TPE draws where the recipe names no number."""
PRUNED_BELOW = 0.1
"""A pair is given up when a Wilcoxon test says at this level that it is worse than the best."""


def wanted(recipe: Recipe, folds: Sequence[int], rows: Rows) -> list[SearchCell]:
    """The trainings that are to be done next, in order; none: the search has ended.

    Args:
        recipe: the resolved recipe.
        folds: all folds of the plan.
        rows: what has ended, of other searches too.
    """
    return [cell for cell in asked(recipe, folds, rows) if cell not in rows]


def asked(recipe: Recipe, folds: Sequence[int], rows: Rows) -> list[SearchCell]:
    """The trainings that the search has asked for so far; arguments as of `wanted`."""
    strategy = STRATEGIES[recipe.search.sampler]
    limited = [
        islice(strategy(recipe, group, rows), recipe.search.trainings)
        for group in _groups(recipe, folds)
    ]
    return [cell for cells in limited for cell in cells]


def _groups(recipe: Recipe, folds: Sequence[int]) -> list[list[int]]:
    """Folds that search together."""
    return [[fold] for fold in folds] if recipe.search.scope == "fold" else [list(folds)]


def check(recipe: Recipe, folds: Sequence[int]) -> None:
    """Returns if the search can come to a choice.

    Raises:
        MtlserError: `search.trainings` is too few to choose by.
    """
    (group, *_), limit = _groups(recipe, folds), recipe.search.trainings
    if limit is not None and limit < len(group):
        raise MtlserError(
            f"search.trainings = {limit} with scope = 'global': a pair is trained on each of "
            f"{len(group)} folds; allowed are {len(group)} or more, or scope = 'fold'"
        )


def most(recipe: Recipe, folds: Sequence[int]) -> int:
    """How many trainings the search is at most, without a budget."""
    pairs = len(grid(recipe))
    if recipe.search.sampler == "tpe":
        pairs = recipe.search.trials or DEFAULT_TRIALS
    if recipe.search.sampler == "halving":
        pairs = sum(_sizes(pairs, recipe))
    return pairs * len(folds)


def rounds(recipe: Recipe) -> bool:
    """Whether what is wanted later depends on what was reached before."""
    return recipe.search.sampler != "grid"


def of_grid(recipe: Recipe, folds: Sequence[int], rows: Rows) -> Iterator[SearchCell]:
    """Every pair on every fold, to the end; in a drawn order where there is a budget.

    A part of a grid in order would have its smallest alphas alone.
    """
    search = recipe.search
    if search.trainings is None and search.minutes is None:
        yield from _on(folds, grid(recipe), recipe.train.epochs)
        return
    for pair in _drawn(recipe):
        yield from _on(folds, [pair], recipe.train.epochs)


def unlimited(recipe: Recipe) -> Recipe:
    """The recipe without a budget."""
    search = recipe.search.model_copy(update={"trainings": None, "minutes": None})
    return recipe.model_copy(update={"search": search})


def _drawn(recipe: Recipe) -> list[Pair]:
    """The pairs of the grid in an order that the recipe's seed draws."""
    pairs = grid(recipe)
    order = rng.generator(recipe.seed, "pairs").permutation(len(pairs))
    return [pairs[place] for place in order]


def of_halving(recipe: Recipe, folds: Sequence[int], rows: Rows) -> Iterator[SearchCell]:
    """All pairs for a few epochs, the best third of them for three times as many, and so on.

    Successive halving (Jamieson and Talwalkar, 2016), as in Hyperband's first bracket; a pair that
    stays goes on from its checkpoint. The last ones are trained to the end. With a budget it begins
    with so many pairs, drawn from the grid, that it comes to its end.
    """
    pairs, limit = grid(recipe), recipe.search.trainings
    if limit is not None:
        counts = range(len(pairs), 0, -1)
        fits = (n for n in counts if sum(_sizes(n, recipe)) * len(folds) <= limit)
        pairs = sorted(_drawn(recipe)[: next(fits, 1)])
    for budget in budgets(len(pairs), recipe.train.epochs, recipe.search.eta):
        cells = _on(folds, pairs, budget)
        yield from cells
        if any(cell not in rows for cell in cells):
            return
        reached = {
            pair: fmean(rows[cell].score for cell in _on(folds, [pair], budget)) for pair in pairs
        }
        ranked = sorted(pairs, key=lambda pair: (-reached[pair], pair))
        pairs = sorted(ranked[: max(1, len(pairs) // recipe.search.eta)])


def _sizes(pairs: int, recipe: Recipe) -> list[int]:
    """Pairs in each round of halving."""
    sizes = [pairs]
    for _round in budgets(pairs, recipe.train.epochs, recipe.search.eta)[1:]:
        sizes.append(max(1, sizes[-1] // recipe.search.eta))
    return sizes


def budgets(pairs: int, epochs: int, eta: int) -> list[int]:
    """Epochs of each round of halving, the recipe's own in the last.

    >>> budgets(36, 30, 3)
    [1, 3, 10, 30]
    >>> budgets(4, 30, 3)
    [10, 30]
    """
    rungs = 0
    while eta ** (rungs + 1) <= min(pairs, epochs):
        rungs += 1
    return [max(1, round(epochs / eta**left)) for left in range(rungs, -1, -1)]


def of_tpe(recipe: Recipe, folds: Sequence[int], rows: Rows) -> Iterator[SearchCell]:
    """The pair that Optuna's TPE draws after those that have ended, on one fold after the other.

    The first is the recipe's own. All draws are repeated from the start, each from its own seed, so
    that a search that was broken off draws what it would have drawn.
    """
    import optuna

    scales = {name: Scale(values, recipe.search.scale) for name, values in _axes(recipe).items()}
    study = optuna.create_study(direction="maximize")
    best: tuple[float, ...] = ()
    for number in range(recipe.search.trials or DEFAULT_TRIALS):
        seed = rng.torch_seed(recipe.seed, "tpe", f"{folds[0]}:{number}") % 2**32
        study.sampler = optuna.samplers.TPESampler(seed=seed)
        if number == 0:
            own = (recipe.train.alpha, recipe.train.beta)
            places = zip(scales, own, strict=True)
            study.enqueue_trial({name: scales[name].place(value) for name, value in places})
        trial = study.ask()
        alpha, beta = (
            scale.value(trial.suggest_float(name, 0.0, 1.0)) for name, scale in scales.items()
        )
        scores: list[float] = []
        for cell in _on(folds, [(alpha, beta)], recipe.train.epochs):
            yield cell
            if cell not in rows:
                return
            scores.append(rows[cell].score)
            trial.report(scores[-1], cell.fold)
            if len(folds) > 1 and best and _is_worse(tuple(scores), best):
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, fmean(scores))
            if not best or fmean(scores) > fmean(best):
                best = tuple(scores)


@lru_cache(maxsize=10_000)
def _is_worse(scores: tuple[float, ...], best: tuple[float, ...]) -> bool:
    """What Optuna's Wilcoxon pruner says of a pair.

    It is asked the same again whenever draws are repeated, and takes tens of milliseconds.

    Args:
        scores: of the pair, on the first folds.
        best: of the best pair so far, on all.
    """
    import optuna

    with experimental():
        pruner = optuna.pruners.WilcoxonPruner(p_threshold=PRUNED_BELOW)
    study = optuna.create_study(direction="maximize")
    made = optuna.trial.create_trial
    study.add_trial(made(value=fmean(best), intermediate_values=dict(enumerate(best))))
    running = optuna.trial.TrialState.RUNNING
    return pruner.prune(study, made(state=running, intermediate_values=dict(enumerate(scores))))


STRATEGIES: Mapping[str, Callable[[Recipe, Sequence[int], Rows], Iterator[SearchCell]]] = {
    "grid": of_grid, "tpe": of_tpe, "halving": of_halving,
}  # fmt: skip


def _axes(recipe: Recipe) -> dict[str, tuple[float, ...]]:
    return {"alpha": alphas(recipe), "beta": betas(recipe)}


def _on(folds: Sequence[int], pairs: Sequence[Pair], epochs: int) -> list[SearchCell]:
    """Each pair on each fold, the trainings of one fold together."""
    return [SearchCell(fold, *pair, epochs) for fold in folds for pair in pairs]
