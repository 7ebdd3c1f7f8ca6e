"""What a system costs (`cost.json`): size, operations, time, memory, and on which machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from mtlser.evaluation.fact_records import CostRow
from mtlser.records import Record, read_json

COST = "cost.json"
MEGABYTE = 1e6


class Operations(Record):
    """Operations of one clip, from samples to emotion, text and speaker.

    Counted are convolutions, matrix products, attention and Fourier transforms, as they run:
    what is element by element (norms, activations, sums) adds some percent and is left out, as is
    usual.
    """

    clip_s: float
    multiply_adds: int
    """What papers on speech emotion call FLOPs."""
    flops: int
    """Floating-point operations: two a multiply-add."""


class Latency(Record):
    """Time from decoded samples to the output of one clip alone, after warm-up."""

    clip_s: float
    runs: int
    p50_s: float
    p95_s: float


class Throughput(Record):
    """Work done in a second on several clips at once, after warm-up."""

    clip_s: float
    batch: int
    runs: int
    clips_per_s: float
    audio_s_per_s: float
    """Seconds of audio in a second: 1 is real time."""


class Memory(Record):
    """Memory of the process (of the device, where it is a GPU), in bytes."""

    loaded: int | None
    """With Python, its packages and the model, before the measurement."""
    peak: int
    """The most that was held while clips were predicted."""


class Machine(Record):
    """Where it was measured."""

    cpu: str
    cores: int
    """Cores that the process may use."""
    threads: int
    """Threads that torch computes with."""
    device: str
    """`cpu`, or the name of the GPU."""
    torch: str
    python: str

    @property
    def text(self) -> str:
        """In one line.

        >>> Machine(cpu="Chip", cores=2, threads=1, device="cpu", torch="2", python="3").text
        'Chip, 1 of 2 cores, torch 2'
        """
        place = "" if self.device == "cpu" else f"{self.device}; "
        return f"{place}{self.cpu}, {self.threads} of {self.cores} cores, torch {self.torch}"


class Cost(Record):
    """All that was measured of one system (`cost.json`)."""

    system: str
    about: str
    """What the system is, and what its parameters are."""
    parameters: int
    trainable: int
    """Parameters that its training changed."""
    operations: tuple[Operations, ...] = Field(min_length=1)
    """By clip length."""
    uncounted: tuple[str, ...]
    """Operations that look like products and have no formula here; empty: the count is whole."""
    latency: Latency
    throughput: Throughput
    memory: Memory
    machine: Machine
    measured: Literal["alone", "in a pipeline"]
    """In a pipeline other steps may have run beside it, and times are then too long."""

    def at(self, clip_s: float) -> Operations:
        """Operations on a clip of that length; `KeyError` where they were not counted."""
        for operations in self.operations:
            if operations.clip_s == clip_s:
                return operations
        raise KeyError(clip_s)

    def row(self) -> CostRow:
        """What the report shows of it."""
        operations = self.at(self.latency.clip_s)
        beside = "" if self.measured == "alone" else "; other work may have run beside it"
        return CostRow(
            system=self.system,
            parameters=self.parameters,
            trainable=self.trainable,
            clip_s=operations.clip_s,
            multiply_adds=operations.multiply_adds,
            flops=operations.flops,
            latency_p50_s=self.latency.p50_s,
            latency_p95_s=self.latency.p95_s,
            throughput_per_s=self.throughput.clips_per_s,
            memory_mb=self.memory.peak / MEGABYTE,
            machine=self.machine.text + beside,
        )


def load(folders: Sequence[Path]) -> tuple[CostRow, ...]:
    """One row a system from the folders' `cost.json`, by name.

    Of several of one system the first counts that was measured alone, else the first.
    """
    costs: dict[str, Cost] = {}
    for folder in folders:
        if (folder / COST).is_file():
            cost = read_json(folder / COST, Cost)
            known = costs.setdefault(cost.system, cost)
            if known.measured != "alone" == cost.measured:
                costs[cost.system] = cost
    return tuple(costs[name].row() for name in sorted(costs))


def only(folder: Path) -> bool:
    """Whether a result folder has costs and no predictions."""
    return (folder / COST).is_file() and not (folder / "predictions.jsonl").is_file()
