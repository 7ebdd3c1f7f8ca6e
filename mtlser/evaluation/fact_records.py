"""Facts of other stages that the report shows beside the scores: noise and cost."""

from typing import Literal

from pydantic import Field

from mtlser.records import Record


class NoiseFacts(Record):
    """How noise was added to the test utterances (`noise.json`)."""

    kinds: tuple[str, ...]
    source: str
    """Name of the folder of noises, or `corpus babble`."""
    level: Literal["active", "rms"]
    """Speech level in the SNR: RMS of active frames, or of all samples."""
    trained_on: Literal["clean"] = "clean"
    """The condition of the training utterances."""
    largest_deviation_db: float | None = Field(None, ge=0)
    """Largest gap between the SNR asked for and the one measured back; `None`: not measured."""


class CostRow(Record):
    """What one system costs (`cost.json`); `None` where a figure was not measured."""

    system: str
    parameters: int | None = None
    trainable: int | None = None
    clip_s: float | None = None
    """Length of the clip that operations and latency are counted on."""
    multiply_adds: float | None = None
    flops: float | None = None
    """Floating-point operations: about twice the multiply-adds."""
    latency_p50_s: float | None = None
    """Median seconds of one clip, batch 1, after warm-up."""
    latency_p95_s: float | None = None
    throughput_per_s: float | None = None
    """Clips a second, batch 8, after warm-up."""
    memory_mb: float | None = None
    """Peak memory of the process."""
    machine: str | None = None
