"""A search that goes on where a killed process left it."""

from pathlib import Path

import optuna
import pytest

from mtlser import recipe as recipes
from mtlser.recipe import Recipe
from mtlser.storage.work_folder import WorkFolder
from mtlser.training.search import study

GRIDS = ("search.alphas=[0.0, 1.0]", "search.betas=[0.0, 1.0]")


def drawn(recipe: Recipe, work: WorkFolder, trials: int) -> list[tuple[float, float]]:
    """The pairs that so many further trials of the study draw."""
    pairs = []

    def objective(trial: "optuna.Trial") -> float:
        pairs.append(study.suggest(trial, recipe))
        return pairs[-1][0]

    with study.opened("study", 0, recipe, work) as opened:
        opened.optimize(objective, n_trials=trials)
    return pairs


@pytest.fixture
def tpe() -> Recipe:
    return recipes.load("demo", ("search.sampler=tpe", *GRIDS))


@pytest.mark.parametrize("parts", [(1, 5), (3, 3), (2, 2, 2), (12, 3)])
def test_a_search_that_goes_on_draws_no_pair_again(
    tmp_path: Path, tpe: Recipe, parts: tuple[int, ...]
) -> None:
    work = WorkFolder(tmp_path)
    pairs = [pair for trials in parts for pair in drawn(tpe, work, trials)]
    assert len(set(pairs)) == sum(parts)


def test_the_same_search_broken_at_the_same_place_draws_the_same_pairs(
    tmp_path: Path, tpe: Recipe
) -> None:
    one, other = (WorkFolder(tmp_path / name) for name in ("one", "other"))
    assert [drawn(tpe, one, n) for n in (2, 3)] == [drawn(tpe, other, n) for n in (2, 3)]


def test_a_trial_that_a_killed_process_left_running_is_ended(tmp_path: Path, tpe: Recipe) -> None:
    work = WorkFolder(tmp_path)
    with study.opened("study", 0, tpe, work) as opened:
        study.suggest(opened.ask(), tpe)
    with study.opened("study", 0, tpe, work) as opened:
        assert [trial.state.name for trial in opened.get_trials()] == ["FAIL"]


def test_a_search_by_grid_tries_every_pair_though_a_trial_was_broken_off(tmp_path: Path) -> None:
    recipe, work = recipes.load("demo", GRIDS), WorkFolder(tmp_path)
    with study.opened("study", 0, recipe, work) as opened:
        first = study.suggest(opened.ask(), recipe)
    pairs = drawn(recipe, work, 3)
    assert len({first, *pairs}) == 4
