"""Clips longer than an encoder's window: which pieces it gets, and how their outputs are joined.

A clip up to the window is one piece, and its output is what the network gives. A longer one is cut
into the fewest pieces of equal length that overlap by 4 s and fit the window. Each piece speaks for
the part up to the middle of its overlaps, so that the parts fill the clip once:

emotion   mean of the pieces' probabilities, weighted by the seconds of their parts
speaker   the highest of such a mean
words     CTC frames of the parts one after another, then decoded, so that no word is doubled
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlser.records import SAMPLE_RATE_HZ

OVERLAP_S = 4.0
"""That two pieces have in common; each sees 2 s beyond its part, which is more than a word."""
STEP = 320
"""Samples that every boundary but the last is a multiple of: 20 ms, a frame of the encoders."""


@dataclass(frozen=True)
class Window:
    """One piece of a clip, and the part of the clip that it speaks for; in samples."""

    start: int
    stop: int
    part_start: int
    part_stop: int

    @property
    def seconds(self) -> float:
        """Length of the piece."""
        return (self.stop - self.start) / SAMPLE_RATE_HZ

    @property
    def part(self) -> int:
        """Samples that the piece speaks for."""
        return self.part_stop - self.part_start


def windows(samples: int, longest_s: float) -> list[Window]:
    """The pieces of a clip, one after another; none is longer than `longest_s`.

    Args:
        samples: of the clip, at 16 kHz.
        longest_s: the window; of one under 16 s a quarter overlaps.

    >>> [(each.start, each.stop) for each in windows(16_000 * 50, 60.0)]
    [(0, 800000)]
    >>> [(each.start // 16_000, each.stop // 16_000) for each in windows(16_000 * 100, 60.0)]
    [(0, 52), (48, 100)]
    """
    longest = int(longest_s * SAMPLE_RATE_HZ)
    overlap = min(int(OVERLAP_S * SAMPLE_RATE_HZ), longest // 4) // (2 * STEP) * 2 * STEP
    if samples <= longest:
        return [Window(0, samples, 0, samples)]
    count = -(-(samples - overlap) // (longest - overlap - STEP))
    starts = [(samples - overlap) * index // count // STEP * STEP for index in range(count)]
    stops = [start + overlap for start in starts[1:]] + [samples]
    cuts = [0, *(start + overlap // 2 for start in starts[1:]), samples]
    return [Window(*each) for each in zip(starts, stops, cuts[:-1], cuts[1:], strict=True)]


def weighted_mean(
    rows: Sequence[NDArray[np.float64]], pieces: Sequence[Window]
) -> NDArray[np.float64]:
    """Mean of the pieces' probabilities, (e,) each, weighted by their parts; of one piece its own.

    >>> pieces = [Window(0, 4, 0, 3), Window(2, 4, 3, 4)]
    >>> weighted_mean([np.array([1.0, 0.0]), np.array([0.0, 1.0])], pieces).tolist()
    [0.75, 0.25]
    """
    total = sum(piece.part for piece in pieces)
    if len(pieces) == 1 or not total:
        return rows[0]
    weights_p = np.array([piece.part / total for piece in pieces])
    mean_e: NDArray[np.float64] = weights_p @ np.stack(rows)
    return mean_e


def joined(
    frames: Sequence[Sequence[int]], pieces: Sequence[Window], frames_of: Callable[[int], int]
) -> list[int]:
    """One symbol for each frame of the clip, from the symbols of its pieces.

    Args:
        frames: symbols of each piece, one a frame.
        pieces: of the clip.
        frames_of: frames that the encoder makes of so many samples.

    >>> pieces = [Window(0, 3200, 0, 1920), Window(640, 3840, 1920, 3840)]
    >>> joined([[0, 1, 2, 3, 4, 5, 9, 9, 9, 9], [9, 9, 9, 9, 6, 7, 8]], pieces, lambda n: n // 320)
    [0, 1, 2, 3, 4, 5, 6, 7, 8]
    """
    symbols: list[int] = []
    for line, piece in zip(frames, pieces, strict=True):
        first = 0 if piece.part_start == piece.start else frames_of(piece.part_start - piece.start)
        ends = piece.part_stop == piece.stop
        last = len(line) if ends else frames_of(piece.part_stop - piece.start)
        symbols += line[first:last]
    return symbols
