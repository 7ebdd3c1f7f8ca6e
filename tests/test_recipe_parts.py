"""What steps get of a recipe: enough for the same output, and no more than they read."""

from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser import stages, storage
from mtlser.recipe import Recipe
from mtlser.stages import recipe_parts as parts
from tests.helpers import tiny_run

ELSEWHERE = (
    "seed=7", "model.layers=\"last\"", "train.epochs=9", "search.alphas=[0.3]", "noise.snr_db=[1]",
    "baseline.systems=[]", "drift.max_class_psi=9.0", "registry.margin=0.5",
    "split.max_folds=1", "search.metric=\"wa\"", "about=\"other\"",
)  # fmt: skip
"""Overrides of every section that ingest does not read."""


@pytest.fixture
def given(tmp_path: Path) -> Recipe:
    tiny_run.write_release(tmp_path / "release")
    text = tiny_run.RECIPE.replace('root = "release"', f'root = "{tmp_path / "release"}"')
    return recipes.load(text, ELSEWHERE)


def test_a_part_gives_the_output_of_the_whole(given: Recipe, tmp_path: Path) -> None:
    for name, recipe in (("whole", given), ("part", parts.reading(given))):
        stages.ingest(recipe, str(tmp_path / name))
    assert storage.digest_folder(tmp_path / "whole") == storage.digest_folder(tmp_path / "part")
    for name, recipe in (("whole", given), ("part", parts.splitting(given))):
        stages.split(str(tmp_path / "whole"), recipe, str(tmp_path / f"{name}-folds"))
    whole, part = tmp_path / "whole-folds", tmp_path / "part-folds"
    assert storage.digest_folder(whole) == storage.digest_folder(part)


@pytest.mark.parametrize("shipped", recipes.names())
def test_a_part_is_a_recipe_and_measures_under_the_hash_of_the_whole(shipped: str) -> None:
    recipe = recipes.load(shipped)
    assert parts.measuring(recipe).hash == recipe.hash
    for part in (parts.reading, parts.splitting, parts.measuring):
        assert recipes.load(recipes.dumps(part(recipe))) == part(recipe)


@pytest.mark.parametrize(
    ("changed", "run_again"),
    [
        ("data.language=xx", {"reading", "splitting", "measuring"}),
        ("labels.classes=all", {"reading", "splitting", "measuring"}),
        ("seed=9", {"splitting", "measuring"}),
        ("split.max_folds=2", {"splitting", "measuring"}),
        ("search.metric=wa", {"splitting", "measuring"}),
        ("train.epochs=3", {"measuring"}),
        ("noise.snr_db=[3]", {"measuring"}),
        ("about=other", {"measuring"}),
        ("drift.max_class_psi=0.5", set()),
        ("registry.margin=0.5", set()),
        ("registry.rule=better", set()),
    ],
)
def test_a_change_reaches_the_steps_that_read_it(changed: str, run_again: set[str]) -> None:
    before, after = recipes.load("emodb"), recipes.load("emodb", (changed,))
    assert before != after
    cut = {"reading": parts.reading, "splitting": parts.splitting, "measuring": parts.measuring}
    assert {name for name, part in cut.items() if part(before) != part(after)} == run_again


def test_prepare_sees_a_changed_release_noise_and_encoder(given: Recipe, tmp_path: Path) -> None:
    before = stages.prepare(given)
    assert before == stages.prepare(given)
    (tmp_path / "release" / "another.wav").touch()
    after = stages.prepare(given)
    assert before.release != after.release
    assert before[1:] == after[1:]
    (tmp_path / "noise").mkdir()
    noise = given.noise.model_copy(update={"root": str(tmp_path / "noise")})
    noisy = given.model_copy(update={"noise": noise})
    empty = stages.prepare(noisy).sources
    (tmp_path / "noise" / "babble.wav").touch()
    assert empty != stages.prepare(noisy).sources
