"""What a trained system costs: parameters, operations, latency, throughput, memory."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.evaluation.cost import machine
from mtlser.evaluation.cost.cost_records import Cost, Latency, Memory, Operations, Throughput
from mtlser.evaluation.cost.operations import count
from mtlser.evaluation.predictor import NetworkSystem, SvmSystem, System, Wav
from mtlser.records import SAMPLE_RATE_HZ

CLIP_S = 3.6
"""Length that times are measured on unless another is asked for; EmoDB's and IEMOCAP's clips have
2.8 s and 4.5 s in the mean."""
LENGTHS_S = (1.0, 2.0, 3.0, 5.0, 10.0)
"""Lengths that operations are counted on beside it."""
SHORTEST_S, LONGEST_S = 0.1, 30.0
BATCH = 8


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    warmup: int = 3
    """Calls before the clock starts."""
    runs: int = 30
    """Calls that are timed at most ..."""
    fewest: int = 5
    """... and at least, ..."""
    seconds: float = 15.0
    """... of which no further one starts after so many seconds."""


SHORT = Effort(warmup=2, runs=10, fewest=3, seconds=1.0)
"""For a pipeline, whose business is something else."""


def profile(
    system: System,
    name: str,
    measured: Literal["alone", "in a pipeline"],
    clip_s: float = CLIP_S,
    effort: Effort = Effort(),
) -> Cost:
    """The cost of a loaded system, on artificial clips: their content does not matter.

    Args:
        system: as `mtlser.evaluation.predictor.load_system` gives it.
        name: how reports call it.
        measured: whether anything else may have run beside it.
        clip_s: seconds of the clip that latency and throughput are measured on.
        effort: how long to measure.

    Raises:
        MtlserError: a length out of range, or a system of which nothing is known.
    """
    if not SHORTEST_S <= clip_s <= LONGEST_S:
        raise MtlserError(
            f"a clip of {clip_s:g} s: allowed are {SHORTEST_S:g} to {LONGEST_S:g} s; give another "
            "with `--clip-s`"
        )
    device = _device(system)
    about, parameters, trainable = size(system)
    operations, uncounted = count_lengths(system, sorted({*LENGTHS_S, clip_s}))
    loaded = machine.reset_peak(device)
    latency = measure_latency(system, clip_s, effort)
    throughput = measure_throughput(system, clip_s, effort)
    return Cost(
        system=name,
        about=about,
        parameters=parameters,
        trainable=trainable,
        operations=operations,
        uncounted=uncounted,
        latency=latency,
        throughput=throughput,
        memory=Memory(loaded=loaded, peak=machine.peak(device)),
        machine=machine.describe(device),
        measured=measured,
    )


def size(system: System) -> tuple[str, int, int]:
    """What the system is, its parameters, and how many of them its training changed.

    Raises:
        MtlserError: a system of which nothing is known.
    """
    if isinstance(system, SvmSystem):
        vectors_nd, pairs = _machine(system)
        support = vectors_nd.size + len(vectors_nd) * pairs
        scaler = 2 * vectors_nd.shape[1]
        return (
            f"{system.model.choice.kernel} SVM of {vectors_nd.shape[0]} support vectors of "
            f"{vectors_nd.shape[1]} features; its parameters are these, their weights and the "
            "z-norm",
            support + scaler,
            support + scaler,
        )
    if isinstance(system, NetworkSystem):
        network, model = system.model.network, system.model.description.model
        network.freeze(model.trainable)
        counts = [(p.numel(), p.requires_grad) for p in network.parameters()]
        return (
            f"multi-task network on {model.encoder}, trained: {model.trainable}",
            sum(number for number, _ in counts),
            sum(number for number, trained in counts if trained),
        )
    raise MtlserError(
        f"{type(system).__name__}: what it costs is not known; known are the network and the SVM"
    )


def count_lengths(
    system: System, lengths_s: Sequence[float]
) -> tuple[tuple[Operations, ...], tuple[str, ...]]:
    """Operations on one clip of each length, and names of those that have no formula."""
    operations, unknown = [], set[str]()
    for clip_s in lengths_s:
        (wav_n,) = clips(clip_s, 1)
        counted = count(lambda: system.predict([wav_n]))  # noqa: B023 - called here
        flops = counted.flops + _beside_torch(system)
        operations.append(Operations(clip_s=clip_s, multiply_adds=flops // 2, flops=flops))
        unknown |= set(counted.uncounted)
    return tuple(operations), tuple(sorted(unknown))


def measure_latency(system: System, clip_s: float, effort: Effort) -> Latency:
    """Median and 95th percentile of the time of one clip alone."""
    alone = clips(clip_s, 1)
    seconds = _times(lambda: system.predict(alone), effort)
    p50_s, p95_s = np.percentile(seconds, (50, 95))
    return Latency(clip_s=clip_s, runs=len(seconds), p50_s=float(p50_s), p95_s=float(p95_s))


def measure_throughput(
    system: System, clip_s: float, effort: Effort, batch: int = BATCH
) -> Throughput:
    """Clips and seconds of audio in a second, by the median time of a batch."""
    together = clips(clip_s, batch)
    seconds = _times(lambda: system.predict(together), effort)
    per_s = batch / float(np.median(seconds))
    return Throughput(
        clip_s=clip_s,
        batch=batch,
        runs=len(seconds),
        clips_per_s=per_s,
        audio_s_per_s=per_s * clip_s,
    )


def clips(clip_s: float, number: int) -> list[Wav]:
    """Made-up clips: noise at -26 dBFS, 16 kHz, the same ones each time."""
    rng = generator(0, "profile", f"{clip_s:g}")
    samples = round(clip_s * SAMPLE_RATE_HZ)
    return [rng.normal(0, 0.05, samples).astype(np.float32) for _ in range(number)]


def _times(work: Callable[[], object], effort: Effort) -> list[float]:
    """Seconds of each call, after warm-up; outputs are Python's own, so devices are waited for."""
    for _ in range(effort.warmup):
        work()
    seconds: list[float] = []
    begun = time.perf_counter()
    while len(seconds) < effort.fewest or (
        len(seconds) < effort.runs and time.perf_counter() - begun < effort.seconds
    ):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def _device(system: System) -> torch.device:
    if isinstance(system, NetworkSystem):
        return next(system.model.network.parameters()).device
    return torch.device("cpu")


def _beside_torch(system: System) -> int:
    """Floating-point operations that torch does not see: the SVM's kernel and decision.

    A kernel value is a product of two feature vectors; each support vector then has a part in
    the decisions of its class against every other.
    """
    if not isinstance(system, SvmSystem):
        return 0
    vectors_nd, pairs = _machine(system)
    return 2 * (int(vectors_nd.size) + len(vectors_nd) * pairs)


def _machine(system: SvmSystem) -> tuple[Any, int]:
    """Support vectors (n, d), and decisions that each has a part in: classes less one."""
    fitted = system.model.pipeline[-1]
    return fitted.support_vectors_, len(fitted.classes_) - 1
