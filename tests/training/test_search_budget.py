"""A search with a budget: what it trains, that it says what it left out, and that it goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import SearchResult
from mtlser.recipe import Recipe
from mtlser.reporting import fact_tables
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import network
from mtlser.training.inputs import Inputs, Training
from mtlser.training.search import search, strategies, worker
from mtlser.training.search.choice import choose
from mtlser.training.search.worker import SearchTask
from tests.helpers.trainings import make_inputs, small_recipe
from tests.training.test_search_reads_no_test import two_folds
from tests.training.test_strategies import made, peak, row, worked_off

GRID = ("search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]", "train.epochs=1")


def test_of_a_grid_a_drawn_part_is_trained_and_a_larger_one_holds_it() -> None:
    whole = worked_off(made(), [0, 1], peak)
    small, large, all_of_it = (
        worked_off(made(f"search.trainings={count}"), [0, 1], peak) for count in (4, 7, 12)
    )
    assert [len(each) for each in (small, large, all_of_it)] == [8, 14, 24]
    assert small.keys() < large.keys() < all_of_it.keys() == whole.keys()
    drawn = [{cell.pair for cell in small if cell.fold == fold} for fold in (0, 1)]
    assert drawn[0] == drawn[1]
    assert len({alpha for alpha, _ in drawn[0]}) > 1  # the first four in order have two
    other = worked_off(made("search.trainings=4", "seed=1"), [0, 1], peak)
    assert other.keys() != small.keys()


@pytest.mark.parametrize("scope", ["fold", "global"])
@pytest.mark.parametrize("trainings", [2, 3, 5, 8, 16, 17, 33, 34, 40])
def test_halving_with_a_budget_comes_to_its_end_within_it(scope: str, trainings: int) -> None:
    recipe = made(
        "search.sampler=halving", f"search.scope={scope}", f"search.trainings={trainings}"
    )
    rows = worked_off(recipe, [0, 1], peak)
    for fold in (0, 1):
        mine = [cell for cell in rows if cell.fold == fold]
        assert len(mine) <= (trainings if scope == "fold" else trainings // 2)
        assert len(mine) <= 12 + 4 + 1
        assert any(cell.epochs == 9 for cell in mine)
        assert choose(list(rows.values()), fold, recipe).epochs == 9
    if trainings >= 34:
        assert len(rows) == 34


def test_tpe_with_a_budget_draws_the_same_pairs_and_fewer() -> None:
    whole = list(worked_off(made("search.sampler=tpe", "search.trials=8"), [0], peak))
    part = worked_off(
        made("search.sampler=tpe", "search.trials=8", "search.trainings=3"), [0], peak
    )
    assert list(part) == whole[:3]


def test_by_all_folds_only_pairs_that_all_folds_have_are_chosen() -> None:
    recipe = made("search.scope=global", "search.trainings=7")
    rows = worked_off(recipe, [0, 1, 2], peak)
    assert len(rows) == 7
    whole = {c.pair for c in rows if {d.fold for d in rows if d.pair == c.pair} == {0, 1, 2}}
    assert len(whole) == 2
    assert {
        (r.alpha, r.beta) for f in range(3) for r in [choose(list(rows.values()), f, recipe)]
    } < whole


def test_too_few_trainings_for_the_folds_are_refused() -> None:
    recipe = made("search.scope=global", "search.trainings=2")
    with pytest.raises(MtlserError, match=r"on each of 3 folds; allowed are 3 or more"):
        strategies.check(recipe, [0, 1, 2])
    strategies.check(recipe, [0, 1])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("search.sampler=tpe",), r"sampler = 'tpe' with alphas = \[\] and betas = \[\]: there is"),
        (("search.sampler=halving", "search.alphas=[0.1]"), r"'halving' with alphas = \[0\.1\]"),
        (("search.trainings=3",), "trainings = 3 with alphas"),
        (("search.minutes=5", "search.betas=[1]"), "minutes = 5 with alphas"),
    ],
)
def test_a_search_that_has_nothing_to_draw_from_is_refused(
    overrides: tuple[str, ...], said: str
) -> None:
    with pytest.raises(MtlserError, match=said) as raised:
        recipes.load("paper", overrides)
    assert "two values or more of alphas or betas" in str(raised.value)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return make_inputs(tmp_path)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, float, float]]:
    """Fold and pair of each training."""
    fitted: list[tuple[int | None, float, float]] = []
    fit = network.fit_network

    def counted(training: Training, *given: Any) -> Any:
        fitted.append((training.cell.fold, training.alpha, training.beta))
        return fit(training, *given)

    monkeypatch.setattr(network, "fit_network", counted)
    return fitted


def searched(inputs: Inputs, recipe: Recipe, folder: Path, name: str) -> SearchResult:
    (folder / name).mkdir()
    return search.search(inputs, recipe, folder / name, WorkFolder(folder / "work"), NullRun())


def test_a_search_that_stopped_says_so_and_a_larger_budget_goes_on(
    inputs: Inputs, tmp_path: Path, trained: list[tuple[int | None, float, float]]
) -> None:
    first = searched(inputs, small_recipe(tmp_path, *GRID, "search.trainings=2"), tmp_path, "one")
    assert len(first.rows) == len(trained) == 2
    assert first.stopped == "search.trainings = 2: 2 of at most 4 trainings were done"
    assert first.stopped in fact_tables.choices(first).note
    second = searched(inputs, small_recipe(tmp_path, *GRID, "search.trainings=4"), tmp_path, "two")
    assert len(second.rows) == len(set(trained)) == 4
    assert len(trained) <= 5  # the chosen one may have lost its weights to a better one
    assert not second.stopped
    assert set(first.rows) < set(second.rows)


def in_time_for(monkeypatch: pytest.MonkeyPatch, trained: list[Any], count: int) -> None:
    """The time is up after so many trainings."""

    def in_time(task: SearchTask) -> bool:
        assert task.until is not None
        return len(trained) < count

    monkeypatch.setattr(worker, "in_time", in_time)


def test_minutes_go_to_all_folds_in_turn_and_the_same_command_goes_on(
    inputs: Inputs, tmp_path: Path, trained: list[tuple[int | None, float, float]]
) -> None:
    both = replace(inputs, plan=two_folds(inputs.plan))
    recipe = small_recipe(tmp_path, *GRID, "search.minutes=60")
    with pytest.MonkeyPatch.context() as patch:
        in_time_for(patch, trained, 4)
        part = searched(both, recipe, tmp_path, "part")
    assert [fold for fold, _, _ in trained] == [0, 1, 0, 1]
    assert part.stopped == "search.minutes = 60: 4 of at most 8 trainings were done"
    whole = searched(both, recipe, tmp_path, "whole")
    assert not whole.stopped
    assert len(whole.rows) == len(set(trained)) == 8
    (tmp_path / "plain").mkdir()
    plain = search.search(
        both, small_recipe(tmp_path, *GRID), tmp_path / "plain",
        WorkFolder(tmp_path / "other"), NullRun(),
    )  # fmt: skip
    assert plain.choices == whole.choices
    assert plain.rows == whole.rows


def test_a_search_without_a_whole_training_chooses_nothing(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Any]
) -> None:
    in_time_for(monkeypatch, trained, 0)
    recipe = small_recipe(tmp_path, *GRID, "search.minutes=0.5")
    said = r"on fold 0 before the search stopped \(search\.minutes = 0\.5\); all .* run the same"
    with pytest.raises(MtlserError, match=said):
        searched(inputs, recipe, tmp_path, "none")
    assert trained == []


def test_time_runs_from_the_start_of_the_command(inputs: Inputs, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, *GRID, "search.minutes=60")
    work = WorkFolder(tmp_path / "work")
    task = search.begun(inputs, recipe, work, NullRun(), search.ALONE)
    assert task is not None
    assert worker.in_time(task)
    assert not worker.in_time(replace(task, until=0.0))
    assert worker.in_time(replace(task, until=None))


def test_a_row_of_few_epochs_is_no_whole_training() -> None:
    recipe = made("search.sampler=halving", "search.minutes=1")
    cell = next(iter(strategies.wanted(recipe, [0], {})))
    with pytest.raises(MtlserError, match="no pair was trained to the end on fold 0"):
        choose([row(cell, 0.5)], 0, recipe)


@pytest.mark.parametrize("how", ["search.sampler=tpe", "search.minutes=60", "search.jobs=1"])
def test_of_a_fold_one_training_keeps_its_weights_while_the_search_goes_on(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    kept: list[int] = []
    fit = network.fit_network

    def counted(training: Training, *given: Any) -> Any:
        kept.append(len(list(tmp_path.glob("work/cells/*/model"))))
        return fit(training, *given)

    monkeypatch.setattr(network, "fit_network", counted)
    searched(inputs, small_recipe(tmp_path, *GRID, "search.trials=4", how), tmp_path, "out")
    assert kept == [0, 1, 1, 1]
