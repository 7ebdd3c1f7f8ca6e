"""Audio files decoded to 16 kHz mono 16-bit samples, stored once under the hash of the samples."""

import hashlib
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.data import signal_checks
from mtlser.errors import MtlserError
from mtlser.files import atomic_file
from mtlser.records import SAMPLE_RATE_HZ

SILENCE_DBFS = -80.0
"""A clip whose highest peak is below this (3 steps of 16 bits) holds no speech."""
FULL_SCALE = 32_768
STREAMED_BYTES = 0x7FFF_0000
"""A WAV header with at least this length was written to a pipe, and the length is meaningless."""

CUT_SHORT = re.compile(r"data : (\d+) \(should be (\d+)\)")

Fault = Literal["unreadable", "empty", "silent"]


class AudioError(MtlserError):
    """A file without usable speech; `fault` says why."""

    def __init__(self, fault: Fault, path: Path, detail: str) -> None:
        super().__init__(
            f"{path}: {fault}: {detail}; expected speech that libsndfile decodes (WAV, FLAC, MP3, "
            "...); check it with `file`"
        )
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, eq=False)
class Clip:
    """A decoded file: 16 kHz mono, 16 bits."""

    samples_n: NDArray[np.int16]
    sha256: str
    """Of the samples as little-endian 16-bit integers."""
    level_dbfs: float
    """RMS level, see `level_dbfs`."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples_n) / SAMPLE_RATE_HZ

    @property
    def path(self) -> str:
        """Place below the corpus folder: `audio/ab/<sha256>.flac`."""
        return f"audio/{self.sha256[:2]}/{self.sha256}.flac"


def decode(path: Path) -> Clip:
    """The file as 16 kHz mono: channels averaged, resampled, rounded to 16 bits.

    Samples of a 16-bit 16 kHz mono file stay unchanged, but for a large constant offset, which is
    taken away. Samples beyond full scale are clipped where they are few.

    Raises:
        AudioError: `unreadable` (absent, corrupt, cut short, not a number, or see
            `mtlser.data.signal_checks`), `empty` (no samples) or `silent` (no peak reaches
            `SILENCE_DBFS`).
    """
    wav_nc, rate_hz = _read(path)
    if not len(wav_nc):
        raise AudioError("empty", path, "no samples")
    if not np.isfinite(wav_nc).all():
        raise AudioError("unreadable", path, "samples that are not numbers")
    if fault := signal_checks.scale_fault(wav_nc) or signal_checks.channel_fault(wav_nc):
        raise AudioError("unreadable", path, fault)
    wav_n = resample(signal_checks.without_offset(wav_nc.mean(axis=1)), rate_hz)
    scaled_n = np.rint(wav_n * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1)
    samples_n = scaled_n.astype("<i2")
    if not len(samples_n):
        raise AudioError("empty", path, "no samples")
    if _decibels(float(np.abs(scaled_n).max()) / FULL_SCALE) < SILENCE_DBFS:
        raise AudioError("silent", path, f"no peak over {SILENCE_DBFS:.0f} dBFS")
    return Clip(
        samples_n=samples_n,
        sha256=hashlib.sha256(samples_n.tobytes()).hexdigest(),
        level_dbfs=round(level_dbfs(scaled_n / FULL_SCALE), 2),
    )


def store(clip: Clip, folder: Path) -> str:
    """Path below `folder` where the clip is stored as FLAC; duplicate audio is stored once."""
    import soundfile

    path = folder / clip.path
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, durable=False) as temporary:
            soundfile.write(
                temporary, clip.samples_n, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16"
            )
    return clip.path


def load(path: Path) -> NDArray[np.float32]:
    """The samples of an audio file as 16 kHz mono (n,) between -1 and 1.

    A file written by `store` returns exactly the stored samples.

    Raises:
        AudioError: see `decode`.
    """
    return decode(path).samples_n.astype(np.float32) / np.float32(FULL_SCALE)


def resample(wav_n: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """The waveform at 16 kHz, by torchaudio's windowed sinc; itself where it is at 16 kHz.

    Args:
        wav_n: samples at `rate_hz`.
        rate_hz: any rate above 0.
    """
    if rate_hz == SAMPLE_RATE_HZ:
        return wav_n
    import torch

    resampled: NDArray[np.float64] = _resampler(rate_hz)(torch.from_numpy(wav_n)).numpy()
    return resampled


@cache
def _resampler(rate_hz: int) -> Any:
    """The filter from `rate_hz`, computed once: that takes longer than to apply it to a clip."""
    import torch
    from torchaudio.transforms import Resample

    # float64, so that the rounding to 16 bits does not depend on the number of threads
    return Resample(rate_hz, SAMPLE_RATE_HZ, dtype=torch.float64)


def level_dbfs(wav_n: NDArray[np.floating[Any]]) -> float:
    """RMS level in dB relative to full scale (a square wave between -1 and 1 has 0 dBFS).

    Minus infinity for digital silence and for no samples.

    >>> import numpy as np
    >>> round(level_dbfs(0.1 * np.ones(8)), 3)
    -20.0
    """
    if not len(wav_n):
        return -math.inf
    return _decibels(float(np.sqrt(np.mean(np.square(wav_n, dtype=np.float64)))))


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def _read(path: Path) -> tuple[NDArray[np.float64], int]:
    """Samples (n, channel) and their rate in Hz."""
    import soundfile

    if not path.is_file():
        raise AudioError("unreadable", path, "no such file")
    if path.stat().st_size == 0:
        raise AudioError("empty", path, "0 bytes")
    try:
        with soundfile.SoundFile(path) as file:
            missing = _missing_bytes(file.extra_info, file.channels)
            # Some codecs, GSM 6.10 for one, cannot seek, and are read by their stated length.
            frames = -1 if file.seekable() else file.frames
            wav_nc = file.read(frames, dtype="float64", always_2d=True)
            rate_hz = file.samplerate
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")
        raise AudioError("unreadable", path, reason) from None
    if missing:
        raise AudioError("unreadable", path, missing)
    return wav_nc, rate_hz


def _missing_bytes(log: str, channels: int) -> str | None:
    """How far a WAV ends before the length in its header, from libsndfile's log; or `None`.

    libsndfile reads such a file without an error, so half a copied file would go unnoticed.
    """
    match = CUT_SHORT.search(log)
    if match is None:
        return None
    stated, present = int(match[1]), int(match[2])
    if stated >= STREAMED_BYTES or stated <= present + 2 * channels:
        return None
    return f"cut short: the header states {stated} bytes of samples, the file has {present}"
