"""Audio files decoded to 16 kHz mono 16-bit samples, stored once under the hash of the samples."""

import hashlib
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.data import audio_file, signal_checks
from mtlser.data.audio_file import AudioError, Fault
from mtlser.data.resampling import resample
from mtlser.files import atomic_file
from mtlser.records import SAMPLE_RATE_HZ

SILENCE_DBFS = -80.0
"""A clip whose highest peak is below this (3 steps of 16 bits) holds no speech."""
FULL_SCALE = 32_768
UNSTATED = "length unknown, the file states none, and may have been cut off"

__all__ = [
    "FULL_SCALE",
    "SILENCE_DBFS",
    "UNSTATED",
    "AudioError",
    "Clip",
    "Fault",
    "decode",
    "level_dbfs",
    "load",
    "resample",
    "store",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Clip:
    """A decoded file: 16 kHz mono, 16 bits."""

    samples_n: NDArray[np.int16]
    sha256: str
    """Of the samples as little-endian 16-bit integers."""
    level_dbfs: float
    """RMS level, see `level_dbfs`."""
    length_known: bool = True
    """False where the file states no length, so that nothing would show that it was cut off."""

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
        AudioError: `unreadable` (absent, corrupt, cut short, not a number, a sample rate outside
            1 to 384 kHz, or see `mtlser.data.signal_checks`), `empty` (no samples) or `silent` (no
            peak reaches `SILENCE_DBFS`).
    """
    decoded = audio_file.read(path)
    wav_nc = decoded.wav_nc
    if fault := signal_checks.scale_fault(wav_nc) or signal_checks.channel_fault(wav_nc):
        raise AudioError("unreadable", path, fault)
    wav_n = resample(signal_checks.without_offset(wav_nc.mean(axis=1)), decoded.rate_hz)
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
        length_known=decoded.length_known,
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

    A file written by `store` returns exactly the stored samples. A file that states no length is
    named in the log.

    Raises:
        AudioError: see `decode`.
    """
    clip = decode(path)
    if not clip.length_known:
        log.warning("%s: %s: it was read to its end at %.2f s", path, UNSTATED, clip.duration_s)
    return clip.samples_n.astype(np.float32) / np.float32(FULL_SCALE)


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
