"""Fingerprints of clips, by which a changed copy of a recording is found: cut, coded, noisy.

After Haitsma and Kalker, "A highly robust audio fingerprinting system" (ISMIR 2002): each frame
gives 32 bits, the signs of differences of energy between neighbouring bands and times. Signs
outlast gain, coding and some noise. Two clips are near-identical where, laid over each other,
few bits differ; docs/decisions/0014-near-identical-audio.md has the measured error rates.
"""

from mtlser.data.fingerprints.hits import MOST_WORDS, NEIGHBOURS
from mtlser.data.fingerprints.near import (
    LEAST_WORDS,
    MOST_DIFFERENT,
    Near,
    at_hand,
    lowest_error,
    near,
    pairs,
)
from mtlser.data.fingerprints.spilled import Spilled
from mtlser.data.fingerprints.store import FINGERPRINTS, Fingerprints, Stored, gather, read, write
from mtlser.data.fingerprints.words import FRAME, HOP, LAG, SILENCE, Words, fingerprint

__all__ = [
    "FINGERPRINTS",
    "FRAME",
    "HOP",
    "LAG",
    "LEAST_WORDS",
    "MOST_DIFFERENT",
    "MOST_WORDS",
    "NEIGHBOURS",
    "SILENCE",
    "Fingerprints",
    "Near",
    "Spilled",
    "Stored",
    "Words",
    "at_hand",
    "fingerprint",
    "gather",
    "lowest_error",
    "near",
    "pairs",
    "read",
    "write",
]
