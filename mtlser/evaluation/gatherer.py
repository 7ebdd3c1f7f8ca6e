"""The one place where predictions become columns, one at a time; each is checked by itself."""

import math
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import NONE, Block, Columns, Group, Integers, Truth
from mtlser.evaluation.metrics import edits
from mtlser.records import Prediction

TOLERANCE = 1e-3
"""How far probabilities may sum from 1."""


class Gatherer:
    """Takes predictions one by one and keeps columns of them."""

    def __init__(self) -> None:
        self.classes: list[str] = []
        self.utterances, self.speakers, self.styles = Places(), Places(), Places()
        self.groups: dict[Group, int] = {}
        # By utterance.
        self.true_emotion, self.true_speaker = array("i"), array("i")
        self.style, self.text = array("i"), array("q")
        self.words, self.characters = array("i"), array("i")
        # By prediction.
        self.group, self.utterance, self.fold = array("i"), array("i"), array("i")
        self.emotion, self.speaker = array("i"), array("i")
        self.word_edits, self.character_edits = array("i"), array("i")
        self.confidence, self.transcribed = array("d"), array("b")
        self.seed, self.recipe_hash = 0, ""
        self.contradiction: str | None = None

    def add(self, prediction: Prediction) -> None:
        """Takes one prediction.

        Raises:
            MtlserError: another seed, recipe or list of classes than the first one's, or
                probabilities that are no distribution.
        """
        if not self.classes:
            self.classes = list(prediction.emotion_probabilities)
            self.seed, self.recipe_hash = prediction.seed, prediction.recipe_hash
        _check_one("seed", str(self.seed), str(prediction.seed))
        _check_one("recipe hash", self.recipe_hash, prediction.recipe_hash)
        _check_probabilities(prediction, self.classes)
        group = (prediction.system, prediction.split, prediction.condition)
        place = self._truth(prediction)
        predicted = prediction.emotion_predicted
        heard = prediction.text_predicted
        by_word, by_character = NONE, NONE
        if heard is not None and prediction.text_true is not None:
            (by_word, _), (by_character, _) = edits(prediction.text_true, heard)
        self.group.append(self.groups.setdefault(group, len(self.groups)))
        self.utterance.append(place)
        self.fold.append(prediction.fold)
        self.emotion.append(self.classes.index(predicted))
        self.confidence.append(min(1.0, prediction.emotion_probabilities[predicted]))
        self.speaker.append(self.speakers.of(prediction.speaker_predicted))
        self.word_edits.append(by_word)
        self.character_edits.append(by_character)
        self.transcribed.append(heard is not None)

    def finish(self) -> Columns:
        """All that was taken.

        Raises:
            MtlserError: nothing was, or an utterance is predicted twice.
        """
        if not self.group:
            raise MtlserError("no predictions to score; run `mtlser train` for each cell first")
        # Places follow the alphabet, not the order of arrival.
        utterance, speaker = ranks(self.utterances.names), ranks(self.speakers.names)
        style = ranks(self.styles.names)
        by_name = np.argsort(utterance)
        truth = Truth(
            names=tuple(sorted(self.utterances.names)),
            emotion=_integers(self.true_emotion)[by_name],
            speaker=_replaced(self.true_speaker, speaker)[by_name],
            style=_replaced(self.style, style)[by_name],
            words=_integers(self.words)[by_name],
            characters=_integers(self.characters)[by_name],
        )
        found = Columns(
            classes=tuple(self.classes),
            speakers=tuple(sorted(self.speakers.names)),
            styles=tuple(sorted(self.styles.names)),
            truth=truth,
            blocks=self._blocks(_replaced(self.utterance, utterance), speaker),
            seed=self.seed,
            recipe_hash=self.recipe_hash,
            contradiction=self.contradiction,
        )
        _check_repeats(found)
        return found

    def order(self) -> NDArray[np.int64]:
        """Positions of the predictions taken, by system, fold, split, condition, utterance id."""
        keys = list(self.groups)
        system, split, condition = (
            ranks([key[part] for key in keys])[np.asarray(self.group)] for part in range(3)
        )
        utterance = ranks(self.utterances.names)[np.asarray(self.utterance)]
        return np.lexsort((utterance, condition, split, np.asarray(self.fold), system))

    def _truth(self, prediction: Prediction) -> int:
        """The utterance's place; remembers the first contradiction to what was said before."""
        text, place = prediction.text_true, self.utterances.of(prediction.utterance_id)
        emotion = self.classes.index(prediction.emotion_true)
        speaker, style = self.speakers.of(prediction.speaker_true), self.styles.of(prediction.style)
        if place == len(self.text):
            self.true_emotion.append(emotion)
            self.true_speaker.append(speaker)
            self.style.append(style)
            self.text.append(hash(text))
            (_, words), (_, characters) = edits(text or "", "")
            self.words.append(NONE if text is None else words)
            self.characters.append(NONE if text is None else characters)
        elif self.contradiction is None and (
            self.text[place] != hash(text)
            or self.true_emotion[place] != emotion
            or self.true_speaker[place] != speaker
            or self.style[place] != style
        ):
            self.contradiction = self._contradicted(prediction, place)
        return place

    def _contradicted(self, prediction: Prediction, place: int) -> str:
        told = {
            "class": (prediction.emotion_true, self.classes[self.true_emotion[place]]),
            "speaker": (prediction.speaker_true, self.speakers.names[self.true_speaker[place]]),
            "style": (prediction.style, self.styles.at(self.style[place])),
        }
        parts = [
            f"true {k} {here!r} here but {there!r}"
            for k, (here, there) in told.items()
            if here != there
        ]
        if self.text[place] != hash(prediction.text_true):
            parts.append(f"transcript {prediction.text_true!r} here but another one")
        return (
            f"{named(prediction)}: {', '.join(parts)} elsewhere; expected one corpus; run all "
            "cells again from `mtlser ingest` on"
        )

    def _blocks(self, utterance: Integers, speakers: NDArray[np.int64]) -> dict[Group, Block]:
        """Columns by group; within one, by fold and utterance id."""
        group, fold = np.asarray(self.group), _integers(self.fold)
        order = np.lexsort((utterance, fold, group))
        bounds = np.searchsorted(group[order], np.arange(len(self.groups) + 1))
        whole = Block(
            utterance=utterance,
            fold=fold,
            emotion=_integers(self.emotion),
            confidence=np.asarray(self.confidence, dtype=np.float64),
            speaker=_replaced(self.speaker, speakers),
            word_edits=_integers(self.word_edits),
            character_edits=_integers(self.character_edits),
            transcribed=np.asarray(self.transcribed, dtype=np.bool_),
        ).where(order)
        return {
            key: whole.where(slice(bounds[index], bounds[index + 1]))
            for key, index in sorted(self.groups.items())
        }


class Places:
    """Names to places 0, 1, 2 ... in the order in which they are first asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._places: dict[str, int] = {}

    def of(self, name: str | None) -> int:
        """The place of a name; -1 for none."""
        if name is None:
            return NONE
        place = self._places.setdefault(name, len(self.names))
        if place == len(self.names):
            self.names.append(name)
        return place

    def at(self, place: int) -> str | None:
        """The name at a place."""
        return None if place == NONE else self.names[place]


def named(prediction: Prediction) -> str:
    """The prediction in words, for an error."""
    return (
        f"{prediction.utterance_id} ({prediction.system}, fold {prediction.fold}, "
        f"{prediction.split}, {prediction.condition})"
    )


def ranks(names: Sequence[str]) -> NDArray[np.int64]:
    """The place of each name among the different names in sorted order.

    >>> ranks(["b", "c", "a", "b"]).tolist()
    [1, 2, 0, 1]
    """
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.fromiter((places[name] for name in names), dtype=np.int64, count=len(names))


def _replaced(column: "array[int]", by: NDArray[np.int64]) -> Integers:
    """Each place replaced by another; none stays none."""
    return np.append(by, NONE)[np.asarray(column)].astype(np.int32)


def _integers(column: "array[int]") -> Integers:
    return np.asarray(column, dtype=np.int32)


def _check_one(what: str, first: str, this: str) -> None:
    if first != this:
        raise MtlserError(
            f"predictions of more than one {what} ({first}, {this}); expected one; "
            "report each by itself with `mtlser report`"
        )


def _check_probabilities(prediction: Prediction, classes: list[str]) -> None:
    values = prediction.emotion_probabilities
    if list(values) != classes or prediction.emotion_true not in values:
        raise MtlserError(
            f"{named(prediction)}: classes {', '.join(values)} with true class "
            f"{prediction.emotion_true!r}; expected {', '.join(classes)}; predict it again"
        )
    inside = all(0 <= value <= 1 for value in values.values())
    if not (inside and math.isclose(sum(values.values()), 1.0, abs_tol=TOLERANCE)):
        seen = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        raise MtlserError(
            f"{named(prediction)}: probabilities {seen}; expected each in 0-1 and a sum of 1; "
            "train the cell again with `mtlser train`"
        )


def _check_repeats(found: Columns) -> None:
    for (system, split, condition), block in found.blocks.items():
        same = (np.diff(block.utterance) == 0) & (np.diff(block.fold) == 0)
        if same.any():
            at = int(np.argmax(same))
            raise MtlserError(
                f"{found.truth.names[block.utterance[at]]} ({system}, fold {block.fold[at]}, "
                f"{split}, {condition}): predicted twice (seed {found.seed}); give each result "
                "folder once to `mtlser report`"
            )
