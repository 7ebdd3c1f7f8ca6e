"""The one training loop: epochs of one cell, with early stopping, checkpoint and resume."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import torch

from mtlser.data import rng
from mtlser.errors import DeviceLostError
from mtlser.training import batches, optimisation, watch
from mtlser.training.batches import Example
from mtlser.training.checkpoint import Checkpoint, Row, Standing, best_epoch, score
from mtlser.training.job import Fit, Job
from mtlser.training.step import Stepper
from mtlser.training.watch import Guard, Pace

LOOKED_AT = 10
"""Steps between two looks at the losses, where a look waits for a device or other processes."""


def fit(job: Job, checkpoint: Checkpoint, on_epoch: Callable[[int, Row], None]) -> Fit:
    """Trains the network, and leaves it with the weights of its best validated epoch.

    A training that was killed goes on from its last checkpoint, in the middle of an epoch too, to
    the same weights: all that is random derives from the seed, the epoch and the step.

    Args:
        job: what to train.
        checkpoint: keeps where it stands.
        on_epoch: is told each epoch and its figures, those before a kill again.

    Raises:
        MtlserError: the loss is no longer finite or has diverged; names utterances.
    """
    with optimisation.deterministic(job.recipe.deterministic):
        course = Course(job, checkpoint)
        for epoch, row in enumerate(course.standing.rows, 1):
            on_epoch(epoch, row)  # a kill may have come between keeping an epoch and telling it
        with lost_devices_named(), closing(course.stepper.loader):
            while not course.finished():
                row = course.run_epoch()
                on_epoch(len(course.standing.rows), row)
    rows = course.standing.rows
    if job.validate is None:
        return Fit(len(rows), None, tuple(rows))
    if job.processes.main:
        checkpoint.load_best(rows, job.network)
    chosen = best_epoch(rows)
    return Fit(chosen, score(rows[chosen - 1]), tuple(rows))


@contextmanager
def lost_devices_named() -> Iterator[None]:
    """Turns a GPU's failure in the block into one sentence.

    Raises:
        DeviceLostError: the GPU failed; nothing can be read from it any more, so that training goes
            on from its last checkpoint.
    """
    try:
        yield
    except torch.AcceleratorError as error:
        raise DeviceLostError(
            f"the GPU failed ({str(error).partition(chr(10))[0]}); run the same command again: "
            "training goes on from its last checkpoint, see `train.checkpoint_s`"
        ) from error


class Course:
    """A training under way."""

    def __init__(self, job: Job, checkpoint: Checkpoint) -> None:
        self.job = job
        self.checkpoint = checkpoint
        self.steps = math.ceil(len(job.examples) / job.recipe.batch_size)
        self.stepper = Stepper(job)
        self.standing = self.stepper.resume(checkpoint, self.steps)
        self.guard = Guard(self.standing.first)
        self._saved = time.monotonic()

    def finished(self) -> bool:
        """True after the last epoch, or when validation has not improved for `patience` epochs."""
        rows = self.standing.rows
        if len(rows) >= self.job.epochs:
            return True
        validated = bool(rows) and "score" in rows[0]
        return validated and len(rows) - best_epoch(rows) >= self.job.recipe.patience

    def run_epoch(self) -> Row:
        """One pass over the training examples, from where it stands, and its validation."""
        self._train()
        row = self._row()
        if self.job.validate is not None:
            value, figures = self.job.validate(self.job)
            watch.check_score(value, self.standing.epoch)
            row |= figures | {"score": value}
            better = value > max(map(score, self.standing.rows), default=-math.inf)
            if better and self.job.processes.main:
                self.checkpoint.save_best(self.standing.epoch, self.job.network)
        rows = [*self.standing.rows, row]
        self.standing = Standing(rows)
        self._save()
        return row

    def _train(self) -> None:
        """The epoch's steps from where it stands."""
        job, standing = self.job, self.standing
        job.network.train()
        order = batches.epoch_order(job.examples, job.recipe.batch_size, job.seed, standing.epoch)
        alone = job.processes.size == 1 and job.processes.device.type == "cpu"
        stride = 1 if alone else LOOKED_AT
        while standing.step < self.steps:
            groups = order[standing.step : standing.step + stride]
            started = time.perf_counter()
            figures = []
            for group in groups:
                seed = rng.torch_seed(job.seed, "step", f"{standing.epoch}:{standing.step}")
                standing.step += 1
                following = order[standing.step] if standing.step < self.steps else ()
                figures.append(self.stepper.step(group, seed, following))
            self._look(figures, groups)
            seconds = time.perf_counter() - started
            standing.seconds += seconds
            audio_s = sum(batches.seconds(group) for group in groups)
            pace = audio_s / seconds
            job.watcher(Pace(standing.epoch, job.epochs, standing.step, self.steps, pace))
            due = time.monotonic() - self._saved > job.recipe.checkpoint_s
            if job.processes.from_main(due) and standing.step < self.steps:
                self._save()
        watch.check_weights(job.network.parameters(), [e.utterance.id for e in order[-1]])
        watch.check_scale(self.stepper.scaler)

    def _look(self, figures: list[torch.Tensor], groups: Sequence[Sequence[Example]]) -> None:
        """Adds the losses of some steps up, and ends the training where they say so."""
        rows = self.job.processes.sum(torch.stack(figures)).tolist()
        ids = [[example.utterance.id for example in group] for group in groups]
        self.guard.check([row[0] for row in rows], ids)
        sums = self.standing.sums or [0.0] * len(self.job.objective.names)
        self.standing.sums = [sum(column) for column in zip(sums, *rows, strict=True)]

    def _row(self) -> Row:
        standing, examples = self.standing, self.job.examples
        means = [total / self.steps for total in standing.sums]
        return {
            **dict(zip(self.job.objective.names, means, strict=True)),
            "ctc_infeasible": float(sum(example.infeasible for example in examples)),
            "learning_rate": float(self.stepper.schedule.get_last_lr()[0]),
            "train_seconds": standing.seconds,
            "audio_s_per_s": batches.seconds(examples) / standing.seconds,
            **self.stepper.memory.peak(),
        }

    def _save(self) -> None:
        """Keeps where the training stands, in the one process that writes."""
        self.standing.first, self.standing.scaler = self.guard.first, self.stepper.scaler
        if self.job.processes.main:
            self.checkpoint.save(self.standing, self.job.network, self.stepper.optimizer)
        self._saved = time.monotonic()
