"""A grid over a frozen encoder: one training gives what one training a pair gives."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mtlser.evaluation.choices import SearchResult
from mtlser.recipe import Recipe
from mtlser.records import CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import kept, loop, network
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.inputs import Inputs
from mtlser.training.search import cells, grid, search
from mtlser.training.search.cells import training_of
from tests.helpers.corpora import one_fold
from tests.helpers.trainings import history, make_inputs, small_recipe

HEADS = (
    "model.trainable=heads", "model.standardise=true", "model.dropout=0.5", "train.epochs=2",
    "train.batch_size=4", "train.optimizer=adamw", "train.precision=fp32", "search.jobs=1",
    "search.alphas=[0.0, 1.0]", "search.betas=[0.0, 0.8]", "search.metric=loss",
)  # fmt: skip


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return make_inputs(tmp_path, each=4)


def searched(inputs: Inputs, recipe: Recipe, folder: Path, work: Path) -> tuple[SearchResult, Path]:
    """What a search chose, and the cell of its only fold."""
    folder.mkdir()
    result = search.search(inputs, recipe, folder, WorkFolder(work), NullRun())
    return result, folder / "cells" / "fold-0"


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "separable", lambda recipe: False)


@pytest.mark.parametrize(
    "more", [(), ("model.layers=concat", "train.class_weights=true", "train.spec_augment=true")]
)
def test_one_training_gives_the_rows_and_the_weights_of_one_a_pair(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    recipe = small_recipe(tmp_path, *HEADS, *more)
    together, _ = searched(inputs, recipe, tmp_path / "together", tmp_path / "work")
    one_by_one(monkeypatch)
    apart, _ = searched(inputs, recipe, tmp_path / "apart", tmp_path / "work-apart")
    assert together.choices == apart.choices
    for row, other in zip(together.rows, apart.rows, strict=True):
        assert row.model_dump() == pytest.approx(other.model_dump(), abs=1e-5)
    words, speakers = set(), set()
    for pair in cells.grid(recipe):
        wanted = training_of(0, pair, inputs, recipe)
        works = [WorkFolder(tmp_path / name) for name in ("work", "work-apart")]
        cell = grid.Grid(wanted, inputs, recipe, works[0]).cell(wanted, NullRun())
        expected = network.train_network(wanted, inputs, recipe, works[1], NullRun())
        weights, alone = (load_file(f / "model/weights.safetensors") for f in (cell, expected))
        torch.testing.assert_close(weights, alone, rtol=0, atol=1e-5)
        for line, other_line in zip(history(cell), history(expected), strict=True):
            assert line == pytest.approx(other_line, abs=1e-5)
        results = [read_json(each / "result.json", CellResult) for each in (cell, expected)]
        assert results[0].validation == pytest.approx(results[1].validation, abs=1e-5)
        words.add(float(weights["ctc_head.weight"].sum()))
        speakers.add(float(weights["speaker_head.weight"].sum()))
    assert (len(words), len(speakers)) == (2, 2)  # a head of its own for each value


def test_a_grid_is_trained_once(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path, *HEADS)
    first, _ = searched(inputs, recipe, tmp_path / "first", tmp_path / "work")
    next((tmp_path / "work").glob("study-*.journal")).unlink()
    monkeypatch.setattr(loop, "fit", lambda *_: pytest.fail("trained again"))
    again, _ = searched(inputs, recipe, tmp_path / "again", tmp_path / "work")
    assert again == first


def test_a_killed_grid_goes_on_where_it_stopped(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path, *HEADS)
    whole, expected = searched(inputs, recipe, tmp_path / "whole", tmp_path / "work")
    saved = Checkpoint.save
    count = 0

    def dies(self: Checkpoint, *given: object) -> None:
        nonlocal count
        saved(self, *given)  # type: ignore[arg-type]
        count += 1
        if count == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        searched(inputs, recipe, tmp_path / "killed", tmp_path / "other")
    resumed, cell = searched(inputs, recipe, tmp_path / "resumed", tmp_path / "other")
    assert count == 2  # the first epoch was there
    assert resumed == whole
    weights = [load_file(each / "model/weights.safetensors") for each in (cell, expected)]
    torch.testing.assert_close(*weights, rtol=0, atol=0)


@pytest.mark.parametrize(
    "tied",
    [
        ("train.clip_norm=1.0",), ("model.trainable=transformer", "model.standardise=false"),
        ("model.layers=weighted",), ("search.metric=joint",), ("search.metric=wer",),
        ("search.sampler=tpe",), ("search.sampler=halving",), ("train.precision=fp16",),
    ],
)  # fmt: skip
def test_heads_that_are_tied_together_are_trained_pair_by_pair(
    tmp_path: Path, tied: tuple[str, ...]
) -> None:
    assert grid.separable(small_recipe(tmp_path, *HEADS))
    assert not grid.separable(small_recipe(tmp_path, *HEADS, *tied))


def test_a_norm_that_is_limited_does_tie_the_heads(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path, *HEADS, "train.clip_norm=0.1")
    monkeypatch.setattr(grid, "separable", lambda recipe: True)
    together, _ = searched(inputs, recipe, tmp_path / "together", tmp_path / "work")
    one_by_one(monkeypatch)
    apart, _ = searched(inputs, recipe, tmp_path / "apart", tmp_path / "work-apart")
    losses = [[row.loss for row in result.rows] for result in (together, apart)]
    assert losses[0] != pytest.approx(losses[1], abs=1e-5)


def test_a_corpus_without_words_and_speakers_has_a_grid_too(tmp_path: Path) -> None:
    full = make_inputs(tmp_path, each=4)
    bare = [replace(each, text=None) for each in full.utterances]
    inputs = Inputs(full.corpus, bare, one_fold(bare))
    recipe = small_recipe(tmp_path, *HEADS)
    result, cell = searched(inputs, recipe, tmp_path / "out", tmp_path / "work")
    assert {row.wer for row in result.rows} == {None}
    assert (cell / "model" / "weights.safetensors").is_file()
    assert kept.validation_of({"validation_ua": 0.5})["wer"] is None
