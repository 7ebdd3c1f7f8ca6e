"""Two processes, started by torchrun as on two GPUs, train as one does."""

import logging
import os
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient
from safetensors.torch import load_file
from torch import Tensor

from mtlser import stages
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps, load
from mtlser.records import Cell, write_json
from mtlser.training import team
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.inputs import Inputs
from tests.helpers.trainings import (
    assert_same,
    history,
    make_inputs,
    make_job,
    one_step,
    small_recipe,
)

CELL = "mtlser:f0:s0"
TOLERANCE = 2e-4
"""Relative, for figures and weights after some steps in fp32, where sums are in another order."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, its folds and a recipe, on disk."""
    folder = tmp_path_factory.mktemp("place")
    inputs = make_inputs(folder)
    (folder / "folds").mkdir()
    write_json(folder / "folds" / "folds.json", inputs.plan)
    # Steps of 5 leave one of a single utterance, of which the second process has no share.
    recipe = small_recipe(folder, "train.batch_size=5", "train.checkpoint_s=0", "seed=0")
    assert len(inputs.plan.folds[0].train) % 5 == 4
    (folder / "recipe.toml").write_text(dumps(recipe))
    return folder


@pytest.fixture(scope="module")
def recipe(place: Path) -> Recipe:
    from mtlser import recipe as recipes

    return recipes.load(str(place / "recipe.toml"))


@pytest.fixture(scope="module")
def alone(place: Path, recipe: Recipe) -> Path:
    """The cell, trained by one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLSER_TRACKING", "off")
        train(place, recipe, "alone")
    return place / "alone"


def train(place: Path, recipe: Recipe, name: str) -> None:
    corpus, folds, work = (str(place / each) for each in ("corpus", "folds", f"{name}-work"))
    stages.train(corpus, folds, "", CELL, recipe, str(place / name), work)


def torchrun(*arguments: str, **environment: str) -> str:
    """What two processes say that torchrun started."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    given: dict[str, Any] = {
        "OMP_NUM_THREADS": "1",
        "MTLSER_TRACKING": "off",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
        "--master-addr", "127.0.0.1", "--master-port", str(port), "-m", *arguments,
    ]  # fmt: skip
    ended = subprocess.run(
        command,
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return ended.stdout


def train_together(place: Path, name: str, **environment: str) -> str:
    return torchrun(
        "mtlser", "train", "--manifest", str(place / "corpus"), "--folds", str(place / "folds"),
        "--fold", "0", "--recipe", str(place / "recipe.toml"), "--out", str(place / name),
        "--work", str(place / f"{name}-work"), **environment,
    )  # fmt: skip


def weights(cell: Path) -> dict[str, Tensor]:
    return load_file(cell / "model" / "weights.safetensors")


def assert_alike(one: Path, other: Path) -> None:
    """Every epoch's row and the weights are the same but for rounding."""
    assert len(history(one)) == len(history(other)) == 2
    for mine, theirs in zip(history(one), history(other), strict=True):
        assert mine == pytest.approx(theirs, rel=TOLERANCE)
    for name, value in weights(one).items():
        if name.endswith("k_proj.bias"):
            continue  # softmax does not see it: its gradient is rounding, which Adam blows up
        scale = float(value.abs().max())
        torch.testing.assert_close(
            weights(other)[name], value, rtol=TOLERANCE, atol=TOLERANCE * scale + 1e-7
        )


def test_two_processes_train_as_one_and_the_first_alone_writes(place: Path, alone: Path) -> None:
    store = f"sqlite:///{place}/mlflow.db"
    output = train_together(place, "together", MLFLOW_TRACKING_URI=store, MTLSER_TRACKING="on")
    assert_alike(alone, place / "together")
    assert output.count("cell: ") == 1, "what comes next is told once"
    files = {path.relative_to(alone) for path in alone.rglob("*")}
    assert {
        path.relative_to(place / "together") for path in (place / "together").rglob("*")
    } == files
    client = MlflowClient(store)
    (experiment,) = (e for e in client.search_experiments() if e.name.startswith("mtlser/"))
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 3, "the parent's, the pair's and the fold's"
    assert {run.info.status for run in runs} <= {"FINISHED", "RUNNING"}
    (fold,) = (run for run in runs if run.info.run_name == "fold 0")
    losses = client.get_metric_history(fold.info.run_id, "train_loss")
    outcome = [row["train_loss"] for row in history(place / "together")]
    assert [metric.value for metric in losses] == pytest.approx(outcome)


def test_one_step_of_two_processes_has_the_gradients_of_one(
    place: Path, recipe: Recipe, tmp_path: Path
) -> None:
    torchrun("tests.helpers.team_step", str(place))
    result = load_file(place / "step.safetensors")
    corpus = place / "corpus"
    plan = stages.load_folds(place / "folds")
    inputs = Inputs(corpus, stages.load_manifest(corpus), plan)
    whole = one_step(make_job(inputs, recipe, tmp_path))
    assert_same((result.pop("losses"), result), whole)


def test_two_processes_go_on_from_the_middle_of_an_epoch(
    place: Path, recipe: Recipe, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, optimiser and schedule of the second process come from the first."""
    save, saved = Checkpoint.save, []

    def save_then_die(*args: object) -> None:
        save(*args)  # type: ignore[arg-type]
        saved.append(1)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.setattr(Checkpoint, "save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        train(place, recipe, "resumed")
    assert not (place / "resumed").exists()
    train_together(place, "resumed")
    assert_alike(alone, place / "resumed")


def test_the_stage_starts_its_processes_itself(
    place: Path,
    recipe: Recipe,
    alone: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What they write is logged here."""
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    caplog.set_level(logging.INFO, "mtlser")
    given = (str(place / "corpus"), str(place / "folds"), "")
    work = str(place / "started-work")
    stages.train(*given, CELL, recipe, str(place / "started"), work, processes=2)
    assert_alike(alone, place / "started")
    assert caplog.messages.count(f"cell: {place / 'started'}") == 1


def test_a_mistake_in_a_started_process_is_its_sentence(
    place: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    given = (str(place / "corpus"), str(place / "folds"), "")
    with pytest.raises(MtlserError, match=r"^cell mtlser:f9:s0: fold 9 is not among the \d+ folds"):
        stages.train(*given, "mtlser:f9:s0", recipe, str(place / "no"), processes=2)
    assert not (place / "no").exists()


def test_started_processes_get_the_cell_asked_for_and_the_recipe_as_a_file(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a seed that is not the recipe's own, and a recipe longer than an argument may be."""
    seen: list[tuple[list[str], Recipe]] = []

    def note(command: list[str], run: str, processes: int) -> None:
        seen.append((command, load(command[command.index("--recipe") + 1])))

    monkeypatch.setattr(team, "_run", note)
    long = recipe.model_copy(update={"about": "x" * 140_000})
    team.train(2, ("c", "f", ""), Cell.parse("mtlser:f3:s7"), long, "out", "", "job")
    ((command, arrived),) = seen
    flags = dict(pairwise(command))
    assert (flags["--fold"], flags["--system"], flags["--seed"]) == ("3", "mtlser", "7")
    assert arrived == long
    assert max(map(len, command)) < 4096
