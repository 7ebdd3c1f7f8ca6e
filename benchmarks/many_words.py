"""Made-up fingerprints of many clips, whose words recur as often as those of speech do.

A clip has the low bands of one stretch of the demo's synthetic speech and the high bands of
another, some of them backwards or inverted; one word in ten is one of that speech, drawn at random.
So two words of different clips are the same once in four million pairs, those of clips of two of
EmoDB, URDU and the synthetic corpus once in 3 to 9 million; and no two clips share more than
their low or high bands. Copies differ from their clips in the bits in which a copy with white noise
at 20 dB differs from its clip in the synthetic speech, and lack the first 20 words.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import near_audio
from mtlser.data import fingerprints
from mtlser.data.fingerprints import SILENCE, Fingerprints, Words
from mtlser.data.synthetic import corpus

LENGTH = 150
"""Words of a clip: 2.7 s of speech."""
COPIES, CUT = 200, 20
"""Clips of which there is a copy, and words that it lacks at its start."""
RECURRING = 0.1
"""Share of words that are drawn from those of speech."""
LOWEST, HIGHEST = 13, 19
"""Bits that come from the one stretch."""
BLOCK = 10_000
"""Clips that are made at a time."""


def speech() -> tuple[Words, Words]:
    """Words of the synthetic release, clip after clip, and those of a noisy copy of each."""
    with tempfile.TemporaryDirectory() as folder:
        corpus.write_release(Path(folder) / "release", 0)
        clips = near_audio.clips_of(Path(folder) / "release")
    rng = np.random.default_rng(0)
    whole, noisy = [], []
    for clip in clips.values():
        words = fingerprints.fingerprint(clip)
        copy = fingerprints.fingerprint(near_audio.noisy(clip, rng))
        spoken = (words != SILENCE) & (copy != SILENCE)
        whole.append(words[spoken])
        noisy.append(copy[spoken])
    return np.concatenate(whole), np.concatenate(noisy)


def made_up(count: int) -> Fingerprints:
    """Fingerprints of so many clips, the last of which are copies of some; see `planted`."""
    spoken, noisy = speech()
    rng = np.random.default_rng(1)
    words_cw = np.empty((count, LENGTH), np.uint32)
    for start in range(0, count, BLOCK):
        words_cw[start : start + BLOCK] = _varied(spoken, min(BLOCK, count - start), rng)
    for original, copy in planted(count).items():
        at = int(rng.integers(len(spoken) - LENGTH))
        other = (spoken ^ noisy)[at : at + LENGTH]
        words_cw[copy] = np.roll(words_cw[original] ^ other, -CUT)
        words_cw[copy, -CUT:] = words_cw[copy, :CUT][::-1]
    return Fingerprints(
        audio=[f"{clip:064x}" for clip in range(count)],
        starts=np.arange(count + 1, dtype=np.int64) * LENGTH,
        words=words_cw.ravel(),
    )


def planted(count: int) -> Mapping[int, int]:
    """The place of each copy, by that of its clip."""
    copies = min(COPIES, count // 4)
    return {place * (count // 2 // copies): count - copies + place for place in range(copies)}


def _varied(spoken: Words, count: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Clips that were never said, (clip, word)."""
    step = np.arange(LENGTH)
    backwards = rng.random((2, count, 1)) < 0.5
    steps = np.where(backwards, LENGTH - 1 - step, step)
    low, high = spoken[rng.integers(len(spoken) - LENGTH, size=(2, count, 1)) + steps]
    bits = rng.integers(LOWEST, HIGHEST + 1, (count, 1)).astype(np.uint32)
    mask = (np.uint32(1) << bits) - np.uint32(1)
    words_cw: NDArray[np.uint32] = (low & mask) | (high & ~mask)
    words_cw ^= np.where(rng.random((count, 1)) < 0.5, ~np.uint32(0), np.uint32(0))
    drawn = rng.random(words_cw.shape) < RECURRING
    words_cw[drawn] = spoken[rng.integers(len(spoken), size=int(drawn.sum()))]
    return words_cw
