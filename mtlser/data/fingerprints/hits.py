"""Words that two clips have in common: where near-identical clips lie over each other.

A pass takes the words of one range of values, so that memory does not grow with the corpus.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mtlser.data.fingerprints.bits import Places, around
from mtlser.data.fingerprints.store import Fingerprints
from mtlser.data.fingerprints.words import SILENCE, Words

NEIGHBOURS = 16
"""Of words of one value, each is compared with so many others."""
MOST_WORDS = 75_000_000
"""Of more words (330 h) only those of some values are looked up: the same values in all clips."""
EXACT_WORDS = 1 << 20
"""Of so many words, every two neighbours of a value are compared; of more, those alike around."""
PASS_WORDS = 1 << 22
"""Words of a pass."""
BLOCK = 1 << 18
"""Words that are searched at a time."""
AWAY, ALIKE = 16, 20
"""A frame away from the common word on each side, of 64 bits so many differ at most; ..."""
LOCALLY_DIFFERENT = 0.25
"""... and of the 40 words around it, this share of the bits."""

SPREAD, OTHER = np.uint32(2_654_435_761), np.uint32(40_503)
"""Odd, so that a product modulo 2^32 is another one for each number ..."""
BACK = np.uint32(pow(2_654_435_761, -1, 1 << 32))
"""... and this takes `SPREAD` away again."""
HALF = np.uint64(32)
WORKERS = 4
"""Passes side by side at most: each takes about 0.2 GB."""

NOWHERE: Places = np.zeros(0, dtype=np.int64)


def common(prints: Fingerprints, most: int, exact: int) -> Iterator[tuple[Places, Places]]:
    """Yields places of words, those of the first of two clips and of the second: the same words.

    Args:
        prints: of all clips.
        most: words that are looked up.
        exact: of so many words, all that are the same; of more, those alike around them.
    """
    total = len(prints.words)
    if not total:
        return
    values = (1 << 32) if total <= most else (1 << 32) * most // total
    passes = -(-min(total, most) // PASS_WORDS)
    bounds = [values * number // passes for number in range(passes + 1)]

    def one_pass(low: int, high: int) -> tuple[Places, Places]:
        places_w = _of_values(prints, low, high)
        steps = list(_neighbours(prints, places_w, total > exact))
        first, second = (np.concatenate(each) for each in zip(*steps, strict=True))
        if total <= exact:
            return first, second
        close = around(prints, first, second) <= LOCALLY_DIFFERENT
        return first[close], second[close]

    with ThreadPoolExecutor(min(WORKERS, os.cpu_count() or 1)) as pool:
        yield from pool.map(one_pass, bounds[:-1], bounds[1:])


def _of_values(prints: Fingerprints, low: int, high: int) -> Places:
    """Places of words whose mixed value is in a range; no silence, and of a run the first."""
    words_w, width = prints.words, np.uint32(high - low - 1)
    found = []
    for start in range(0, len(words_w), BLOCK):
        mixed_w = words_w[start : start + BLOCK] * SPREAD  # as many values, spread
        mixed_w -= np.uint32(low)
        found.append(np.flatnonzero(mixed_w <= width) + start)
    places_w = np.concatenate(found)
    ours_w = words_w[places_w]
    runs_w = np.flatnonzero(words_w[np.maximum(places_w - 1, 0)] == ours_w)
    begins_w = prints.starts[np.searchsorted(prints.starts, places_w[runs_w])] == places_w[runs_w]
    used_w = ours_w != SILENCE
    used_w[runs_w[~begins_w]] = False
    return places_w[used_w]


def _neighbours(
    prints: Fingerprints, places_w: Places, alike: bool
) -> Iterator[tuple[Places, Places]]:
    """Pairs of places of one word in two clips: each with its next few in an order of the word's.

    That order is another one for each word, so that a clip meets many of a large group.
    """
    ordered = _by_place if alike and len(prints.words) < 1 << 32 else _by_clip
    places_w, words_w = ordered(prints, places_w)
    around_w = _around(prints.words, places_w) if alike else None
    yield NOWHERE, NOWHERE
    for step in range(1, NEIGHBOURS + 1):
        same_w = words_w[step:] == words_w[:-step]
        if not same_w.any():
            return
        if around_w is not None:
            same_w &= np.bitwise_count(around_w[step:] ^ around_w[:-step]) <= ALIKE
        at = np.flatnonzero(same_w)
        one, other = places_w[at], places_w[at + step]
        yield np.minimum(one, other), np.maximum(one, other)


def _by_clip(prints: Fingerprints, places_w: Places) -> tuple[Places, Words]:
    """Places ordered by word, then by a number of clip and word; and their words."""
    words_w = prints.words[places_w]
    clip_w = (np.searchsorted(prints.starts, places_w, "right") - 1).astype(np.uint32)
    mixed_w = clip_w * SPREAD ^ words_w * OTHER
    order_w = np.argsort(words_w.astype(np.uint64) << HALF | mixed_w, kind="stable")
    return places_w[order_w], words_w[order_w]


def _by_place(prints: Fingerprints, places_w: Places) -> tuple[Places, Words]:
    """Places ordered by word, then by a number of place and word; and those that occur twice.

    The place is read from that number, which is another one for each place: sorting takes half of
    the time of finding an order.
    """
    words_w = prints.words[places_w]
    mixed_w = places_w.astype(np.uint32) * SPREAD ^ words_w * OTHER
    key_w = words_w.astype(np.uint64) << HALF | mixed_w
    key_w.sort()
    words_w = (key_w >> HALF).astype(np.uint32)
    again_w = np.zeros(len(words_w), dtype=bool)
    again_w[1:] = words_w[1:] == words_w[:-1]
    again_w[:-1] |= again_w[1:]
    words_w, mixed_w = words_w[again_w], key_w[again_w].astype(np.uint32)
    return ((mixed_w ^ words_w * OTHER) * BACK).astype(np.int64), words_w


def _around(words_w: Words, places_w: Places) -> NDArray[np.uint64]:
    """The words some way before and after each place, as 64 bits."""
    last = len(words_w) - 1
    before_w = words_w[np.maximum(places_w - AWAY, 0)].astype(np.uint64)
    return before_w << HALF | words_w[np.minimum(places_w + AWAY, last)]
