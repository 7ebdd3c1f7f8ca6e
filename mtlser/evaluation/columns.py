"""Predictions as columns: what scoring needs of each, about 50 bytes, and no text.

A million predictions as records take gigabytes; as columns they take megabytes.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlser.records import Split

Group = tuple[str, Split, str]
"""System, split, condition."""

Integers = NDArray[np.int32]
NONE = -1
"""Place of what is absent, inside columns only."""


@dataclass(frozen=True)
class Truth:
    """What is true of each utterance, by its place in `names`; the same whoever predicts it."""

    names: tuple[str, ...]
    """Utterance ids."""
    emotion: Integers
    """Place in `Columns.classes`."""
    speaker: Integers
    """Place in `Columns.speakers`; -1: not known."""
    style: Integers
    """Place in `Columns.styles`; -1: none."""
    words: Integers
    """Words of the transcript; -1: no transcript."""
    normalised_words: Integers
    """Words of the normalised transcript (`transcripts.normalised`)."""
    characters: Integers


@dataclass(frozen=True)
class Block:
    """One group's predictions, one entry each, in order of fold, seed and utterance id."""

    utterance: Integers
    """Place in `Truth.names`."""
    fold: Integers
    seed: NDArray[np.int64]
    """Of the training."""
    emotion: Integers
    """The most probable class."""
    confidence: NDArray[np.float64]
    """Its probability."""
    brier: NDArray[np.float64]
    log_loss: NDArray[np.float64]
    speaker: Integers
    """The speaker that the system names; -1: none."""
    word_edits: Integers
    """Word edits from transcript to hypothesis; -1: there is not both."""
    normalised_edits: Integers
    """Word edits between the normalised texts."""
    character_edits: Integers
    transcribed: NDArray[np.bool_]
    """False where the system gives no hypothesis."""

    def __len__(self) -> int:
        """The number of predictions."""
        return len(self.utterance)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Block":
        """The chosen entries, in the order in which they are chosen."""
        return Block(**{name: column[chosen] for name, column in vars(self).items()})

    def by_fold(self, folds: Sequence[int]) -> Iterator[tuple[int, "Block"]]:
        """Yields (fold, its entries) for each of the folds that has some."""
        for fold in folds:
            low, high = np.searchsorted(self.fold, [fold, fold + 1])
            if high > low:
                yield fold, self.where(slice(low, high))

    def by_seed(self) -> Iterator[tuple[int, "Block"]]:
        """Yields (seed, its entries) for each seed, the lowest first."""
        for seed in np.unique(self.seed).tolist():
            yield seed, self.where(self.seed == seed)


@dataclass(frozen=True)
class Columns:
    """Predictions of any systems on one corpus by one recipe; each is trained with some seeds."""

    classes: tuple[str, ...]
    speakers: tuple[str, ...]
    styles: tuple[str, ...]
    truth: Truth
    blocks: dict[Group, Block]
    seeds: tuple[int, ...]
    """Of all trainings, in order."""
    recipe_hash: str
    contradiction: str | None
    """A sentence where the truth of an utterance changes from one prediction to another."""

    @property
    def systems(self) -> tuple[str, ...]:
        """All systems, in alphabetical order."""
        return tuple(sorted({system for system, _, _ in self.blocks}))

    def seeds_of(self, system: str) -> tuple[int, ...]:
        """The seeds of one system's trainings, in order."""
        own = [block.seed for (name, _, _), block in self.blocks.items() if name == system]
        return tuple(np.unique(np.concatenate(own)).tolist())

    def confusion(self, block: Block) -> NDArray[np.int64]:
        """Counts of the block's utterances, (true class, predicted class)."""
        size = len(self.classes)
        place = self.truth.emotion[block.utterance].astype(np.int64) * size + block.emotion
        return np.bincount(place, minlength=size * size).reshape(size, size)

    def confusion_by_speaker(self, block: Block) -> tuple[Integers, NDArray[np.int64]]:
        """The speakers of the block's utterances, and counts (speaker, true, predicted).

        Of none where a speaker is not known: nothing says then what is resampled together.
        """
        spoken, size = self.truth.speaker[block.utterance], len(self.classes)
        if (spoken == NONE).any():
            return spoken[:0], np.zeros((0, size, size), dtype=np.int64)
        speakers, row = np.unique(spoken, return_inverse=True)
        place = (row * size + self.truth.emotion[block.utterance]) * size + block.emotion
        counts = np.bincount(place, minlength=len(speakers) * size * size)
        return speakers, counts.reshape(len(speakers), size, size)

    def right(self, block: Block) -> NDArray[np.bool_]:
        """Whether each prediction's class is the true one."""
        return np.asarray(self.truth.emotion[block.utterance] == block.emotion)


class Places:
    """Names to places 0, 1, 2 ... in the order in which they are first asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._places: dict[str, int] = {}

    def of(self, name: str | None) -> int:
        """The place of a name; -1 for none."""
        if name is None:
            return NONE
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self.names)
            self.names.append(name)
        return place

    def at(self, place: int) -> str | None:
        """The name at a place."""
        return None if place == NONE else self.names[place]


def ranks(names: Sequence[str]) -> NDArray[np.int64]:
    """The place of each name among the different names in sorted order.

    >>> ranks(["b", "c", "a", "b"]).tolist()
    [1, 2, 0, 1]
    """
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.fromiter((places[name] for name in names), dtype=np.int64, count=len(names))


def replaced(column: "array[int]", by: NDArray[np.int64]) -> Integers:
    """Each place replaced by another; none stays none."""
    return np.append(by, NONE)[np.asarray(column)].astype(np.int32)


def integers(column: "array[int]") -> Integers:
    """The column as an array of numpy's."""
    return np.asarray(column, dtype=np.int32)
