"""One training as data: what is shown to the network, how, and how it ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtlser.models.losses import Objective
from mtlser.models.mtl import Cut, MtlNetwork
from mtlser.recipe import TrainRecipe
from mtlser.training import watch
from mtlser.training.batches import Example, Read
from mtlser.training.checkpoint import Row
from mtlser.training.processes import Processes
from mtlser.training.watch import Watcher


@dataclass(frozen=True)
class Job:
    """One training: what is shown to the network, and how."""

    network: MtlNetwork
    cut: Cut
    read: Read
    examples: Sequence[Example]
    recipe: TrainRecipe
    objective: Objective
    seed: int
    validate: "Callable[[Job], tuple[float, Row]] | None"
    """Gives this job's selection score (higher is better) and figures.

    `None` trains to the last epoch.
    """
    epochs: int
    """Epochs to run; the schedule's length stays the recipe's."""
    processes: Processes
    watcher: Watcher = watch.unwatched
    validation: Sequence[Example] = ()
    """Of unseen speakers."""
    speaker_check: Sequence[Example] = ()
    """Held-out utterances of training speakers."""


@dataclass(frozen=True)
class Fit:
    """How a training ended."""

    best_epoch: int
    score: float | None
    rows: tuple[Row, ...]
