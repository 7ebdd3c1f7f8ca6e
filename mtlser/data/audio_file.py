"""An audio file as libsndfile decodes it, or the fault that it has."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.data import lengths, resampling
from mtlser.errors import MtlserError
from mtlser.recipes import names

Fault = Literal["unreadable", "empty", "silent"]


class AudioError(MtlserError):
    """A file without usable speech; `fault` says why."""

    def __init__(self, fault: Fault, path: Path, detail: str) -> None:
        super().__init__(
            f"{names.shown(str(path))}: {fault}: {detail}; expected speech that libsndfile decodes "
            "(WAV, FLAC, MP3, ...); check it with `file`"
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


def read(path: Path) -> Decoded:
    """The whole file at its own rate, all channels.

    Raises:
        AudioError: `unreadable` (absent, corrupt, cut short, not a number, a rate that is not
            read) or `empty` (no samples).
    """
    import soundfile

    from mtlser.data import soundfile_internals

    if not path.is_file():
        raise AudioError("unreadable", path, "no such file")
    if path.stat().st_size == 0:
        raise AudioError("empty", path, "0 bytes")
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            rate_hz = int(file.samplerate)
            _check_rate(path, rate_hz)
            container, log = str(file.format), str(file.extra_info)
            blocks = list(soundfile_internals.blocks(file)) or [np.zeros((0, file.channels))]
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")
        raise AudioError("unreadable", path, reason) from None
    wav_nc = np.concatenate(blocks)
    decoded = lengths.Decoded(container, len(wav_nc), log)
    known = lengths.length(path, decoded)
    _check_length(path, known, len(wav_nc) / rate_hz)
    wav_nc = wav_nc[: lengths.sound(known, decoded)]
    if not len(wav_nc):
        raise AudioError("empty", path, "no samples")
    if not np.isfinite(wav_nc).all():
        raise AudioError("unreadable", path, "samples that are not numbers")
    return Decoded(wav_nc, rate_hz, known.stated is not None)


def _check_rate(path: Path, rate_hz: int) -> None:
    if not resampling.is_read(rate_hz):
        raise AudioError(
            "unreadable",
            path,
            f"a sample rate of {rate_hz} Hz, allowed are {resampling.LOWEST_HZ} to "
            f"{resampling.HIGHEST_HZ} Hz",
        )


def _check_length(path: Path, known: lengths.Length, seconds: float) -> None:
    """Refuses a file that has less than it states; libsndfile reads most of them in silence."""
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
