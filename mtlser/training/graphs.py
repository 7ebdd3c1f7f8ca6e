"""Forward and backward passes captured as CUDA graphs: a step is replayed, not told again.

A step of a few clips is some 900 short kernels, which a host launches more slowly than a GPU runs
them. A graph launches all at once, but on tensors of fixed sizes at fixed places. So batches are
filled up with silence to one of a few sizes, and each size is captured once. What remains outside
is what depends on numbers of the host: the losses and the optimiser.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mtlser.models.copies import Copies
from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed
from mtlser.models.segments import only_these, to_device
from mtlser.models.speech_encoder import Sound
from mtlser.records import SAMPLE_RATE_HZ
from mtlser.training.filling import Filled, fill, longest_of
from mtlser.training.job import Job
from mtlser.training.loading import Loaded, Loader

WARM_UP = 2
"""Passes before a capture, in which libraries choose their kernels and reserve their memory."""
STEPS_THAT_PAY = 200
"""Steps from which the capture of some ten sizes, a fraction of a second each, is paid back."""
log = logging.getLogger(__name__)

Forward = Callable[[Sound | Packed], Logits]


class Graphs:
    """The captured passes of one training, one for each size of batch."""

    def __init__(self, job: Job, copies: Copies, forward: Forward) -> None:
        """Captures nothing yet.

        Args:
            job: on a GPU.
            copies: of weights in 16 bits.
            forward: the logits of a batch as it is loaded.
        """
        self.job, self._copies, self._forward = job, copies, forward
        encoder = job.network.encoder
        samples = (round(SAMPLE_RATE_HZ * example.duration_s) for example in job.examples)
        self.longest = longest_of([encoder.frames(encoder.local_frames(n)) for n in samples])
        self._captured: dict[tuple[int, ...], Captured] = {}
        self._pool: Any = None

    def of(self, loaded: Loaded, loader: Loader) -> "Captured | None":
        """The graph of a batch's size, with the batch in it; captured where it is the first.

        `None`: the batch is to be computed as any other.
        """
        if isinstance(loaded.entering, list):
            return None
        filled = fill(loaded.entering, self.job.network.encoder, self.job.recipe.batch_size)
        if max(filled.frames) > self.longest:
            return None
        captured = self._captured.get(filled.size)
        if captured is None:
            loader.settle()  # a capture forbids what a thread that loads does
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            captured = Captured(
                self.job, self._copies, self._forward, filled, self.longest, self._pool
            )
            self._captured[filled.size] = captured
            log.info("a step of %s frames is captured as a CUDA graph", filled.size[0])
        captured.take(filled)
        return captured


class Captured:
    """One size of batch: tensors at fixed places, and two graphs over them."""

    def __init__(
        self,
        job: Job,
        copies: Copies,
        forward: Forward,
        filled: Filled,
        longest: int,
        pool: Any,
    ) -> None:
        device = job.network.device
        shape = (filled.room, *filled.values.shape[1:])
        self._values = torch.zeros(shape, dtype=filled.values.dtype, device=device)
        self._numbers = to_device(filled.numbers, device).clone()
        self._filled = filled
        self.take(filled)
        self._parameters = [p for p in job.network.parameters() if p.requires_grad]
        copied = [copy for copy in copies.copies if copy.requires_grad]
        leaves = [*copied, *self._parameters]
        self._graphs = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()

        def run() -> list[Tensor]:
            entering, segments = filled.fixed(self._values, self._numbers, longest)
            with only_these(segments):
                logits = forward(entering)
            self._speaker, self._words = (
                logits.speaker_bs is not None,
                logits.characters is not None,
            )
            words = None if logits.characters is None else logits.characters.rows_nd
            heads = (logits.emotion_be, logits.speaker_bs, words)
            return [head for head in heads if head is not None]

        self._warm_up(run, leaves)
        copies.reserve()
        with torch.cuda.graph(self._graphs[0], pool=pool):
            outputs = run()
        self._outputs = [output.detach() for output in outputs]
        self._asked = [torch.zeros_like(output) for output in outputs]
        with torch.cuda.graph(self._graphs[1], pool=pool):
            grads = torch.autograd.grad(outputs, leaves, self._asked, allow_unused=True)
            for copy, grad in zip(copied, grads[: len(copied)], strict=True):
                copy.grad = grad
            copies.give_gradients()
            for parameter, grad in zip(self._parameters, grads[len(copied) :], strict=True):
                if grad is not None and parameter.grad is not None:
                    parameter.grad.add_(grad)
                elif grad is not None:
                    parameter.grad = _laid_out_as(parameter, grad)
        self._grads = [parameter.grad for parameter in self._parameters]
        for parameter in self._parameters:
            parameter.grad = None
        self._leaves: list[Tensor] = []

    @staticmethod
    def _warm_up(run: Callable[[], list[Tensor]], leaves: list[Tensor]) -> None:
        """Runs both passes aside, as torch asks for before a capture."""
        device = leaves[0].device
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                outputs = run()
                asked = [torch.zeros_like(output) for output in outputs]
                torch.autograd.grad(outputs, leaves, asked, allow_unused=True)
        torch.cuda.current_stream(device).wait_stream(stream)

    def take(self, filled: Filled) -> None:
        """Puts a batch of this size where the graphs read it."""
        self._filled = filled
        values = filled.values
        kept = min(len(values), filled.room)
        self._values[:kept].copy_(values[:kept])
        self._values[kept:].zero_()
        self._numbers.copy_(to_device(filled.numbers, self._values.device))

    def logits(self) -> Logits:
        """The logits of the batch that was taken, as leaves that await their gradients."""
        self._graphs[0].replay()
        filled = self._filled
        sizes = [filled.clips] * (1 + self._speaker) + [sum(filled.lengths)] * self._words
        self._leaves = [
            output[:size].detach().requires_grad_()
            for output, size in zip(self._outputs, sizes, strict=True)
        ]
        speaker_bs = self._leaves[1] if self._speaker else None
        words = Packed(self._leaves[-1], filled.lengths) if self._words else None
        return Logits(self._leaves[0], speaker_bs, words)

    def backward(self) -> None:
        """Leaves the gradients of the parameters, given those of the logits."""
        for asked, leaf in zip(self._asked, self._leaves, strict=True):
            asked[len(leaf) :].zero_()
            if leaf.grad is None:
                asked.zero_()
            else:
                asked[: len(leaf)].copy_(leaf.grad)
        self._graphs[1].replay()
        for parameter, grad in zip(self._parameters, self._grads, strict=True):
            parameter.grad = grad


def _laid_out_as(parameter: Tensor, grad: Tensor) -> Tensor:
    """The gradient in its parameter's layout, which fused optimisers ask for."""
    if grad.stride() == parameter.stride():
        return grad
    return torch.empty_like(parameter).copy_(grad)


def graphs_of(job: Job, copies: Copies, forward: Forward) -> Graphs | None:
    """The graphs of a training whose steps can be captured, and are to be: `train.compile`."""
    encoder, recipe = job.network.encoder, job.recipe
    steps = math.ceil(len(job.examples) / recipe.batch_size) * job.epochs
    wanted = recipe.compile == "on" or (recipe.compile == "auto" and steps >= STEPS_THAT_PAY)
    able = (
        job.network.device.type == "cuda"
        and job.cut != "encoded"  # the heads alone are a few launches
        and encoder.packs
        and not recipe.gradient_checkpointing  # its random state is read by the host
        and not recipe.deterministic  # a step that is captured draws another dropout
    )
    return Graphs(job, copies, forward) if wanted and able else None
