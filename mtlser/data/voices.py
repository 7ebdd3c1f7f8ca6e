"""Pitch and silence of a sample of clips, for a page that describes a corpus."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.data.rng import generator
from mtlser.records import SAMPLE_RATE_HZ, Record, Utterance

FRAME_S = 0.02
SILENCE_DB = -40.0
"""A frame so far below the loudest frame is silence."""
LOWEST_HZ, HIGHEST_HZ = 60, 450
LONGEST_S = 10.0
"""So much of a clip's beginning is measured."""


class Voice(Record):
    """What was measured of one clip."""

    pitch_hz: float | None
    """Median over its frames with speech, by torchaudio's `detect_pitch_frequency`; `None`: the
    clip is too short."""
    silence: float
    """Share of its frames that are silent, 0-1."""


def sample(utterances: Sequence[Utterance], most: int, seed: int = 0) -> list[Utterance]:
    """Some of the utterances, the same each time, in the manifest's order."""
    if len(utterances) <= most:
        return list(utterances)
    drawn = generator(seed, "voices").permutation(len(utterances))[:most]
    return [utterances[i] for i in sorted(drawn.tolist())]


def measure(path: Path) -> Voice:
    """Pitch and silence of the clip in a file of a corpus folder.

    Raises:
        AudioError: it cannot be read.
    """
    wav_n = audio.load(path)[: int(LONGEST_S * SAMPLE_RATE_HZ)]
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
    import torch
    from torchaudio.functional import detect_pitch_frequency

    if len(wav_n) < SAMPLE_RATE_HZ // 2:
        return None
    pitch_t = detect_pitch_frequency(
        torch.from_numpy(wav_n)[None], SAMPLE_RATE_HZ, freq_low=LOWEST_HZ, freq_high=HIGHEST_HZ
    )[0].numpy()
    place_t = np.minimum(np.arange(len(pitch_t)) * len(loud_t) // len(pitch_t), len(loud_t) - 1)
    voiced_n = pitch_t[loud_t[place_t] & (pitch_t > LOWEST_HZ) & (pitch_t < HIGHEST_HZ * 0.95)]
    return round(float(np.median(voiced_n)), 1) if len(voiced_n) else None
