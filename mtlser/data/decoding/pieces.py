"""Pieces of recordings, without all of a long one in memory where libsndfile seeks exactly."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.data import audio_file, lengths, resampling
from mtlser.data.audio_file import AudioError
from mtlser.data.decoding.limits import ANY, Most

TOLERATED_S = 0.05
"""By which a piece may end beyond the recording: tables round."""
CONTAINERS = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "FLAC"}
CODINGS = {
    "PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW",
}  # fmt: skip
"""Where the place of each sample is known: libsndfile seeks to it exactly."""


@dataclass(frozen=True)
class Span:
    """Part of a recording, in seconds from its start; `None`: from its start, to its end."""

    start_s: float | None = None
    end_s: float | None = None


WHOLE = Span()


@dataclass(frozen=True, eq=False)
class Piece:
    """Samples of a recording with some before and after them, which resampling needs."""

    wav_nc: NDArray[np.float64]
    """Context included."""
    rate_hz: int
    length_known: bool
    """False where the file states no length, so that nothing would show that it was cut off."""
    at: int
    """Sample of the recording that `wav_nc` begins with."""
    first: int
    """First sample of the piece, of the recording's."""
    last: int
    """Where it ends: the first sample after it."""

    @property
    def is_whole(self) -> bool:
        """Whether there is no context."""
        return (self.first, self.last) == (self.at, self.at + len(self.wav_nc))

    @property
    def inside_nc(self) -> NDArray[np.float64]:
        """The piece without its context."""
        return self.wav_nc[self.first - self.at : self.last - self.at]


@dataclass(frozen=True)
class Recording:
    """A recording of which pieces are taken."""

    path: Path
    rate_hz: int
    frames: int
    length_known: bool
    samples: Callable[[int, int], NDArray[np.float64]]
    """From a sample up to another, (n, channel)."""

    def piece(self, span: Span) -> Piece:
        """The samples from round(start_s x rate) up to round(end_s x rate).

        Raises:
            AudioError: `unreadable`: the span is empty, reversed, or goes beyond the recording.
        """
        first, last = self._bounds(span)
        around = resampling.context(self.rate_hz)
        _, step = resampling.ratio(self.rate_hz)
        at = max(first - around, 0) // step * step
        wav_nc = self.samples(at, min(last + around, self.frames))
        if not np.isfinite(wav_nc).all():
            raise AudioError("unreadable", self.path, "samples that are not numbers")
        return Piece(wav_nc, self.rate_hz, self.length_known, at, first, last)

    def _bounds(self, span: Span) -> tuple[int, int]:
        length_s = self.frames / self.rate_hz
        start_s = 0.0 if span.start_s is None else span.start_s
        end_s = length_s if span.end_s is None else span.end_s
        said = f"a piece from {start_s:.7g} to {end_s:.7g} s of a recording of {length_s:.7g} s"
        if not (math.isfinite(start_s) and math.isfinite(end_s)):
            raise AudioError("unreadable", self.path, f"{said}: these are no numbers")
        if start_s < 0 or end_s > length_s + TOLERATED_S:
            raise AudioError("unreadable", self.path, f"{said}: it lies beyond the recording")
        if end_s <= start_s:
            raise AudioError("unreadable", self.path, f"{said}: it ends before it begins")
        first, last = (round(each * self.rate_hz) for each in (start_s, end_s))
        last = min(last, self.frames)
        if last <= first:
            raise AudioError("unreadable", self.path, f"{said}: there is no sample in it")
        return first, last


def whole(path: Path, most: Most = ANY) -> Piece:
    """All of a recording.

    Raises:
        AudioError: see `audio_file.read`.
    """
    decoded = audio_file.read(path, most)
    return Piece(decoded.wav_nc, decoded.rate_hz, decoded.length_known, 0, 0, len(decoded.wav_nc))


def recording(path: Path) -> Recording:
    """A recording of which pieces are read one by one; decoded at once where that cannot be.

    Raises:
        AudioError: see `audio_file.read`.
    """
    return _seekable(path) or _decoded(path)


def _decoded(path: Path) -> Recording:
    decoded = audio_file.read(path)

    def samples(start: int, stop: int) -> NDArray[np.float64]:
        return decoded.wav_nc[start:stop]

    return Recording(path, decoded.rate_hz, len(decoded.wav_nc), decoded.length_known, samples)


def _seekable(path: Path) -> Recording | None:
    """The recording, where libsndfile seeks in it exactly and its length is known."""
    import soundfile

    audio_file.refuse_absent(path)
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            exact = file.format in CONTAINERS and file.subtype in CODINGS and file.seekable()
            decoded = lengths.Decoded(str(file.format), int(file.frames), str(file.extra_info))
            rate_hz = int(file.samplerate)
    except (soundfile.SoundFileError, OSError, ValueError):
        return None
    if not exact or decoded.frames <= 0:
        return None
    audio_file.check_rate(path, rate_hz)
    known = lengths.length(path, decoded)
    audio_file.check_length(path, known, decoded.frames / rate_hz)
    if known.stated is None:
        return None

    def samples(start: int, stop: int) -> NDArray[np.float64]:
        return _read(path, start, stop)

    return Recording(path, rate_hz, lengths.sound(known, decoded), True, samples)


def _read(path: Path, start: int, stop: int) -> NDArray[np.float64]:
    import soundfile

    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            file.seek(start)
            wav_nc: NDArray[np.float64] = file.read(stop - start, "float64", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise AudioError("unreadable", path, audio_file.reason(error)) from None
    if len(wav_nc) < stop - start:
        raise AudioError(
            "unreadable",
            path,
            f"cut short: {stop - start} samples are stated from sample {start} on, the file has "
            f"{len(wav_nc)}",
        )
    return wav_nc
