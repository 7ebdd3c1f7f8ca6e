"""What a training shows while it runs, and when it is stopped: figures, pace, divergence."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from mtlser import runtime
from mtlser.errors import MtlserError

WINDOW = 20
"""Steps over which a mean loss is taken."""
DIVERGED = 4.0
"""A window's mean loss over so many times that of the first window has diverged."""
LEAST_SCALE = 1e-4
"""A loss scale of fp16, 65,536 at the start, that only gradients without a number lead to."""
LINE_S = 10.0
"""Seconds between two lines where there is no terminal."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Where a training stands, for a person."""

    epoch: int
    epochs: int
    step: int
    steps: int
    audio_s_per_s: float

    @property
    def share(self) -> float:
        """Share of all epochs that is done, 0-1."""
        return (self.epoch - 1 + self.step / self.steps) / self.epochs


class Watcher(Protocol):
    """Is told how a training gets on."""

    def __call__(self, pace: Pace) -> None:
        """Takes notice."""


def unwatched(pace: Pace) -> None:
    """Takes no notice."""


class Guard:
    """Ends a training whose loss is no number any more, or has grown far beyond its start."""

    def __init__(self, first: float | None) -> None:
        self.first = first
        """Mean loss of the first window; `None`: it is not over yet."""
        self._window: list[tuple[float, Sequence[str]]] = []

    def check(self, losses: Sequence[float], ids: Sequence[Sequence[str]]) -> None:
        """Looks at the total losses of some steps and the utterances of each.

        Raises:
            MtlserError: a loss is not finite, or the last window has diverged; names utterances.
        """
        for loss, names in zip(losses, ids, strict=True):
            if not math.isfinite(loss):
                raise MtlserError(f"the loss became {loss} at utterances {_told(names)}")
            self._window = [*self._window[1 - WINDOW :], (loss, names)]
            if len(self._window) < WINDOW:
                continue
            mean = sum(each for each, _ in self._window) / WINDOW
            if self.first is None:
                self.first = mean
            elif mean > DIVERGED * max(self.first, 1.0):
                worst = max(self._window)
                raise MtlserError(
                    f"the loss diverged: {mean:.3g} over {WINDOW} steps, {self.first:.3g} at the "
                    f"start; most ({worst[0]:.3g}) at utterances {_told(worst[1])}"
                )


def check_weights(weights: Iterable[Tensor], names: Sequence[str]) -> None:
    """Raises where a weight is no number any more: what an epoch's last step may have left.

    Args:
        weights: all of a network.
        names: utterances of the last step.

    Raises:
        MtlserError: a weight is not finite; names the utterances.
    """
    sums = torch.stack([weight.detach().float().sum() for weight in weights])
    if not bool(sums.isfinite().all()):
        raise MtlserError(f"weights became nan or infinite at utterances {_told(names)}")


def check_score(value: float, epoch: int) -> None:
    """Raises where an epoch's selection score is no number: such a one would count as the best.

    Raises:
        MtlserError: the score is not finite.
    """
    if not math.isfinite(value):
        raise MtlserError(
            f"the validation score of epoch {epoch} is {value}, which nothing can be chosen by; "
            "use another `--set search.metric=...`"
        )


def check_scale(scaler: Mapping[str, float]) -> None:
    """Raises where the loss scale of fp16 has fallen so far that no step has moved the weights.

    Gradients that overflow are left out without a word, and the scale is halved.

    Args:
        scaler: see `Stepper.scaler`; empty in another precision.

    Raises:
        MtlserError: the scale is below `LEAST_SCALE`.
    """
    scale = scaler.get("scale", math.inf)
    if scale < LEAST_SCALE:
        raise MtlserError(
            f"the loss scale of fp16 fell to {scale:.3g}: gradients overflow at every step, and "
            "nothing is learnt; use `--set train.precision=bf16`, or fp32"
        )


def _told(names: Sequence[str]) -> str:
    return (
        f"{', '.join(names)}; lower the rate with `--set train.learning_rate=...`, or set "
        "`--set train.clip_norm=1`"
    )


class Lines:
    """Logs the pace now and then: for logs and for steps side by side."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = runtime.Progress(name, log.info, LINE_S, clock, before=None)

    def __call__(self, pace: Pace) -> None:
        """Logs a line, if the last one is old enough."""
        self._progress(
            pace.share,
            f"epoch {pace.epoch}/{pace.epochs} step {pace.step}/{pace.steps}, "
            f"{pace.audio_s_per_s:.1f} s of audio a second",
        )


class Bar:
    """Tells the pace as a bar on the terminal that stderr is."""

    def __init__(self, name: str) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(name, total=1.0, told="")

    def __call__(self, pace: Pace) -> None:
        """Moves the bar."""
        if not self._bar.live.is_started:
            self._bar.start()
        told = f"epoch {pace.epoch}/{pace.epochs}  {pace.audio_s_per_s:.1f} s of audio a second"
        self._bar.update(self._task, completed=pace.share, told=told)

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.stop()
