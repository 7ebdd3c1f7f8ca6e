"""Audio files decoded to 16 kHz mono 16-bit samples, stored once under the hash of the samples."""

import hashlib
import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.data import clip_facts, resampling, signal_checks
from mtlser.data.audio_file import AudioError, Fault
from mtlser.data.clip_facts import Facts
from mtlser.data.decoding import pieces
from mtlser.data.decoding.channels import Policy, chosen
from mtlser.data.decoding.limits import ANY, Most
from mtlser.data.decoding.pieces import Piece, Span
from mtlser.data.resampling import resample
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
    "Facts",
    "Fault",
    "Policy",
    "Span",
    "decode",
    "decode_spans",
    "level_dbfs",
    "load",
    "resample",
    "scaled",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Clip:
    """A decoded file, or a piece of one: 16 kHz mono, 16 bits."""

    samples_n: NDArray[np.int16]
    sha256: str
    """Of the samples as little-endian 16-bit integers."""
    level_dbfs: float
    """RMS level, see `level_dbfs`."""
    length_known: bool = True
    """False where the file states no length, so that nothing would show that it was cut off."""
    facts: Facts | None = None
    """What was measured of the recording."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples_n) / SAMPLE_RATE_HZ


def decode(
    path: Path,
    *,
    channels: Policy = "mix",
    start_s: float | None = None,
    end_s: float | None = None,
    most: Most = ANY,
) -> Clip:
    """The file, or a piece of it, as 16 kHz mono: resampled, rounded to 16 bits.

    Samples of a 16-bit 16 kHz mono file stay unchanged, but for a large constant offset, which is
    taken away. Samples beyond full scale are clipped where they are few. Pieces that meet are, one
    after another, the samples of the whole; the offset and the loudest channel are a piece's own.

    Args:
        path: the file.
        channels: the mean of all channels (`mix`), the first, the second, or the loudest.
        start_s: where the piece begins; `None`: where the file does.
        end_s: where it ends, up to 0.05 s beyond the file's end; `None`: where the file does.
        most: the longest recording that is decoded whole.

    Raises:
        AudioError: `unreadable` (absent, corrupt, cut short, not a number, a sample rate outside
            1 to 384 kHz, a piece that is not in the file, or see `mtlser.data.signal_checks`),
            `empty` (no samples) or `silent` (no peak reaches `SILENCE_DBFS`).
    """
    if start_s is None and end_s is None:
        return _clip(path, pieces.whole(path, most), channels)
    return _clip(path, pieces.recording(path).piece(Span(start_s, end_s)), channels)


def decode_spans(
    path: Path, spans: Iterable[Span], *, channels: Policy = "mix"
) -> Iterator[Clip | AudioError]:
    """Yields each piece of one recording as `decode` returns it, or the error that it raises.

    The recording is decoded once, or not at once where libsndfile seeks in it.

    Args:
        path: the file.
        spans: what the pieces are.
        channels: see `decode`.
    """
    opened: pieces.Recording | AudioError | None = None
    for span in spans:
        try:
            if span == pieces.WHOLE:
                yield decode(path, channels=channels)
                continue
            opened = opened or _opened(path)
            if isinstance(opened, AudioError):
                yield opened
                continue
            yield _clip(path, opened.piece(span), channels)
        except AudioError as error:
            yield error


def _opened(path: Path) -> pieces.Recording | AudioError:
    try:
        return pieces.recording(path)
    except AudioError as error:
        return error


def _mean(wav_nc: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the channels, (n,); of one channel itself."""
    return wav_nc[:, 0] if wav_nc.shape[1] == 1 else np.asarray(wav_nc.mean(axis=1))


def _clip(path: Path, piece: Piece, channels: Policy) -> Clip:
    used = chosen(piece.inside_nc, channels)
    used_nc = piece.inside_nc[:, used]
    if fault := signal_checks.scale_fault(used_nc) or signal_checks.channel_fault(used_nc):
        raise AudioError("unreadable", path, fault)
    wav_n = _mean(piece.wav_nc[:, used])
    if offset := signal_checks.offset(wav_n if piece.is_whole else _mean(used_nc)):
        wav_n = wav_n - offset
    scaled_n = _at_16_khz(wav_n, piece) * FULL_SCALE
    del wav_n
    np.rint(scaled_n, out=scaled_n)
    np.clip(scaled_n, -FULL_SCALE, FULL_SCALE - 1, out=scaled_n)
    samples_n = scaled_n.astype("<i2")
    if not len(samples_n):
        raise AudioError("empty", path, "no samples")
    if _decibels(float(max(scaled_n.max(), -scaled_n.min())) / FULL_SCALE) < SILENCE_DBFS:
        raise AudioError("silent", path, f"no peak over {SILENCE_DBFS:.0f} dBFS")
    scaled_n /= FULL_SCALE
    return Clip(
        samples_n=samples_n,
        sha256=hashlib.sha256(samples_n.data).hexdigest(),
        level_dbfs=round(level_dbfs(scaled_n), 2),
        length_known=piece.length_known,
        facts=clip_facts.measure(piece.inside_nc, used_nc, piece.rate_hz, scaled_n),
    )


def _at_16_khz(wav_n: NDArray[np.float64], piece: Piece) -> NDArray[np.float64]:
    """The piece alone, resampled with the context that `wav_n` has, on the whole's grid."""
    before = resampling.bounds(0, piece.at, piece.rate_hz)[1]
    first, last = resampling.bounds(piece.first, piece.last, piece.rate_hz)
    return resample(wav_n, piece.rate_hz)[first - before : last - before]


def load(path: Path, channels: Policy = "mix", most: Most = ANY) -> NDArray[np.float32]:
    """The samples of an audio file as 16 kHz mono (n,) between -1 and 1.

    A file that states no length is named in the log.

    Args:
        path: the file.
        channels: see `decode`.
        most: see `decode`.

    Raises:
        AudioError: see `decode`.
    """
    clip = decode(path, channels=channels, most=most)
    if not clip.length_known:
        log.warning("%s: %s: it was read to its end at %.2f s", path, UNSTATED, clip.duration_s)
    return scaled(clip.samples_n)


def scaled(samples_n: NDArray[np.int16]) -> NDArray[np.float32]:
    """Samples of 16 bits as numbers between -1 and 1."""
    return samples_n.astype(np.float32) / np.float32(FULL_SCALE)


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
