"""Pitch and silence of a sample of clips, for a page that describes a corpus."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.data import clips
from mtlser.data.rng import generator
from mtlser.records import SAMPLE_RATE_HZ, Record, Utterance

FRAME_S = 0.02
SILENCE_DB = -40.0
"""A frame so far below the loudest frame is silence."""
LOWEST_HZ, HIGHEST_HZ = 60, 450
PERIODIC = 0.5
"""Autocorrelation at the lag of a period, of 1, from which a frame is voiced."""
OCTAVE = 0.9
"""A peak of this share of the highest is one, too; the one of the shortest period counts."""
LONGEST_S = 10.0
"""So much of a clip's beginning is measured."""


class Voice(Record):
    """What was measured of one clip."""

    pitch_hz: float | None
    """Median over its voiced frames; `None`: none is voiced, or the clip is too short."""
    silence: float
    """Share of its frames that are silent, 0-1."""


def sample(count: int, most: int, seed: int = 0) -> list[int]:
    """Places of some of `count` utterances, the same each time, in order."""
    if count <= most:
        return list(range(count))
    drawn = generator(seed, "voices").permutation(count)[:most]
    return sorted(drawn.tolist())


def measure(corpus: Path, utterance: Utterance) -> Voice:
    """Pitch and silence of an utterance of a corpus folder.

    Raises:
        MtlserError: its clip cannot be read.
    """
    wav_n = clips.load(corpus, utterance)[: int(LONGEST_S * SAMPLE_RATE_HZ)]
    loud_t = _speech(wav_n)
    return Voice(pitch_hz=_pitch_hz(wav_n, loud_t), silence=round(1 - float(loud_t.mean()), 4))


def _speech(wav_n: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which frames are not silent; a clip shorter than a frame is one frame."""
    size = round(FRAME_S * SAMPLE_RATE_HZ)
    count = max(1, len(wav_n) // size)
    frames_tf = np.resize(wav_n, count * size).reshape(count, size).astype(np.float64)
    level_t = np.sqrt(np.square(frames_tf).mean(axis=1))
    return np.asarray(level_t > level_t.max() * 10 ** (SILENCE_DB / 20))


def _pitch_hz(wav_n: NDArray[np.float32], loud_t: NDArray[np.bool_]) -> float | None:
    """Median over frames that are loud and periodic, by the highest peak of the autocorrelation.

    The autocorrelation is divided by that of its window (Boersma 1993, "Accurate short-term
    analysis of the fundamental frequency"), so that a longer period is not taken for a weaker one.
    torchaudio's `detect_pitch_frequency` counts unvoiced frames too, and takes seconds to import.
    """
    import scipy.fft

    hop, size = round(FRAME_S * SAMPLE_RATE_HZ), 2 * SAMPLE_RATE_HZ // LOWEST_HZ
    if len(wav_n) < SAMPLE_RATE_HZ // 2:
        return None
    frames_tf = np.lib.stride_tricks.sliding_window_view(wav_n, size)[::hop]
    frames_tf = (frames_tf - frames_tf.mean(axis=1, keepdims=True)) * np.hanning(size)
    length = scipy.fft.next_fast_len(2 * size)
    power_tf = np.square(np.abs(scipy.fft.rfft(frames_tf, length, axis=1)))
    shared_tl = scipy.fft.irfft(power_tf, length, axis=1)
    window_l = scipy.fft.irfft(np.square(np.abs(scipy.fft.rfft(np.hanning(size), length))), length)
    first, last = SAMPLE_RATE_HZ // HIGHEST_HZ, SAMPLE_RATE_HZ // LOWEST_HZ
    lags_tl = shared_tl[:, first:last] / window_l[first:last] * window_l[0]
    high_tl = lags_tl >= OCTAVE * lags_tl.max(axis=1, keepdims=True)
    high_tl[:, 1:-1] &= (lags_tl[:, 1:-1] >= lags_tl[:, :-2]) & (lags_tl[:, 1:-1] > lags_tl[:, 2:])
    best_t = high_tl.argmax(axis=1)  # the first such peak: two periods are as alike as one
    peak_t = lags_tl[np.arange(len(best_t)), best_t] / (shared_tl[:, 0] + 1e-9)
    middle_t = (np.arange(len(best_t)) * hop + size // 2) // hop
    voiced_t = loud_t[np.minimum(middle_t, len(loud_t) - 1)] & (peak_t > PERIODIC)
    voiced_t &= (best_t > 0) & (best_t < last - first - 1)
    pitches = SAMPLE_RATE_HZ / (first + best_t[voiced_t])
    return round(float(np.median(pitches)), 1) if len(pitches) else None
