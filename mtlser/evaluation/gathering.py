"""Predictions from records or files into columns, one at a time; every line is validated."""

import codecs
from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.evaluation import probabilities, score_checks
from mtlser.evaluation.columns import (
    NONE,
    Block,
    Columns,
    Group,
    Integers,
    Places,
    Truth,
    integers,
    ranks,
    replaced,
)
from mtlser.evaluation.metrics import edits, word_edits
from mtlser.evaluation.transcripts import normalised
from mtlser.evaluation.verification.truth import Check
from mtlser.files import atomic_file
from mtlser.records import Prediction
from mtlser.records.files import numbered_lines, parse_line


def columns(predictions: Iterable[Prediction]) -> Columns:
    """The predictions as columns; the order in which they come makes no difference.

    Raises:
        MtlserError: there is none; several recipes or lists of classes; probabilities that are no
            distribution; an utterance that is predicted twice.
    """
    gatherer = Gatherer()
    for prediction in predictions:
        gatherer.add(prediction)
    return gatherer.finish()


def merge(files: Sequence[Path], out: Path, checks: Sequence[Sequence[Check]] = ()) -> Columns:
    """The predictions of all files as columns; their lines go to `out`, sorted.

    Lines are copied as they are, in order of system, fold, seed, split, condition and utterance
    id, so that `out` does not depend on the order of `files`; a byte order mark and blank lines
    at the end are not. A line costs about 90 bytes of memory.

    Args:
        files: one prediction a line.
        out: file to write.
        checks: of the predictions of each file, in the files' order; empty: none.

    Raises:
        MtlserError: as `columns`; a file is absent, a line is not a prediction, or a check
            refuses one.
    """
    gatherer, lines = Gatherer(), Lines()
    for number, path in enumerate(files):
        if not path.is_file():
            raise MtlserError(f"{path}: no such file; expected one Prediction a line")
        with path.open("rb") as file:
            for count, raw in numbered_lines(file):
                line = raw if count > 1 else raw.removeprefix(codecs.BOM_UTF8)
                lines.skip(number, len(raw) - len(line))
                prediction = parse_line(line, Prediction, path, count)
                for check in checks[number] if checks else ():
                    check(prediction)
                gatherer.add(prediction)
                lines.add(number, line)
    columns = gatherer.finish()
    lines.copy(files, gatherer.order(), out)
    return columns


class Gatherer:
    """Turns predictions, taken one by one, into columns."""

    def __init__(self) -> None:
        self.classes: list[str] = []
        self.utterances, self.speakers, self.styles = Places(), Places(), Places()
        self.groups: dict[Group, int] = {}
        # By utterance.
        self.true_emotion, self.true_speaker = array("i"), array("i")
        self.style, self.text = array("i"), array("q")
        self.words, self.characters = array("i"), array("i")
        self.normalised_words = array("i")
        self.normalised: list[str] = []
        # By prediction.
        self.group, self.utterance = array("i"), array("i")
        self.fold, self.seed = array("i"), array("q")
        self.emotion, self.speaker = array("i"), array("i")
        self.word_edits, self.character_edits = array("i"), array("i")
        self.normalised_edits = array("i")
        self.confidence, self.transcribed = array("d"), array("b")
        self.brier, self.log_loss = array("d"), array("d")
        self.recipe_hash = ""
        self.contradiction: str | None = None

    def add(self, prediction: Prediction) -> None:
        """Takes one prediction.

        Raises:
            MtlserError: another recipe or list of classes than the first one's, or probabilities
                that are no distribution.
        """
        if not self.classes:
            self.classes = list(prediction.emotion_probabilities)
            self.recipe_hash = prediction.recipe_hash
        score_checks.check_recipe(self.recipe_hash, prediction.recipe_hash)
        score_checks.check_probabilities(prediction, self.classes)
        group = (prediction.system, prediction.split, prediction.condition)
        place = self._truth(prediction)
        predicted = prediction.emotion_predicted
        hypothesis = prediction.text_predicted
        by_word, by_character, by_normalised = NONE, NONE, NONE
        if hypothesis is not None and prediction.text_true is not None:
            (by_word, _), (by_character, _) = edits(prediction.text_true, hypothesis)
            alike = self._normalised(place, prediction.text_true)
            by_normalised = word_edits(alike, normalised(hypothesis))
        self.group.append(self.groups.setdefault(group, len(self.groups)))
        self.utterance.append(place)
        self.fold.append(prediction.fold)
        self.seed.append(prediction.seed)
        self.emotion.append(self.classes.index(predicted))
        self.confidence.append(min(1.0, prediction.emotion_probabilities[predicted]))
        given = prediction.emotion_probabilities, prediction.emotion_true
        self.brier.append(probabilities.brier(*given))
        self.log_loss.append(probabilities.log_loss(*given))
        self.speaker.append(self.speakers.of(prediction.speaker_predicted))
        self.word_edits.append(by_word)
        self.character_edits.append(by_character)
        self.normalised_edits.append(by_normalised)
        self.transcribed.append(hypothesis is not None)

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
            emotion=integers(self.true_emotion)[by_name],
            speaker=replaced(self.true_speaker, speaker)[by_name],
            style=replaced(self.style, style)[by_name],
            words=integers(self.words)[by_name],
            normalised_words=integers(self.normalised_words)[by_name],
            characters=integers(self.characters)[by_name],
        )
        columns = Columns(
            classes=tuple(self.classes),
            speakers=tuple(sorted(self.speakers.names)),
            styles=tuple(sorted(self.styles.names)),
            truth=truth,
            blocks=self._blocks(replaced(self.utterance, utterance), speaker),
            seeds=tuple(sorted(set(self.seed))),
            recipe_hash=self.recipe_hash,
            contradiction=self.contradiction,
        )
        score_checks.check_repeats(columns)
        return columns

    def order(self) -> NDArray[np.int64]:
        """Positions of all predictions by system, fold, seed, split, condition, utterance id."""
        keys = list(self.groups)
        system, split, condition = (
            ranks([key[part] for key in keys])[np.asarray(self.group)] for part in range(3)
        )
        utterance = ranks(self.utterances.names)[np.asarray(self.utterance)]
        seed, fold = np.asarray(self.seed), np.asarray(self.fold)
        return np.lexsort((utterance, condition, split, seed, fold, system))

    def _truth(self, prediction: Prediction) -> int:
        """The utterance's place; remembers the first contradiction to an earlier prediction."""
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
            self.normalised.append(normalised(text or ""))
            words = len(self.normalised[place].split())
            self.normalised_words.append(NONE if text is None else words)
            self.characters.append(NONE if text is None else characters)
        elif self.contradiction is None and (
            self.text[place] != hash(text)
            or self.true_emotion[place] != emotion
            or self.true_speaker[place] != speaker
            or self.style[place] != style
        ):
            self.contradiction = self._contradicted(prediction, place)
        return place

    def _normalised(self, place: int, text: str) -> str:
        """The normalised transcript, kept from the utterance's first prediction if it is that."""
        return self.normalised[place] if self.text[place] == hash(text) else normalised(text)

    def _contradicted(self, prediction: Prediction, place: int) -> str:
        truths = {
            "class": (prediction.emotion_true, self.classes[self.true_emotion[place]]),
            "speaker": (prediction.speaker_true, self.speakers.at(self.true_speaker[place])),
            "style": (prediction.style, self.styles.at(self.style[place])),
        }
        parts = [
            f"true {k} {here!r} here but {there!r}"
            for k, (here, there) in truths.items()
            if here != there
        ]
        if self.text[place] != hash(prediction.text_true):
            parts.append(f"transcript {prediction.text_true!r} here but another one")
        return (
            f"{score_checks.label(prediction)}: {', '.join(parts)} elsewhere; expected one corpus; "
            "run all cells again from `mtlser ingest` on"
        )

    def _blocks(self, utterance: Integers, speakers: NDArray[np.int64]) -> dict[Group, Block]:
        """Columns by group; within one, by fold, seed and utterance id."""
        group, fold, seed = np.asarray(self.group), integers(self.fold), np.asarray(self.seed)
        order = np.lexsort((utterance, seed, fold, group))
        bounds = np.searchsorted(group[order], np.arange(len(self.groups) + 1))
        whole = Block(
            utterance=utterance,
            fold=fold,
            seed=seed,
            emotion=integers(self.emotion),
            confidence=np.asarray(self.confidence, dtype=np.float64),
            brier=np.asarray(self.brier, dtype=np.float64),
            log_loss=np.asarray(self.log_loss, dtype=np.float64),
            speaker=replaced(self.speaker, speakers),
            word_edits=integers(self.word_edits),
            normalised_edits=integers(self.normalised_edits),
            character_edits=integers(self.character_edits),
            transcribed=np.asarray(self.transcribed, dtype=np.bool_),
        ).where(order)
        return {
            key: whole.where(slice(bounds[index], bounds[index + 1]))
            for key, index in sorted(self.groups.items())
        }


class Lines:
    """Where each line lies: number of its file, first byte, number of bytes."""

    def __init__(self) -> None:
        self.file, self.start, self.length = array("i"), array("q"), array("i")
        self._at, self._within = 0, -1

    def skip(self, file: int, length: int) -> None:
        """Passes over bytes of a file, before the next line, that belong to no line."""
        if file != self._within:
            self._at, self._within = 0, file
        self._at += length

    def add(self, file: int, line: bytes) -> None:
        """Takes the next line of a file; files come one after another."""
        self.skip(file, 0)
        self.file.append(file)
        self.start.append(self._at)
        self.length.append(len(line.rstrip()))
        self._at += len(line)

    def copy(self, files: Sequence[Path], order: NDArray[np.int64], out: Path) -> None:
        """Writes the lines in the given order to `out`, whole."""
        with atomic_file(out) as temporary, temporary.open("wb") as target:
            # Neighbours in the order mostly lie in one file, so few files are opened twice.
            for number, run in groupby(order.tolist(), key=self.file.__getitem__):
                with files[number].open("rb") as source:
                    for index in run:
                        source.seek(self.start[index])
                        target.write(source.read(self.length[index]) + b"\n")
