"""Optuna's study of one fold: where it is kept, what it may draw, who works on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.data import rng
from mtlser.recipe import Recipe
from mtlser.storage import lock
from mtlser.storage.work_folder import WorkFolder
from mtlser.training.search import journal as journals

if TYPE_CHECKING:
    import optuna


def journal(recipe: Recipe, work: WorkFolder) -> Path:
    """The recipe's own journal in a folder that several recipes may share."""
    return work.folder / f"study-{recipe.hash}.journal"


@contextmanager
def opened(name: str, fold: int, recipe: Recipe, work: WorkFolder) -> Iterator["optuna.Study"]:
    """Yields the study `name` of the recipe's journal, with the recipe's sampler.

    One process at a time has it: a second one, of the same recipe in the same folder, finds all
    that the first has done.
    """
    import optuna

    seed = recipe.seed + fold
    if recipe.search.sampler == "grid":
        space = {"alpha": list(alphas(recipe)), "beta": list(betas(recipe))}
        sampler: optuna.samplers.BaseSampler = optuna.samplers.GridSampler(space, seed=seed)
    else:
        sampler = optuna.samplers.TPESampler(seed=seed)
    path = journal(recipe, work)
    path.parent.mkdir(parents=True, exist_ok=True)
    with lock.held(path.with_name(f"{path.name}.fold-{fold}.lock")):
        study = optuna.create_study(
            study_name=name,
            storage=journals.storage(path),
            sampler=sampler,
            direction="maximize",
            load_if_exists=True,
        )
        if recipe.search.sampler == "tpe":
            _continue(study, seed)
        yield study


def _continue(study: "optuna.Study", seed: int) -> None:
    """Lets a TPE study go on where a killed process left it.

    A sampler's state is not stored: seeded as before it would draw the first pairs again. A trial
    that was running stays so for ever, and would be taken for the worst pair seen.
    """
    import optuna

    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    if begun := len(study.get_trials(deepcopy=False)):
        drawn = rng.torch_seed(seed, "tpe", str(begun)) % 2**32
        study.sampler = optuna.samplers.TPESampler(seed=drawn)


def suggest(trial: "optuna.Trial", recipe: Recipe) -> tuple[float, float]:
    """The pair that a trial is to train."""
    pair = []
    for name, values in (("alpha", alphas(recipe)), ("beta", betas(recipe))):
        if recipe.search.sampler == "grid":
            pair.append(float(trial.suggest_categorical(name, values)))
        else:
            pair.append(trial.suggest_float(name, min(values), max(values)))
    return pair[0], pair[1]


def grid(recipe: Recipe) -> list[tuple[float, float]]:
    """Every pair of the recipe's grid."""
    return [(alpha, beta) for alpha in alphas(recipe) for beta in betas(recipe)]


def alphas(recipe: Recipe) -> tuple[float, ...]:
    """Alphas to be tried; the recipe's own where no grid is given."""
    return recipe.search.alphas or (recipe.train.alpha,)


def betas(recipe: Recipe) -> tuple[float, ...]:
    """Betas to be tried; the recipe's own where no grid is given."""
    return recipe.search.betas or (recipe.train.beta,)
