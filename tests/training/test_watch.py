"""What stops a training, and what a person sees of it."""

import io
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from mtlser.errors import MtlserError
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import logs, loop, network, watch
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.step import Stepper
from mtlser.training.watch import Bar, Guard, Lines, Pace
from tests.helpers.clock import Clock
from tests.helpers.trainings import (
    ALONE,
    make_inputs,
    make_job,
    small_recipe,
    train,
    training,
)

IDS = [["a"], ["b"]]


def test_a_loss_that_is_no_number_names_the_utterances_of_its_own_step() -> None:
    for bad in (math.nan, math.inf):
        with pytest.raises(MtlserError, match=rf"the loss became {bad} at utterances b; lower"):
            Guard(None).check([1.0, bad], IDS)


def test_a_loss_has_diverged_at_four_times_the_first_window_s_mean() -> None:
    guard = Guard(None)
    for index in range(20):
        assert guard.first is None
        guard.check([2.0 + index % 2], [["a"]])
    assert guard.first == pytest.approx(2.5)
    for _ in range(20):
        guard.check([9.9], [["a"]])
    guard.check([10.0], [["a"]])
    with pytest.raises(
        MtlserError, match=r"diverged: 10.* over 20 steps, 2.5 at the start; most \(30\) at .* b, c"
    ):
        guard.check([30.0], [["b", "c"]])


def test_a_small_first_loss_does_not_make_a_small_rise_a_divergence() -> None:
    guard = Guard(0.01)
    for _ in range(40):
        guard.check([3.9], [["a"]])
    with pytest.raises(MtlserError, match="diverged"):
        guard.check([10.0] * 20, [["a"]] * 20)


def test_one_wild_step_is_no_divergence() -> None:
    guard = Guard(2.0)
    for loss in [2.0] * 30 + [50.0] + [2.0] * 30:
        guard.check([loss], [["a"]])


def diverging(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Lets the steps tell these losses, and the last of them for ever after."""
    step = Stepper.step

    def outcome(stepper: Stepper, *given: Any) -> torch.Tensor:
        figures = step(stepper, *given)
        return torch.full_like(figures, losses.pop(0) if len(losses) > 1 else losses[0])

    monkeypatch.setattr(Stepper, "step", outcome)


def test_a_training_that_diverges_ends_and_leaves_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = make_inputs(tmp_path)
    recipe = small_recipe(tmp_path, "train.batch_size=1", "train.epochs=4")
    diverging(monkeypatch, [1.0] * 20 + [5.0])
    with pytest.raises(MtlserError, match=r"diverged: 4\.\d+ over 20 steps, 1 at the start"):
        train(inputs, recipe, tmp_path / "work")
    left = {path.suffix for path in (tmp_path / "work" / "cells").iterdir()}
    assert left == {".part", ".lock"}


def test_a_resumed_training_keeps_the_loss_it_is_measured_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed once the loss has grown: the new start is not taken for the first."""
    inputs = make_inputs(tmp_path)
    recipe = small_recipe(tmp_path, "train.batch_size=1", "train.epochs=4")
    save, saved = Checkpoint.save, []

    def save_then_die(*args: object) -> None:
        save(*args)  # type: ignore[arg-type]
        saved.append(1)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_then_die)
    diverging(monkeypatch, [1.0] * 25 + [3.9])
    with pytest.raises(KeyboardInterrupt):
        train(inputs, recipe, tmp_path / "work")
    monkeypatch.undo()
    diverging(monkeypatch, [4.5])
    with pytest.raises(MtlserError, match=r"diverged: 4\.5 over 20 steps, 1 at the start"):
        train(inputs, recipe, tmp_path / "work")


def test_weights_that_an_epoch_s_last_step_ruins_are_not_kept(tmp_path: Path) -> None:
    """The loss is finite: it was taken before the step."""
    inputs = make_inputs(tmp_path)
    recipe = small_recipe(
        tmp_path, "train.batch_size=99", "train.learning_rate=1e38", "train.epochs=1"
    )
    with pytest.raises(MtlserError, match=r"weights became nan or infinite at utterances s\d_u\d"):
        train(inputs, recipe, tmp_path / "work")
    assert not list((tmp_path / "work").rglob("*.safetensors"))


def test_the_run_of_a_training_that_fails_does_not_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    from mtlser import tracking

    store = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MTLSER_TRACKING", "on")
    inputs, recipe = make_inputs(tmp_path), small_recipe(tmp_path)
    client = MlflowClient(store)
    for error, status in ((MtlserError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")):

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(loop, "fit", fail)
        with tracking.parent(recipe, status) as parent, pytest.raises(type(error)):
            network.train_network(
                training(inputs), inputs, recipe, WorkFolder(tmp_path / "work"), parent
            )
        runs = client.search_runs(["1"], f"tags.mlflow.parentRunId != '{parent.id}'")
        (fold,) = (run for run in runs if run.info.run_name == "fold 0" and run.info.end_time
                   and run.info.status == status)  # fmt: skip
        assert fold.info.status == status


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "mtlser"):
        yield caplog


def test_lines_are_seldom_and_tell_what_is_left(logged: pytest.LogCaptureFixture) -> None:
    """A step a second, 100 steps in all."""
    clock = Clock()
    lines = Lines("mtlser:f0:s0", clock)
    for step in range(1, 31):
        clock.now += 1
        lines(Pace(1, 2, step, 50, 40.0))
    assert logged.messages == [
        f"mtlser:f0:s0: epoch 1/2 step {step}/50, 40.0 s of audio a second, {left} left"
        for step, left in ((10, "1:30"), (20, "1:20"), (30, "1:10"))
    ]


def test_what_is_left_after_a_resume_is_told_by_the_steps_since(
    logged: pytest.LogCaptureFixture,
) -> None:
    """Resumed at step 80 of 100, two seconds a step: 20 steps are not done in no time."""
    clock = Clock()
    lines = Lines("cell", clock)
    for step in range(31, 37):
        clock.now += 2
        lines(Pace(2, 2, step, 50, 40.0))
    assert "step 35/50, 40.0 s of audio a second, 0:30 left" in logged.text


def test_the_bar_shows_epoch_pace_and_what_is_left_after_a_resume_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bar, now, written = Bar("cell alpha 0.1"), [1000.0], io.StringIO()
    shown: Any = bar._bar
    shown.get_time = lambda: now[0]
    shown.live.console = Console(file=written, force_terminal=True, width=100)
    for step in range(31, 41):
        now[0] += 2
        bar(Pace(2, 2, step, 50, 40.0))
    (task,) = shown.tasks
    assert task.percentage == pytest.approx(90)
    assert task.time_remaining == pytest.approx(20, abs=3)
    bar.close()
    assert "epoch 2/2  40.0 s of audio a second" in written.getvalue()


@pytest.mark.parametrize(
    ("terminal", "worker", "kind"),
    [(True, False, Bar), (False, False, Lines), (True, True, Lines)],
)
def test_a_bar_is_for_one_training_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, worker: bool, kind: type
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setattr(logs, "parent_process", lambda: object() if worker else None)
    inputs = make_inputs(tmp_path)
    with logs.watched(logs.named(training(inputs)), ALONE) as watcher:
        assert isinstance(watcher, kind)


def test_a_training_tells_every_step_of_every_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Pace] = []
    monkeypatch.setattr(watch, "Lines", lambda name: heard.append)
    train(make_inputs(tmp_path), small_recipe(tmp_path, "train.batch_size=5"), tmp_path / "work")
    assert [(p.epoch, p.step) for p in heard] == [(e, s) for e in (1, 2) for s in (1, 2, 3)]
    assert heard[-1].share == 1.0
    assert all(p.audio_s_per_s > 0 for p in heard)


def test_a_loss_scale_that_only_falls_ends_the_training() -> None:
    watch.check_scale({})
    watch.check_scale({"scale": 2.0**-13})
    with pytest.raises(MtlserError, match=r"fell to 9.54e-07: gradients overflow at every step"):
        watch.check_scale({"scale": 2.0**-20})


@pytest.mark.parametrize("scores", [(math.nan, 0.5), (0.5, math.nan), (-math.inf, -math.inf)])
def test_a_validation_without_a_number_ends_the_training_in_one_sentence(
    tmp_path: Path, scores: tuple[float, float]
) -> None:
    """It would be the best epoch, whose weights were never kept, or use patience up."""
    inputs, recipe = make_inputs(tmp_path), small_recipe(tmp_path)
    told = iter(scores)
    job = replace(make_job(inputs, recipe, tmp_path / "work"), validate=lambda _: (next(told), {}))
    checkpoint = Checkpoint(WorkFolder(tmp_path / "work"), "cell")
    with pytest.raises(MtlserError, match=r"validation score of epoch [12] is (nan|-inf)"):
        loop.fit(job, checkpoint, lambda _epoch, _row: None)
