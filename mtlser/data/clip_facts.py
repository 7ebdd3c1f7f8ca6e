"""`clips.jsonl`: what ingest measured of each recording, for warnings about data."""

import logging
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from mtlser.data.decoding import channels
from mtlser.records import SAMPLE_RATE_HZ, Name, read_jsonl

CLIPS = "clips.jsonl"
EDGE_S = 0.02
"""Part at each end of a clip whose level tells whether speech runs into it."""
FULL_SCALE_16 = 32_767 / 32_768
"""The highest sample of 16 bits; the lowest lies beyond."""
LOWEST_DB = -120.0
"""Stands for digital silence, and for all that is lower."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Facts:
    """What was measured of one recording, or of the piece that is a clip.

    A dataclass with slots, as `Utterance` is, because there is one for each clip.
    """

    rate_hz: int
    """Of the file."""
    channels: int
    silent_channels: int
    """Of them without any sound, beside others with it: their mean is 6 dB below the one of two
    that has sound."""
    peak_dbfs: float
    """The highest sample of the clip, of 0 dBFS at most."""
    clipped: float
    """Share of the recording's samples, in the channels that count, at or beyond full scale."""
    start_db: float
    """Level of the first 20 ms relative to that of the clip: near 0 where speech was cut off."""
    end_db: float
    """Level of the last 20 ms relative to that of the clip."""
    offset: float
    """Mean of the recording, which full scale 1 has; taken away where it is a large part."""


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClipFacts(Facts):
    """One line of `clips.jsonl`."""

    id: Name
    """Of the utterance."""


def measure(
    wav_nc: NDArray[np.float64],
    taken_nc: NDArray[np.float64],
    rate_hz: int,
    clip_n: NDArray[np.float64],
) -> Facts:
    """The facts of a clip.

    Args:
        wav_nc: the recording, or the piece of it, (n, channel).
        taken_nc: the channels that count.
        rate_hz: of both.
        clip_n: the clip at 16 kHz, between -1 and 1; at least one sample.
    """
    edge = round(EDGE_S * SAMPLE_RATE_HZ)
    level = _level(clip_n)
    return Facts(
        rate_hz=rate_hz,
        channels=wav_nc.shape[1],
        silent_channels=channels.silent(wav_nc),
        peak_dbfs=_decibels(float(np.abs(clip_n).max())),
        clipped=_clipped(taken_nc),
        start_db=_decibels(_level(clip_n[:edge]) / level if level else 0.0),
        end_db=_decibels(_level(clip_n[-edge:]) / level if level else 0.0),
        offset=round(float(taken_nc.mean()), 6),
    )


def _clipped(taken_nc: NDArray[np.float64]) -> float:
    """Share of samples at full scale."""
    if max(taken_nc.max(), -taken_nc.min()) < FULL_SCALE_16:
        return 0.0
    return round(float((np.abs(taken_nc) >= FULL_SCALE_16).mean()), 6)


def named(identity: str, facts: Facts | None) -> ClipFacts | None:
    """The facts with the id of their utterance."""
    return None if facts is None else ClipFacts(id=identity, **asdict(facts))


class Silent:
    """Counts recordings with channels without sound."""

    def __init__(self) -> None:
        self._count, self._first = 0, ""

    def count(self, facts: ClipFacts) -> None:
        """Looks at one recording."""
        if facts.silent_channels:
            self._count, self._first = self._count + 1, self._first or facts.id

    def tell(self) -> None:
        """Logs a warning where there are some."""
        if self._count:
            log.warning(
                "%d recordings have a channel without sound (first: %s): the mean of two channels "
                "is 6 dB below the one with speech; see data.channels",
                self._count, self._first,
            )  # fmt: skip


def read(folder: Path) -> Iterator[ClipFacts] | None:
    """The facts of the utterances of a corpus folder, in its order; `None` in one without them.

    Raises:
        MtlserError: while they are read: the file holds something else.
    """
    path = folder / CLIPS
    return read_jsonl(path, ClipFacts) if path.is_file() else None


def _level(wav_n: NDArray[np.floating[Any]]) -> float:
    return float(np.sqrt(np.mean(np.square(wav_n))))


def _decibels(ratio: float) -> float:
    return round(max(20 * math.log10(ratio), LOWEST_DB), 2) if ratio > 0 else LOWEST_DB
