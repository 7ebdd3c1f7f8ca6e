"""Share of bits in which words differ, of many stretches at once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mtlser.data.fingerprints.store import Fingerprints
from mtlser.data.fingerprints.words import SILENCE, Words

AROUND = 20
"""Words on each side of a common one that `around` compares."""
BATCH = 1 << 20
"""Words that are compared at a time."""

Places = NDArray[np.int64]


def around(prints: Fingerprints, one_h: Places, other_h: Places) -> NDArray[np.float64]:
    """Share of different bits near a word that two clips have in common, of each such word.

    Args:
        prints: of all clips.
        one_h: places of the word in the first clip.
        other_h: places in the second.
    """
    before, after = [], []
    for place_h in (one_h, other_h):
        clip_h = np.searchsorted(prints.starts, place_h, "right") - 1
        before.append(np.minimum(place_h - prints.starts[clip_h], AROUND))
        after.append(np.minimum(prints.starts[clip_h + 1] - place_h, AROUND + 1))
    left_h, right_h = np.minimum(*before), np.minimum(*after)
    count_h = left_h + right_h
    return different(prints.words, one_h - left_h, other_h - left_h, count_h, 1)


def different(
    words_w: Words, one_p: Places, other_p: Places, count_p: Places, least: int
) -> NDArray[np.float64]:
    """Share of different bits of stretches of words, 0-1; silent words do not count.

    Args:
        words_w: of all clips.
        one_p: where each stretch begins.
        other_p: where the one begins that it is compared with.
        count_p: their length.
        least: 1 is the share where fewer words are speech in both.
    """
    share_p = np.ones(len(count_p))
    for rows in _batches(count_p, least):
        step = np.arange(int(count_p[rows].max()))
        inside = step < count_p[rows, None]
        last = len(words_w) - 1
        ours = words_w[np.minimum(one_p[rows, None] + step, last)]
        theirs = words_w[np.minimum(other_p[rows, None] + step, last)]
        speech = inside & (ours != SILENCE) & (theirs != SILENCE)
        bits = (np.bitwise_count(ours ^ theirs) * speech).sum(axis=1, dtype=np.int64)
        words = speech.sum(axis=1)
        enough = words >= least
        share_p[rows[enough]] = bits[enough] / (32 * words[enough])
    return share_p


def _batches(count_p: Places, least: int) -> Iterator[Places]:
    """Rows of about as many words, those with enough of them."""
    rows = np.flatnonzero(count_p >= least)
    rows = rows[np.argsort(count_p[rows], kind="stable")]
    while len(rows):
        size = max(1, BATCH // int(count_p[rows[min(len(rows), BATCH) - 1]]))
        yield rows[:size]
        rows = rows[size:]
