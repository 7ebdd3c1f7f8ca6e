"""Every pair of recipe values trains two steps on a tiny network, or is refused when loaded."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mtlser import recipe as recipes
from mtlser.data.alphabets import VOCABULARY
from mtlser.errors import MtlserError
from tests.helpers import recipe_pairs, trainings
from tests.helpers.networks import write_encoder

BASE = 'name = "pairs"\n[data]\ncorpus = "emodb"\nroot = "somewhere"\n'
REFUSED = {
    ("data.min_duration_s", "data.max_duration_s"): "leaves no utterance",
    ("model.layers", "model.ctc_head"): "allowed are layers = 'last' or 'weighted'",
    ("model.trainable", "model.standardise"): "allowed are trainable = 'heads'",
    ("model.trainable", "train.padding"): "allowed are model.trainable = 'all'",
    ("model.standardise", "train.padding"): "allowed are",  # one is frozen, the other is not
    ("train.device_batch", "train.padding"): "need device_batch",
    ("train.device_batch", "train.ctc_reduction"): "need device_batch",
    ("noise.root", "noise.kinds"): "a corpus provides babble alone",
}
"""Pairs of keys of which some values do not go together, and what is said."""


def write_encoder_with_words(folder: Path) -> str:
    """A small encoder with a CTC layer over our symbols."""
    write_encoder(folder)
    weights = load_file(folder / "model.safetensors")
    head = {
        "lm_head.weight": torch.zeros(len(VOCABULARY), 32),
        "lm_head.bias": torch.zeros(len(VOCABULARY)),
    }
    save_file(weights | head, folder / "model.safetensors", {"format": "pt"})
    symbols = {symbol: index for index, symbol in enumerate(VOCABULARY)}
    (folder / "vocab.json").write_text(json.dumps(symbols), encoding="utf-8")
    return str(folder)


def test_the_table_has_every_key() -> None:
    assert set(recipe_pairs.values(("bundled",))) == set(recipe_pairs.keys())


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> recipe_pairs.Table:
    small = write_encoder_with_words(tmp_path_factory.mktemp("encoder") / "small")
    return recipe_pairs.values((small, "bundled"))  # the first stands where none is asked for


@pytest.fixture(scope="module")
def covered(table: recipe_pairs.Table) -> recipe_pairs.Covered:
    return recipe_pairs.covering(table)


def test_every_pair_trains_or_is_refused_when_loaded(
    covered: recipe_pairs.Covered, tmp_path: Path
) -> None:
    built, refused = covered
    assert {tuple(sorted(key for key, _ in pair)) for pair in refused} == {
        tuple(sorted(keys)) for keys in REFUSED
    }
    inputs = trainings.make_inputs(tmp_path, each=4)
    for number, recipe in enumerate(built):
        folder = trainings.train(inputs, recipe, tmp_path / f"work-{number}")
        assert all(row["score"] == row["score"] for row in trainings.history(folder)), recipe


def test_a_refused_pair_says_what_goes_together(
    table: recipe_pairs.Table, covered: recipe_pairs.Covered
) -> None:
    for pair in covered[1]:
        overrides = [
            f"{key}={json.dumps(table[key][index])}"
            for key, index in pair
            if table[key][index] is not None
        ]
        given = dict(pair)
        alone = "train.padding" in given and "train.device_batch" not in given
        needed = ("train.device_batch=2",) if alone else ()
        said = next(v for k, v in REFUSED.items() if set(k) == {key for key, _ in pair})
        with pytest.raises(MtlserError, match=said) as raised:
            recipes.load(BASE, (*overrides, *needed))
        assert "{'" not in str(raised.value)
        assert "Value error" not in str(raised.value)


def test_whisper_trains_with_each_value_of_the_model(tmp_path: Path) -> None:
    place = write_encoder(tmp_path / "whisper", "whisper")
    table = recipe_pairs.values((place,))
    table = {k: v if k.startswith(("model.", "data.")) else v[:1] for k, v in table.items()}
    table |= {"model.ctc_head": ("new",), "data.max_duration_s": (60.0,)}
    built, _ = recipe_pairs.covering(table)
    inputs = trainings.make_inputs(tmp_path, each=4)
    for number, recipe in enumerate(built):
        trainings.train(inputs, recipe, tmp_path / f"work-{number}")


def test_a_value_that_stands_twice_in_the_grid_is_refused() -> None:
    with pytest.raises(MtlserError, match=r"search: alphas = \[0\.1, 0\.1\] holds a value twice"):
        recipes.load(BASE, ("search.alphas=[0.1, 0.1]",))
