"""An audio file as libsndfile decodes it, else as FFmpeg does, or the fault that it has."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.data import lengths, resampling
from mtlser.data.decoding import ffmpeg
from mtlser.data.decoding.limits import ANY, Most
from mtlser.errors import MtlserError
from mtlser.recipes import names

Fault = Literal["unreadable", "empty", "silent"]
UNFINISHED = {"WAV", "WAVEX"}
"""Where a recorder that was stopped leaves a length of 0, libsndfile reads nothing, FFmpeg all."""


class AudioError(MtlserError):
    """A file without usable speech; `fault` says why."""

    def __init__(self, fault: Fault, path: Path, detail: str) -> None:
        super().__init__(
            f"{names.shown(str(path))}: {fault}: {detail}; expected speech that libsndfile or "
            "FFmpeg decodes (WAV, FLAC, MP3, M4A, WebM, ...); check it with `file`"
        )
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, eq=False)
class Decoded:
    """The samples of a file."""

    wav_nc: NDArray[np.float64]
    """Numbers, not limited to -1..1."""
    rate_hz: int
    length_known: bool
    """False where the file states no length, so that nothing would show that it was cut off."""


def read(path: Path, most: Most = ANY) -> Decoded:
    """The whole file at its own rate, all channels.

    Raises:
        AudioError: `unreadable` (absent, corrupt, cut short, not a number, a rate that is not
            read, too long for memory) or `empty` (no samples).
    """
    refuse_absent(path)
    wav_nc, decoded, rate_hz = _libsndfile(path, most) or _ffmpeg(path, most)
    known = lengths.length(path, decoded)
    if not decoded.frames and decoded.container in UNFINISHED and known.stated is None:
        wav_nc, decoded, rate_hz = _ffmpeg(path, most)
    check_length(path, known, len(wav_nc) / rate_hz if rate_hz else 0.0)
    wav_nc = wav_nc[: lengths.sound(known, decoded)]
    if not len(wav_nc):
        raise AudioError("empty", path, "no samples")
    if not np.isfinite(wav_nc).all():
        raise AudioError("unreadable", path, "samples that are not numbers")
    return Decoded(wav_nc, rate_hz, known.stated is not None)


def refuse_absent(path: Path) -> None:
    """Refuses what is no file, or has no bytes.

    Raises:
        AudioError: `unreadable` or `empty`.
    """
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError as error:  # a link to itself
        raise AudioError("unreadable", path, error.strerror or str(error)) from None
    if size is None:
        raise AudioError("unreadable", path, "no such file")
    if size == 0:
        raise AudioError("empty", path, "0 bytes")


def check_rate(path: Path, rate_hz: int) -> None:
    """Refuses a sample rate that is not read.

    Raises:
        AudioError: `unreadable`.
    """
    if not resampling.is_read(rate_hz):
        raise AudioError("unreadable", path, resampling.refusal(rate_hz))


def check_length(path: Path, known: lengths.Length, seconds: float) -> None:
    """Refuses a file that has less than it states; libsndfile reads most of them in silence.

    Raises:
        AudioError: `unreadable`.
    """
    if known.fault is not None:
        raise AudioError("unreadable", path, f"cut short: {known.fault}")
    if known.stated is None or known.stated <= known.present:
        return
    if not seconds or not known.present:
        raise AudioError("unreadable", path, "cut short: the file has no samples of those stated")
    stated_s = seconds * known.stated / known.present
    raise AudioError(
        "unreadable",
        path,
        f"cut short: the header states {stated_s:.7g} s, the file has {seconds:.7g} s",
    )


def _libsndfile(path: Path, most: Most) -> tuple[NDArray[np.float64], lengths.Decoded, int] | None:
    """Samples, what was decoded and the rate; `None` where libsndfile does not open the file."""
    import soundfile

    from mtlser.data import soundfile_internals

    try:
        file = soundfile.SoundFile(os.fsencode(path))
    except (soundfile.SoundFileError, OSError, ValueError):
        return None
    try:
        with file:
            rate_hz = int(file.samplerate)
            check_rate(path, rate_hz)
            left = most.frames(rate_hz, file.channels)
            blocks = [np.zeros((0, file.channels))]
            for block in soundfile_internals.blocks(file):
                blocks.append(block)
                left -= len(block)
                if left < 0:
                    raise AudioError("unreadable", path, most.refusal(rate_hz, file.channels))
            wav_nc = _joined(blocks)
            log = str(file.extra_info)
            return wav_nc, lengths.Decoded(str(file.format), len(wav_nc), log), rate_hz
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise AudioError("unreadable", path, reason(error)) from None


def _joined(blocks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """All blocks in one, (n, channel); each is let go of once it is copied."""
    wav_nc = np.empty((sum(map(len, blocks)), blocks[0].shape[1]))
    at = 0
    for index, block in enumerate(blocks):
        wav_nc[at : at + len(block)] = block
        at += len(block)
        blocks[index] = block[:0].copy()
    return wav_nc


def _ffmpeg(path: Path, most: Most) -> tuple[NDArray[np.float64], lengths.Decoded, int]:
    try:
        sound = ffmpeg.read(path, most)
    except (ffmpeg.NotDecodedError, OSError) as error:
        check_length(path, lengths.cut(path), 0.0)
        raise AudioError("unreadable", path, str(error)) from None
    return sound.wav_nc, sound.decoded, sound.decoded.rate_hz


def reason(error: Exception) -> str:
    """What libsndfile says of a file."""
    return str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")
