"""Each file that a training keeps, damaged in 200 ways: recovered or refused, never believed."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mtlser.data import clips
from mtlser.errors import DamagedError
from mtlser.records import CellResult, read_json
from mtlser.storage import checked
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import features, kept, svm_features
from mtlser.training.checkpoint import Checkpoint, Standing
from mtlser.training.inputs import Inputs
from tests.helpers.damage import TRIED, damage
from tests.helpers.trainings import history, make_inputs, small_recipe, train

Weights = dict[str, Tensor]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def layer(value: float) -> nn.Linear:
    built = nn.Linear(6, 5)
    nn.init.constant_(built.weight, value)
    nn.init.constant_(built.bias, value)
    return built


def optimizer_of(built: nn.Linear, value: float) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW(built.parameters())
    for parameter in built.parameters():
        parameter.grad = torch.full_like(parameter, value)
    optimizer.step()
    return optimizer


def two_epochs(folder: Path) -> list[Weights]:
    """A training's files after two epochs, the second the best; its weights by finished epochs."""
    checkpoint = Checkpoint(WorkFolder(folder), "cell.part")
    known: list[Weights] = [{}]
    rows: list[dict[str, float | None]] = []
    for epoch in (1, 2):
        built = layer(float(epoch))
        optimizer = optimizer_of(built, float(epoch))
        rows = [*rows, {"score": float(epoch)}]
        checkpoint.save_best(epoch, built)
        checkpoint.save(Standing(rows), built, optimizer)
        known.append({name: value.clone() for name, value in built.state_dict().items()})
    return known


def same(one: Weights, other: Weights) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("name", ["state.safetensors", "best-2.safetensors"])
def test_a_damaged_state_goes_back_one_epoch(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    known = two_epochs(tmp_path / "good")
    for seed in range(TRIED):
        place = tmp_path / str(seed)
        shutil.copytree(tmp_path / "good", place)
        before = (place / "cell.part" / name).read_bytes()
        kind = damage(place / "cell.part" / name, seed)
        caplog.clear()
        changed = (place / "cell.part" / name).read_bytes() != before
        checkpoint, built = Checkpoint(WorkFolder(place), "cell.part"), layer(9.0)
        standing = checkpoint.load(built, torch.optim.AdamW(built.parameters()))
        epochs = len(standing.rows)
        # Bits that say nothing may change: two axes in a header that has blanks at its end.
        assert epochs == 1 or (epochs == 2 and not (changed and caplog.records)), (seed, kind)
        assert same(known[epochs], built.state_dict()), (seed, kind)
        checkpoint.load_best(standing.rows, built)
        assert same(known[epochs], built.state_dict()), (seed, kind)
        if epochs == 1:
            (record,) = caplog.records
            assert "the training goes on from epoch 2, step 0" in record.getMessage()
        shutil.rmtree(place)


@pytest.mark.parametrize("lost", ["best-1.safetensors", "state.safetensors.earlier"])
def test_without_a_good_state_a_training_starts_again(
    tmp_path: Path, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    two_epochs(tmp_path)
    for name in (lost, "state.safetensors"):
        damage(tmp_path / "cell.part" / name, 3)
    built = layer(9.0)
    checkpoint = Checkpoint(WorkFolder(tmp_path), "cell.part")
    assert checkpoint.load(built, torch.optim.AdamW(built.parameters())) == Standing()
    assert same(layer(9.0).state_dict(), built.state_dict())
    assert not (tmp_path / "cell.part").exists()
    assert "the training starts again" in caplog.text


@pytest.mark.parametrize("name", ["state.safetensors", "best-1.safetensors"])
def test_a_real_training_goes_on_to_the_same_weights(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = make_inputs(tmp_path)
    recipe = small_recipe(tmp_path, "train.checkpoint_s=0")
    whole, work = train(inputs, recipe, tmp_path / "whole"), tmp_path / "work"
    save, saved = Checkpoint.save, []

    def save_then_die(*args: Any) -> None:
        save(*args)
        saved.append(1)
        if len(saved) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_then_die)
        with pytest.raises(KeyboardInterrupt):
            train(inputs, recipe, work)
    (path,) = work.glob(f"cells/*.part/{name}")
    damage(path, 3)
    resumed = train(inputs, recipe, work)
    assert history(resumed) == history(whole)
    one, two = (read_json(each / "result.json", CellResult) for each in (whole, resumed))
    assert one.weights_sha256 == two.weights_sha256


def cache(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Callable[[], bytes], list[int]]:
    """How a cache of made-up features is opened and read, and how often it was computed."""
    shown: Any = [SimpleNamespace(audio_sha256=f"{i}" * 64, audio=f"{i}") for i in range(5)]
    built: list[int] = []
    monkeypatch.setattr(clips, "load", lambda _, each: np.full(3, int(each.audio), np.float32))
    make = features._build if kind == "features" else svm_features._compute

    def network_features(_: object, __: object, wavs: Any) -> Any:
        return [np.full((4, 6), float(wav_n[0]), np.float32) for wav_n in wavs]

    monkeypatch.setattr(features, "_features", network_features)
    monkeypatch.setattr(
        "mtlser.models.baselines.mel_statistics.features", lambda wav_n: np.full(8, float(wav_n[0]))
    )

    def read() -> bytes:
        def build() -> None:
            built.append(1)
            if kind == "features":
                make(nn.Linear(1, 1), "local", folder, shown, folder)  # type: ignore[call-arg, arg-type]
            else:
                make(folder, shown, folder)  # type: ignore[call-arg, arg-type]

        if kind == "features":
            of_network = features.opened(folder, features.FeatureCache, build)
            return b"".join(of_network(each).numpy().tobytes() for each in shown)
        return features.opened(folder, svm_features.SvmFeatures, build)(shown).tobytes()

    return read, built


@pytest.mark.parametrize("kind", ["features", "svm"])
@pytest.mark.parametrize("damaged", ["values", "index.json"])
def test_damaged_features_are_computed_again(
    tmp_path: Path,
    kind: str,
    damaged: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    read, built = cache(kind, tmp_path, monkeypatch)
    good = read()
    name = {"features": "features.f32", "svm": "features.npy"}[kind]
    path = tmp_path / (name if damaged == "values" else damaged)
    for seed in range(TRIED):
        before = path.read_bytes()
        caplog.clear()
        built.clear()
        done = damage(path, seed)
        content = path.read_bytes()
        assert read() == good, (seed, done)
        harmless = content == before or (damaged == "index.json" and not built)
        assert harmless or (built == [1] and len(caplog.records) == 1), (seed, done)
        assert read() == good
        assert len(built) <= 1, "verified once and for all"


def test_a_cache_of_an_earlier_version_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read, built = cache("features", tmp_path, monkeypatch)
    good = read()
    content = checked.read_json(tmp_path / "index.json")
    del content["sha256"]
    (tmp_path / "index.json").write_text(json.dumps(content))
    assert read() == good
    assert len(built) == 2
    assert "no JSON with a checksum" in caplog.text


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inputs, Any, Path, Path]:
    folder = tmp_path_factory.mktemp("trained")
    inputs, recipe = make_inputs(folder), small_recipe(folder, "train.epochs=1")
    return inputs, recipe, folder / "work", train(inputs, recipe, folder / "work")


@pytest.mark.parametrize("name", ["model/weights.safetensors", "result.json", ".digests.json"])
def test_a_finished_cell_that_is_damaged_is_not_taken(
    trained: tuple[Inputs, Any, Path, Path], tmp_path: Path, name: str
) -> None:
    *_, cell = trained
    for seed in range(TRIED):
        copy = tmp_path / "cells" / "cell"
        shutil.copytree(cell, copy)
        before = (copy / name).read_bytes()
        kind = damage(copy / name, seed)
        taken = WorkFolder(tmp_path).restore_folder("cells/cell")
        if taken:
            same_text = (copy / name).read_bytes() == before
            same_json = name == ".digests.json" and checked.read_json(copy / name)
            assert same_text or same_json == checked.read_json(cell / name), (seed, kind)
            shutil.rmtree(copy)
        assert not copy.exists()


def test_a_finished_cell_that_is_damaged_is_trained_again(
    trained: tuple[Inputs, Any, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    inputs, recipe, work, cell = trained
    before = read_json(cell / "result.json", CellResult).weights_sha256
    damage(cell / "model" / "weights.safetensors", 3)
    assert train(inputs, recipe, work) == cell
    assert read_json(cell / "result.json", CellResult).weights_sha256 == before
    checked.verify_folder(cell)
    assert "damaged (its checksum is another one); it is not used" in caplog.text


def test_a_chosen_cell_that_is_damaged_is_refused_in_one_sentence(
    trained: tuple[Inputs, Any, Path, Path], tmp_path: Path
) -> None:
    _, recipe, _, cell = trained
    kept.copy_cell(cell, tmp_path / "chosen", recipe, sealed=True)
    checked.verify_folder(tmp_path / "chosen")
    damage(tmp_path / "chosen" / "model" / "mtlser.json", 2)
    with pytest.raises(DamagedError, match=r"mtlser\.json: damaged") as refused:
        checked.verify_folder(tmp_path / "chosen")
    assert "\n" not in str(refused.value)
