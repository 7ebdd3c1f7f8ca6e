"""The recipes that ship: complete, and what they say they are."""

import tomllib

import pytest

from mtlser import recipe as recipes

SECTIONS = {"data", "split", "model", "train", "search"}


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_loads_and_tells_what_it_is_for(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name
    assert len(recipe.about) > 40
    content = tomllib.loads((recipes.RECIPES / f"{name}.toml").read_text(encoding="utf-8"))
    assert content.keys() >= SECTIONS
    assert content["train"].keys() >= {"epochs", "optimizer", "learning_rate", "batch_size"}


def test_the_paper_is_what_its_table_3_says() -> None:
    train, split = recipes.load("paper").train, recipes.load("paper").split
    assert (train.alpha, train.beta, train.epochs) == (0.1, 0.8, 100)
    assert (train.optimizer, train.learning_rate, train.batch_size) == ("adam", 1e-5, 8)
    assert (train.ctc_reduction, train.padding, train.speaker_label) == ("mean", "none", "actor")
    assert split.protocol == "loso"


def test_the_published_code_is_named_as_leaking() -> None:
    recipe = recipes.load("paper-code")
    assert "LEAKING" in recipe.about
    assert recipe.split.protocol == "random"
    train = recipe.train
    assert (train.ctc_reduction, train.device_batch, train.padding) == ("sum", 2, "seen")
    assert train.speaker_label == "prefix"


def test_how_often_is_saved_is_no_part_of_the_recipe_s_hash() -> None:
    often = recipes.load("paper", ("train.checkpoint_s=1",))
    assert often.hash == recipes.load("paper").hash
    assert recipes.load("paper", ("train.bucket_s=1",)).hash != often.hash
