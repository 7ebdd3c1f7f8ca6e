"""What a search wants next, as a function of what was reached."""

import math
from collections.abc import Callable

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.evaluation import selection
from mtlser.evaluation.choices import Choice, SearchResult, SearchRow
from mtlser.evaluation.scores import measure
from mtlser.recipe import Recipe
from mtlser.training.search import strategies
from mtlser.training.search.cells import SearchCell
from mtlser.training.search.choice import choose, furthest
from mtlser.training.search.scales import Scale
from tests.helpers.factories import make_plan, make_predictions, make_recipe

GRIDS = ("search.alphas=[0.0, 0.1, 0.5, 1.0]", "search.betas=[0.0, 0.5, 1.0]", "train.epochs=9")
Score = Callable[[SearchCell], float]


def row(cell: SearchCell, score: float) -> SearchRow:
    return SearchRow(
        fold=cell.fold, alpha=cell.alpha, beta=cell.beta, epoch=1, epochs=cell.epochs, score=score,
        loss=-score, wa=0.5, ua=0.5, f1=0.5, wer=None, speaker_accuracy=None,
    )  # fmt: skip


def worked_off(
    recipe: Recipe, folds: list[int], score: Score, stop: int | None = None
) -> dict[SearchCell, SearchRow]:
    """The rows of a search, or of its first trainings."""
    rows: dict[SearchCell, SearchRow] = {}
    while cells := strategies.wanted(recipe, folds, rows):
        for cell in cells:
            if stop is not None and len(rows) == stop:
                return rows
            assert cell not in rows
            rows[cell] = row(cell, score(cell))
    return rows


def peak(cell: SearchCell) -> float:
    """Best at alpha 0.5, beta 0.5, on every fold."""
    return 0.8 - abs(cell.alpha - 0.5) - abs(cell.beta - 0.5)


def made(*overrides: str) -> Recipe:
    return recipes.load("paper", (*GRIDS, *overrides))


def test_a_grid_wants_every_pair_of_every_fold_once_folds_together() -> None:
    cells = strategies.wanted(made(), [0, 1], {})
    assert len(cells) == len(set(cells)) == 24
    assert [cell.fold for cell in cells] == [0] * 12 + [1] * 12
    assert worked_off(made(), [0, 1], peak).keys() == set(cells)


@pytest.mark.parametrize("scope", ["fold", "global"])
def test_halving_keeps_the_best_third_for_thrice_the_epochs(scope: str) -> None:
    rows = worked_off(made("search.sampler=halving", f"search.scope={scope}"), [0, 1], peak)
    assert sorted((cell.fold, cell.epochs) for cell in rows) == sorted(
        [(fold, 1) for fold in (0, 1) for _ in range(12)]
        + [(fold, 3) for fold in (0, 1) for _ in range(4)]
        + [(fold, 9) for fold in (0, 1)]
    )
    assert {cell.pair for cell in rows if cell.epochs == 9} == {(0.5, 0.5)}


def test_halving_by_fold_follows_each_fold_and_by_all_their_mean() -> None:
    def best_at(alpha: float, cell: SearchCell) -> float:
        return 1.0 - abs(cell.alpha - alpha) - 0.1 * cell.beta

    def score(cell: SearchCell) -> float:
        return best_at((0.0, 1.0)[cell.fold], cell) * (1.0, 0.5)[cell.fold]

    for scope, expected in (
        ("fold", {(0, 0.0), (1, 1.0)}), ("global", {(0, 0.0), (1, 0.0)}),
    ):  # fmt: skip
        rows = worked_off(made("search.sampler=halving", f"search.scope={scope}"), [0, 1], score)
        assert {(c.fold, c.alpha) for c in rows if c.epochs == 9} == expected


@pytest.mark.parametrize(
    ("pairs", "epochs", "eta"), [(36, 30, 3), (121, 60, 3), (5, 2, 2), (1, 9, 3)]
)
def test_the_last_round_of_halving_has_all_epochs(pairs: int, epochs: int, eta: int) -> None:
    found = strategies.budgets(pairs, epochs, eta)
    assert found[-1] == epochs
    assert found == sorted(set(found))
    assert pairs // eta ** (len(found) - 1) >= 1


@pytest.mark.parametrize("sampler", ["grid", "tpe", "halving"])
@pytest.mark.parametrize("scope", ["fold", "global"])
def test_a_search_that_was_broken_off_wants_what_it_would_have(sampler: str, scope: str) -> None:
    recipe = made(f"search.sampler={sampler}", f"search.scope={scope}", "search.trials=6")
    whole = worked_off(recipe, [0, 1], peak)
    for count in (1, 5, 9):
        rows = worked_off(recipe, [0, 1], peak, stop=count)
        assert len(rows) == count
        while cells := strategies.wanted(recipe, [0, 1], rows):
            rows |= {cell: row(cell, peak(cell)) for cell in cells}
        assert rows == whole


def test_tpe_begins_with_the_recipes_own_pair_and_draws_no_pair_twice() -> None:
    recipe = made("search.sampler=tpe", "search.trials=15")
    rows = worked_off(recipe, [0], peak)
    assert next(iter(rows)).pair == pytest.approx((0.1, 0.8))
    assert len({cell.pair for cell in rows}) == 15
    assert {cell.epochs for cell in rows} == {9}


def test_tpe_comes_nearer_the_best_than_chance() -> None:
    recipe = made("search.sampler=tpe", "search.trials=40")
    rows = list(worked_off(recipe, [0], peak))
    late = [peak(cell) for cell in rows[25:]]
    early = [peak(cell) for cell in rows[:10]]
    assert sum(late) / len(late) > sum(early) / len(early) + 0.1


def test_folds_draw_apart_where_each_chooses_for_itself() -> None:
    recipe = made("search.sampler=tpe", "search.trials=4")
    alone = worked_off(recipe, [1], peak)
    both = worked_off(recipe, [0, 1], lambda cell: peak(cell) if cell.fold else -peak(cell))
    assert {cell: each for cell, each in both.items() if cell.fold == 1} == alone


def test_a_pair_that_is_worse_on_fold_after_fold_is_given_up() -> None:
    folds = list(range(10))
    recipe = made("search.sampler=tpe", "search.trials=8", "search.scope=global")

    def score(cell: SearchCell) -> float:
        return peak(cell) + 0.01 * math.sin(cell.fold)

    counts: dict[tuple[float, float], int] = {}
    rows = worked_off(recipe, folds, score)
    for cell in rows:
        counts[cell.pair] = counts.get(cell.pair, 0) + 1
    assert max(counts.values()) == 10
    assert min(counts.values()) < 10
    chosen = {choose(list(rows.values()), fold, recipe).alpha for fold in folds}
    assert len(chosen) == 1
    (alpha,) = chosen
    assert counts[next(pair for pair in counts if pair[0] == alpha)] == 10


def test_a_pair_of_few_epochs_is_no_choice() -> None:
    recipe = made("search.sampler=halving")
    rows = worked_off(recipe, [0], lambda _: 0.5)  # all tie
    chosen = choose(list(rows.values()), 0, recipe)
    assert chosen.epochs == 9


@pytest.mark.parametrize(
    ("values", "kind"),
    [((0.0, 1.0), "linear"), ((0.0, 0.01, 1.0), "log"), ((0.01, 2.0), "log"), ((0.0,), "log"),
     ((0.3,), "linear"), ((0.0, 0.5), "log")],
)  # fmt: skip
def test_a_scale_holds_its_ends_and_gives_a_value_its_place(
    values: tuple[float, ...], kind: str
) -> None:
    scale = Scale(values, kind)  # type: ignore[arg-type]
    drawn = [scale.value(place / 50) for place in range(51)]
    assert drawn == sorted(drawn)
    assert drawn[0] == pytest.approx(min(values))
    assert drawn[-1] == pytest.approx(max(values))
    for value in values:
        assert scale.value(scale.place(value)) == pytest.approx(value)


@pytest.mark.parametrize("sampler", ["grid", "tpe", "halving"])
@pytest.mark.parametrize("scope", ["fold", "global"])
def test_a_report_believes_what_an_honest_search_chose(sampler: str, scope: str) -> None:
    """A pair is not given up while it looks better on its few folds than the best on all."""
    plan = make_plan(6)
    folds = list(range(6))
    recipe = made(f"search.sampler={sampler}", f"search.scope={scope}", "search.trials=8")
    rows = furthest(
        worked_off(
            recipe, folds, lambda cell: peak(cell) - 0.1 * cell.fold + 0.01 * cell.epochs
        ).values()
    )
    best = [choose(rows, fold, recipe) for fold in folds]
    choices = tuple(Choice(fold=r.fold, alpha=r.alpha, beta=r.beta, run=None) for r in best)
    result = SearchResult(
        scope=recipe.search.scope, metric="loss", seed=0, choices=choices, rows=tuple(rows)
    )
    scores = measure(
        make_predictions(plan), plan, make_recipe("noise.kinds=[]", "baseline.systems=[]")
    )
    selection.check_selection(result, scores)
    worse = min(rows, key=lambda row: (row.fold, row.score))
    wrong = Choice(fold=0, alpha=worse.alpha, beta=worse.beta, run=None)
    forged = result.model_copy(update={"choices": (wrong, *choices[1:])})
    with pytest.raises(MtlserError, match="the choice was made on something else"):
        selection.check_selection(forged, scores)
