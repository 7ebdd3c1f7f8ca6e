"""What is too large for a run is refused before it is sent."""

from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from pipeline import sizes
from pipeline.dags import DAGS
from pipeline.server import packages
from tests.helpers.compiled_dags import documents

GRID = "[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]"
SEEN = ((7_519, 1_579), (10_332, 3_589), (13_258, 7_621))
"""Bytes of a run's object for each cell, and of the recipe's text."""


def recipe_of(*overrides: str) -> recipes.Recipe:
    place = "data.root=s3://corpora/emodb"
    return recipes.load("emodb", (place, *overrides))


def package(compiled: dict[str, dict[str, Path]], dag: str) -> packages.Package:
    return packages.Package(dag, compiled["gpu"][dag].read_text(encoding="utf-8"))


@pytest.mark.parametrize(("seen", "text"), SEEN)
def test_an_estimate_is_no_less_than_what_was_seen(seen: int, text: int) -> None:
    assert sizes.CELL_BYTES + sizes.CELL_PER_RECIPE * text >= seen


def test_loops_are_counted_as_they_run(compiled: dict[str, dict[str, Path]]) -> None:
    """Of a retraining's branches one is taken, with two loops at most."""
    in_ir = {"crossval": 1, "search": 0, "compare": 2, "retrain": 4}
    for name, dag in DAGS.items():
        ir, _ = documents(compiled["gpu"][name])
        bodies = [ir["root"]["dag"], *(c["dag"] for c in ir["components"].values() if "dag" in c)]
        loops = sum("parameterIterator" in t for b in bodies for t in b["tasks"].values())
        assert loops == in_ir[name]
        assert dag.loops <= loops


def test_a_search_of_1210_trainings_is_one_step_and_passes(
    compiled: dict[str, dict[str, Path]],
) -> None:
    """121 pairs on 10 folds; only the chosen ones become cells of the loop."""
    grid = (f"search.alphas={GRID}", f"search.betas={GRID}", "split.max_folds=10")
    recipe = recipe_of(*grid)
    assert len(recipe.search.alphas) * len(recipe.search.betas) * 10 == 1210
    for dag in ("search", "crossval", "retrain"):
        packages.check_cells(package(compiled, dag), {"recipe": recipe})
        packages.arguments(package(compiled, dag).inputs, {"recipe": recipe})


@pytest.mark.parametrize("dag", ["crossval", "compare", "retrain"])
def test_1210_cells_are_refused_with_what_to_change(
    compiled: dict[str, dict[str, Path]], dag: str
) -> None:
    recipe = recipe_of("split.protocol=speakers", "split.speaker_folds=605", "train.seeds=2")
    assert sizes.cells(recipe) == 1210
    with pytest.raises(MtlserError, match=r"1210 cells .* 1 MiB: about \d+ fit.*max_folds"):
        packages.check_cells(package(compiled, dag), {"recipe": recipe})
    packages.check_cells(package(compiled, "search"), {"recipe": recipe})


def test_folds_that_the_corpus_decides_are_not_guessed() -> None:
    assert sizes.cells(recipe_of()) is None
    assert sizes.cells(recipe_of("split.max_folds=3", "train.seeds=2")) == 6


def test_compile_says_how_much_fits(compiled: dict[str, dict[str, Path]]) -> None:
    told = sizes.told(compiled["gpu"]["crossval"], 1)
    assert told.endswith(" cells a recipe")
    assert sizes.told(compiled["gpu"]["search"], 0).endswith(" kB")
    for name, dag in DAGS.items():
        if dag.loops:
            size = compiled["gpu-pool"][name].stat().st_size
            assert sizes.most_cells(size, dag.loops) > 40
