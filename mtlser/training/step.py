"""One optimiser step: a batch worked off in parts, on one device or several, to the same loss."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torchaudio
from torch import Tensor

from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.models.losses import Counts, count
from mtlser.models.mtl import Cut, Logits
from mtlser.models.packed import Packed
from mtlser.training import batches, optimisation
from mtlser.training.batches import Batch, Example
from mtlser.training.checkpoint import Checkpoint, Standing
from mtlser.training.job import Job


class Stepper:
    """Moves a job's weights by one batch at a time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.device = job.processes.device
        runtime.restore_collector()
        if self.device.type == "cpu":
            runtime.keep_freed_memory()
        job.network.encoder.recompute = job.recipe.gradient_checkpointing
        self.optimizer = optimisation.make_optimizer(job.network, job.recipe)
        self.schedule = optimisation.make_schedule(self.optimizer, job.recipe, 1, 0)
        self.bucket_s = math.inf if job.recipe.device_batch else job.recipe.bucket_s
        """Audio that fits into memory; halved when it did not."""
        weighted = job.recipe.class_weights
        classes = job.network.emotion_head.out_features
        self._on_host_e = optimisation.class_weights(job.examples, classes) if weighted else None
        self._weights_e = None if self._on_host_e is None else self._on_host_e.to(self.device)
        half = optimisation.activation_dtype(job.recipe.precision, self.device)
        scaled = half == torch.float16
        self._scaler = torch.amp.grad_scaler.GradScaler(self.device.type, enabled=scaled)

    def resume(self, checkpoint: Checkpoint, steps: int) -> Standing:
        """Puts weights, optimiser, schedule and loss scale of all processes where they were.

        Args:
            checkpoint: read by the main process alone.
            steps: optimiser steps of an epoch.
        """
        job, team = self.job, self.job.processes
        restored = checkpoint.load(job.network, self.optimizer) if team.main else Standing()
        standing = team.from_main(restored)
        done = len(standing.rows) * steps + standing.step
        if team.size > 1:
            team.spread(job.network.state_dict().values())
            state = team.from_main(_on_host(self.optimizer.state_dict()) if done else None)
            if state is not None and not team.main:
                self.optimizer.load_state_dict(state)
        self.schedule = optimisation.make_schedule(self.optimizer, job.recipe, steps, done)
        if standing.scaler:
            self._scaler.load_state_dict(standing.scaler)
        return standing

    @property
    def scaler(self) -> dict[str, float]:
        """The loss scale of fp16 and when it grows next; empty in another precision."""
        return self._scaler.state_dict()

    def step(self, group: Sequence[Example], seed: int) -> Tensor:
        """One optimiser step; this process' share of the losses, as the objective names them.

        The figures, (n,), stay on the device: reading them waits for it.

        Args:
            group: the whole batch, in the order drawn.
            seed: of all that is random in it.

        Raises:
            MtlserError: a single utterance does not fit into memory.
        """
        job = self.job
        figures = self._gradients(group, self._counts(group), seed)
        job.processes.sum_gradients(job.network.parameters())
        if job.recipe.clip_norm is not None:
            self._scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(job.network.parameters(), job.recipe.clip_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.schedule.step()
        return figures

    def _gradients(self, group: Sequence[Example], counts: Counts, seed: int) -> Tensor:
        """Leaves the gradients of this process' share; its losses.

        Where memory runs out, all is done again in smaller parts: a backward pass that failed has
        left some gradients.
        """
        self.optimizer.zero_grad(set_to_none=True)
        figures = torch.zeros(len(self.job.objective.names), device=self.device)
        for index, part in self._share(group):
            torch.manual_seed(seed + index)
            try:
                figures += self._backward(part, counts)
            except RuntimeError as error:
                self._halve(error, part)
                break
        else:
            return figures
        # Only now has the error let go of the tensors that did not fit.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return self._gradients(group, counts, seed)

    def _backward(self, part: Sequence[Example], counts: Counts) -> Tensor:
        """Adds one part's gradients; its losses."""
        job = self.job
        batch = load_batch(job, part)
        features = spec_augment(batch.features) if job.recipe.spec_augment else batch.features
        logits = forward(job, features)
        targets = batch.targets.to(self.device)
        losses = job.objective(logits, targets, counts, self._weights_e)
        self._scaler.scale(losses.total).backward()
        return losses.figures()

    def _share(self, group: Sequence[Example]) -> list[tuple[int, list[Example]]]:
        """The parts that this process takes, each with a number that no other part has."""
        processes, size = self.job.processes, self.job.recipe.device_batch
        if size is not None:
            whole = [list(group[i : i + size]) for i in range(0, len(group), size)]
        else:
            whole = batches.parts(group, self.job.recipe.bucket_s, processes.size)
        return [
            (number * len(group) + index, piece)
            for number, part in processes.share(list(enumerate(whole)))
            for index, piece in enumerate(batches.parts(part, self.bucket_s))
        ]

    def _counts(self, group: Sequence[Example]) -> Counts:
        """What the sums of the whole batch are divided by."""
        counts = count(batches.targets(group), self._on_host_e)
        size = self.job.recipe.device_batch
        if self.job.recipe.ctc_reduction == "sum" and size is not None:
            # A sum in each device batch, and a mean over the device batches of the step.
            return Counts(counts.emotions, -(-len(group) // size), counts.speakers)
        return counts

    def _halve(self, error: RuntimeError, part: Sequence[Example]) -> None:
        """Halves what is taken at once after memory ran out; raises any other error again."""
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise error
        seen = self.job.recipe.padding == "seen"  # a smaller part would be padded less
        if len(part) == 1 or seen:
            longest = max(part, key=lambda example: example.duration_s)
            fewer = "`--set train.device_batch=1`, " if seen and len(part) > 1 else ""
            raise MtlserError(
                f"memory ran out at utterance {longest.utterance.id} of {longest.duration_s:.1f} "
                f"s; use {fewer}`--set train.gradient_checkpointing=true`, "
                "`--set train.precision=bf16` or `--set data.max_duration_s=...`"
            ) from error
        self.bucket_s = batches.seconds(part) / 2


def load_batch(job: Job, group: Sequence[Example]) -> Batch:
    """The group as one batch that enters the network at `local` or `encoded`, on its device."""
    device = next(job.network.parameters()).device
    clips = [job.read(example.utterance) for example in group]
    if job.cut == "wav":
        if job.recipe.padding == "seen" and job.network.training:
            clips = list(torch.nn.utils.rnn.pad_sequence(clips, batch_first=True))
        with autocast(job, device):
            clips = job.network.encoder.local([_moved(clip, device) for clip in clips])
        features = Packed.of(clips)
    else:
        features = Packed.of(clips)
        features = features.with_rows(_moved(features.rows_nd, device))
    return Batch(tuple(example.utterance.id for example in group), features, batches.targets(group))


def _moved(values: Tensor, device: torch.device) -> Tensor:
    """The values on the device; to a GPU by way of pinned memory, without waiting."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def forward(job: Job, features: Packed) -> Logits:
    """The logits of one batch, in the recipe's precision."""
    cut: Cut = "encoded" if job.cut == "encoded" else "local"
    with autocast(job, features.rows_nd.device):
        logits: Logits = job.network(features, cut)
    return logits


def autocast(job: Job, device: torch.device) -> torch.autocast:
    """The block in which activations have the recipe's precision."""
    dtype = optimisation.activation_dtype(job.recipe.precision, device)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def _on_host(state: Any) -> Any:
    """An optimiser's state with its tensors on the host, to be sent to other devices."""
    slots = {
        index: {name: torch.as_tensor(value).cpu() for name, value in each.items()}
        for index, each in state["state"].items()
    }
    return {**state, "state": slots}


def spec_augment(features: Packed, share: float = 0.1) -> Packed:
    """Features with one random span of frames and one of channels set to zero for each clip.

    Args:
        features: rows (n, c).
        share: longest span, of the clip's frames and of the channels.
    """
    masked = []
    for clip_tc in features.clips():
        for axis in (1, 2):
            longest = max(1, int(clip_tc.shape[axis - 1] * share))
            clip_tc = torchaudio.functional.mask_along_axis(  # noqa: PLW2901
                clip_tc[None], longest, 0.0, axis
            )[0]
        masked.append(clip_tc)
    return features.with_rows(torch.cat(masked))
