"""Forward and backward passes captured as CUDA graphs: a step is replayed, not told again.

A step of a few clips is some 900 short kernels, which a host launches more slowly than a GPU runs
them. A graph launches all at once, but on tensors of fixed sizes at fixed places. So batches are
filled up with silence to one of a few sizes, and each size is captured once. What remains outside
is what depends on numbers of the host: the losses and the optimiser.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mtlser.errors import MtlserError
from mtlser.models.copies import Copies
from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed
from mtlser.models.segments import only_these, to_device
from mtlser.models.speech_encoder import Sound
from mtlser.models.torch_internals import copy_all, has_packed_attention
from mtlser.records import SAMPLE_RATE_HZ
from mtlser.training import optimisation
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
        self._shared = SharedGradients([p for p in job.network.parameters() if p.requires_grad])

    def of(self, loaded: Loaded, loader: Loader) -> "Captured | None":
        """The graph of a batch's size, with the batch in it; captured where it is the first.

        `None`: the batch is to be computed as any other.
        """
        if isinstance(loaded.entering, list):
            return None
        entering = loaded.entering
        if isinstance(entering, Sound) and entering.values.dim() > 1:  # spectrograms
            entering = Packed(entering.values, entering.lengths)
        filled = fill(entering, self.job.network.encoder, self.job.recipe.batch_size)
        if max(filled.frames) > self.longest:
            return None
        captured = self._captured.get(filled.size)
        if captured is None:
            loader.settle()  # a capture forbids what a thread that loads does
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            captured = Captured(
                self.job,
                self._copies,
                self._forward,
                filled,
                self.longest,
                self._pool,
                self._shared,
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
        shared: "SharedGradients",
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

        used = self._warm_up(run, leaves)
        shared.reserve(used[len(copied) :])
        copies.reserve()
        with _captured(self._graphs[0], pool):
            outputs = run()
        self._outputs = [output.detach() for output in outputs]
        self._asked = [torch.zeros_like(output) for output in outputs]
        with _captured(self._graphs[1], pool):
            grads = torch.autograd.grad(outputs, leaves, self._asked, allow_unused=True)
            for copy, grad in zip(copied, grads[: len(copied)], strict=True):
                copy.grad = grad
            copies.give_gradients()
            shared.take(grads[len(copied) :])
        self._grads = [parameter.grad for parameter in self._parameters]
        for parameter in self._parameters:
            parameter.grad = None
        self._leaves: list[Tensor] = []

    @staticmethod
    def _warm_up(run: Callable[[], list[Tensor]], leaves: list[Tensor]) -> list[bool]:
        """Runs both passes aside, as torch asks for before a capture; which leaves take part."""
        device = leaves[0].device
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                outputs = run()
                asked = [torch.zeros_like(output) for output in outputs]
                grads = torch.autograd.grad(outputs, leaves, asked, allow_unused=True)
        torch.cuda.current_stream(device).wait_stream(stream)
        return [grad is not None for grad in grads]

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


class SharedGradients:
    """Room for the gradients of parameters, the same for all graphs."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = parameters
        self._held: dict[int, Tensor] = {}

    def take(self, grads: Sequence[Tensor | None]) -> None:
        """Adds gradients to those that copies have given, or leaves them, in their layout."""
        new: list[tuple[Tensor, Tensor]] = []
        for index, (parameter, grad) in enumerate(zip(self._parameters, grads, strict=True)):
            if grad is None:
                continue
            if parameter.grad is not None:
                parameter.grad.add_(grad)
                continue
            parameter.grad = self._held[index]
            new.append((parameter.grad, grad))
        if new:
            copy_all([to for to, _ in new], [grad for _, grad in new])

    def reserve(self, used: Sequence[bool]) -> None:
        """Takes the memory of those that are used, in the layout of their parameters."""
        for index, parameter in enumerate(self._parameters):
            if used[index] and index not in self._held:
                self._held[index] = torch.empty_like(parameter)


@contextmanager
def _captured(graph: torch.cuda.CUDAGraph, pool: Any) -> Iterator[None]:
    """The block as a graph; other threads may use the device meanwhile.

    Raises:
        MtlserError: something in it cannot be captured.
        OutOfMemoryError: memory ran out.
    """
    try:
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        said = str(error).partition(chr(10))[0]
        raise MtlserError(
            f"a training step cannot be captured as a CUDA graph here ({said}); "
            "use `--set train.compile=off`"
        ) from error


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
        and has_packed_attention(  # else each clip is padded to the longest of all
            job.network.device,
            optimisation.activation_dtype(recipe.precision, job.processes.device),
            encoder.head_width,
        )
        and not recipe.deterministic  # a step that is captured draws another dropout
    )
    return Graphs(job, copies, forward) if wanted and able else None
