"""One optimiser step: a batch worked off in parts, on one device or several, to the same loss."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
import torchaudio
from torch import Tensor

from mtlser import runtime
from mtlser.models.computed_in import computed_in
from mtlser.models.losses import Counts, count
from mtlser.models.mtl import Cut, Logits
from mtlser.models.packed import Packed
from mtlser.models.speech_encoder import Sound
from mtlser.models.way import by_index
from mtlser.training import batches, optimisation
from mtlser.training.batches import Batch, Example
from mtlser.training.checkpoint import Checkpoint, Standing
from mtlser.training.device_memory import Memory, out_of_memory
from mtlser.training.graphs import Captured, graphs_of
from mtlser.training.job import Job
from mtlser.training.loading import Loaded, Loader, load
from mtlser.training.weight_copies import copies_of

log = logging.getLogger(__name__)


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
        self._copies = copies_of(job)
        self.loader = Loader(job)
        self.memory = Memory(job)
        self._graphs = graphs_of(job, self._copies, self._logits)
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

    def step(
        self, group: Sequence[Example], seed: int, following: Sequence[Example] = ()
    ) -> Tensor:
        """One optimiser step; this process' share of the losses, as the objective names them.

        The figures, (n,), stay on the device: reading them waits for it.

        Args:
            group: the whole batch, in the order drawn.
            seed: of all that is random in it.
            following: the batch of the next step, which is read meanwhile.

        Raises:
            MtlserError: a single utterance does not fit into memory.
        """
        job = self.job
        with self._copies.held():
            figures = self._gradients(group, following, seed)
        job.processes.sum_gradients(job.network.parameters())
        if job.recipe.clip_norm is not None:
            self._scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(job.network.parameters(), job.recipe.clip_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.schedule.step()
        return figures

    def _gradients(
        self, group: Sequence[Example], following: Sequence[Example], seed: int
    ) -> Tensor:
        """Leaves the gradients of this process' share; its losses.

        Where memory runs out, all is done again in smaller parts: a backward pass that failed has
        left some gradients.
        """
        self._forget_gradients()
        figures = torch.zeros(len(self.job.objective.names), device=self.device)
        counts = self._counts(group)
        share = self._share(group)
        ahead = self._share(following)[:1] if self.loader.reads_ahead else []
        after = [*(part for _, part in [*share[1:], *ahead]), []]
        for (index, part), next_part in zip(share, after, strict=False):
            torch.manual_seed(seed + index)
            try:
                figures += self._backward(part, counts, next_part, whole=len(share) == 1)
            except RuntimeError as error:
                if not (out_of_memory(error) and self._release_graphs()):
                    self.memory.halve(error, part)
                break
        else:
            return figures
        # Only now has the error let go of the tensors that did not fit.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return self._gradients(group, following, seed)

    def _backward(
        self,
        part: Sequence[Example],
        counts: Counts,
        following: Sequence[Example],
        *,
        whole: bool,
    ) -> Tensor:
        """Adds one part's gradients; its losses."""
        job = self.job
        loaded = self.loader.take(part)
        self.loader.expect(following)
        captured = self._captured(loaded) if whole else None
        with self.memory.observed(part):
            logits = self._logits(loaded.entering) if captured is None else captured.logits()
            losses = job.objective(logits, loaded.targets, counts, self._weights_e)
            self._scaler.scale(losses.total).backward()
            self._copies.give_gradients()
        if captured is not None:
            captured.backward()
        return losses.figures()

    def _logits(self, entering: list[Tensor] | Sound | Packed) -> Logits:
        """The logits of a batch in training."""
        features = enter(self.job, entering)
        augments = self.job.recipe.spec_augment
        return forward(self.job, spec_augment(features) if augments else features)

    def _captured(self, loaded: Loaded) -> Captured | None:
        """The graph of such a batch, where steps are captured."""
        if self._graphs is None or self.memory.measures:
            return None
        try:
            return self._graphs.of(loaded, self.loader)
        except torch.OutOfMemoryError:
            self._release_graphs()
            self._forget_gradients()
            return None

    def _forget_gradients(self) -> None:
        """Leaves no gradient, neither a parameter's nor a copy's."""
        self.optimizer.zero_grad(set_to_none=True)
        self._copies.drop_gradients()

    def _release_graphs(self) -> bool:
        """Gives the memory of captured steps back, and captures none any more; whether it could."""
        if self._graphs is None:
            return False
        log.warning("memory ran out: steps are no longer captured as CUDA graphs")
        self._graphs = None
        torch.cuda.empty_cache()
        return True

    def _share(self, group: Sequence[Example]) -> list[tuple[int, list[Example]]]:
        """The parts that this process takes, each with a number that no other part has."""
        processes, size = self.job.processes, self.job.recipe.device_batch
        if size is not None:
            whole = [list(group[i : i + size]) for i in range(0, len(group), size)]
        else:
            whole = batches.parts(group, self.memory.first_s, processes.size)
        return [
            (number * len(group) + index, piece)
            for number, part in processes.share(list(enumerate(whole)))
            for index, piece in enumerate(batches.parts(part, self.memory.bucket_s))
        ]

    def _counts(self, group: Sequence[Example]) -> Counts:
        """What the sums of the whole batch are divided by."""
        counts = count(batches.targets(group), self._on_host_e)
        size = self.job.recipe.device_batch
        if self.job.recipe.ctc_reduction == "sum" and size is not None:
            # A sum in each device batch, and a mean over the device batches of the step.
            return Counts(counts.emotions, -(-len(group) // size), counts.speakers)
        return counts


def load_batch(job: Job, group: Sequence[Example]) -> Batch:
    """The group as one batch that enters the network at `local` or `encoded`, on its device."""
    loaded = load(job, group)
    return Batch(loaded.ids, enter(job, loaded.entering), loaded.targets)


def enter(job: Job, entering: list[Tensor] | Sound | Packed) -> Packed:
    """A loaded batch's features at `local` or `encoded`."""
    if isinstance(entering, Packed):
        return entering
    with autocast(job, job.network.device):
        if isinstance(entering, Sound):
            return job.network.encoder.enter(entering)
        return Packed.of(job.network.encoder.local_of_each(entering))


def forward(job: Job, features: Packed) -> Logits:
    """The logits of one batch, in the recipe's precision."""
    cut: Cut = "encoded" if job.cut == "encoded" else "local"
    with autocast(job, features.rows_nd.device):
        logits: Logits = job.network(features, cut)
    return logits


def autocast(job: Job, device: torch.device) -> AbstractContextManager[None]:
    """The block in which activations have the recipe's precision."""
    return computed_in(device, optimisation.activation_dtype(job.recipe.precision, device))


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
    if by_index(features.rows_nd.device):
        return _masked_by_index(features, share)
    masked = []
    for clip_tc in features.clips():
        for axis in (1, 2):
            longest = max(1, int(clip_tc.shape[axis - 1] * share))
            clip_tc = torchaudio.functional.mask_along_axis(  # noqa: PLW2901
                clip_tc[None], longest, 0.0, axis
            )[0]
        masked.append(clip_tc)
    return features.with_rows(torch.cat(masked))


def _masked_by_index(features: Packed, share: float) -> Packed:
    """The same for all clips at once, with spans drawn on the device."""
    rows_nc, segments = features.rows_nd, features.segments
    clips, width = segments.clips, rows_nc.shape[1]
    drawn = torch.rand((4, clips), device=rows_nc.device)
    kept = torch.ones_like(rows_nc, dtype=torch.bool)
    channels = torch.full_like(segments.lengths_b, width)
    steps = torch.arange(width, device=rows_nc.device)
    for (spans, firsts), sizes_b, places in (
        (drawn[:2], segments.lengths_b, segments.place_n[:, None]),
        (drawn[2:], channels, steps[None]),
    ):
        longest_b = (sizes_b * share).long().clamp(min=1)
        span_b = spans * longest_b
        first_b = firsts * (sizes_b - span_b)
        first, last = first_b.long(), first_b.long() + span_b.long()
        inside = (places >= first[segments.clip_n][:, None]) & (
            places < last[segments.clip_n][:, None]
        )
        kept &= ~inside
    return features.with_rows(rows_nc * kept)
