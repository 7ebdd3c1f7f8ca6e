"""Clips that are near-identical: laid over each other, few bits differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.data.fingerprints import hits
from mtlser.data.fingerprints.bits import Places, different
from mtlser.data.fingerprints.store import FINGERPRINTS, Fingerprints, read
from mtlser.errors import MtlserError
from mtlser.records import Utterance

MOST_DIFFERENT = 0.16
"""Share of bits that may differ between near-identical clips."""
LEAST_WORDS = 40
"""Frames, both of them speech, that must lie over each other (0.64 s)."""


class Near(dict[str, frozenset[str]]):
    """For the SHA-256 of each clip with near-identical others: theirs.

    Args:
        found: the clips.
        looked_up: share of the fingerprints' words by which they were looked for.
    """

    def __init__(self, found: Mapping[str, frozenset[str]], looked_up: float = 1.0) -> None:
        super().__init__(found)
        self.looked_up = looked_up


@dataclass(frozen=True, eq=False)
class Laid:
    """Clips laid over each other: places of clips, and by how many words the first is moved."""

    first: Places
    second: Places
    shift: Places

    def some(self, chosen: NDArray[np.bool_] | Places) -> "Laid":
        """Those chosen."""
        return Laid(self.first[chosen], self.second[chosen], self.shift[chosen])


def at_hand(folder: Path | None, utterances: Sequence[Utterance]) -> Near | None:
    """Near-identical audio of a corpus folder; `None`: it has no fingerprints.

    Args:
        folder: of the corpus; `None`: not at hand.
        utterances: the manifest.

    Raises:
        MtlserError: the fingerprints are of other audio than the manifest.
    """
    path = None if folder is None else folder / FINGERPRINTS
    if path is None or not path.is_file():
        return None
    prints = read(path)
    lacking = prints.audio.lacking(each.audio_sha256 for each in utterances)
    if lacking:
        raise MtlserError(
            f"{path}: no fingerprint of {lacking} clips of the manifest; run `mtlser ingest` again"
        )
    return near(prints)


def near(prints: Fingerprints) -> Near:
    """Near-identical clips of each clip that has any, by SHA-256 of their samples."""
    found: dict[str, set[str]] = {}
    for first, second in pairs(prints):
        for one, other in ((first, second), (second, first)):
            found.setdefault(prints.audio[one], set()).add(prints.audio[other])
    near_clips = {name: frozenset(others) for name, others in sorted(found.items())}
    return Near(near_clips, min(1.0, hits.MOST_WORDS / max(1, len(prints.words))))


def pairs(
    prints: Fingerprints, most: int = hits.MOST_WORDS, exact: int = hits.EXACT_WORDS
) -> list[tuple[int, int]]:
    """Places of clips that are near-identical, the lower first, in order.

    Args:
        prints: of all clips.
        most: words that are looked up; of more, only some of the values are.
        exact: of so many words, all clips with a word in common are compared.
    """
    clips = len(prints.audio)
    found_p = np.zeros(0, dtype=np.int64)
    for one_h, other_h in hits.common(prints, most, exact):
        laid = _laid(prints, one_h, other_h)
        laid = laid.some(~np.isin(laid.first * clips + laid.second, found_p))
        laid = laid.some(_lowest(prints, laid) <= MOST_DIFFERENT)
        found_p = np.union1d(found_p, laid.first * clips + laid.second)
    return [divmod(pair, clips) for pair in found_p.tolist()]


def lowest_error(prints: Fingerprints) -> float:
    """The smallest share of different bits of two clips that have a word in common; 1: no two."""
    errors = [
        _lowest(prints, _laid(prints, one_h, other_h)).min(initial=1.0)
        for one_h, other_h in hits.common(prints, len(prints.words), len(prints.words))
    ]
    return float(min(errors, default=1.0))


def _laid(prints: Fingerprints, one_h: Places, other_h: Places) -> Laid:
    """Clips laid so that words at these places lie over each other, each way once."""
    first_h = np.searchsorted(prints.starts, one_h, "right") - 1
    second_h = np.searchsorted(prints.starts, other_h, "right") - 1
    shift_h = one_h - prints.starts[first_h] - (other_h - prints.starts[second_h])
    ways = np.stack([first_h, second_h, shift_h], axis=1)[first_h != second_h]
    first, second, shift = np.unique(ways, axis=0).T
    return Laid(first, second, shift)


def _lowest(prints: Fingerprints, laid: Laid) -> NDArray[np.float64]:
    """Share of different bits, the smallest of where they are laid and one word to each side."""
    moved = [Laid(laid.first, laid.second, laid.shift + step) for step in (0, -1, 1)]
    return np.min([_error(prints, each) for each in moved], axis=0)


def _error(prints: Fingerprints, laid: Laid) -> NDArray[np.float64]:
    """Share of different bits where the clips lie over each other."""
    starts, ends = prints.starts[:-1], prints.starts[1:]
    lengths = ends - starts
    from_p = np.maximum(0, laid.shift)
    to_p = np.minimum(lengths[laid.first], lengths[laid.second] + laid.shift)
    one_p = starts[laid.first] + from_p
    return different(
        prints.words, one_p, starts[laid.second] + from_p - laid.shift, to_p - from_p, LEAST_WORDS
    )
