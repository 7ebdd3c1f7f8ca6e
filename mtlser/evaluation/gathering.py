"""Predictions from records or files into columns, one at a time; every line is validated."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.gatherer import Gatherer
from mtlser.records import Prediction, parse_line


def columns(predictions: Iterable[Prediction]) -> Columns:
    """The predictions as columns; the order in which they come makes no difference.

    Raises:
        MtlserError: there is none; several seeds, recipes or lists of classes; probabilities that
            are no distribution; an utterance that is predicted twice.
    """
    gatherer = Gatherer()
    for prediction in predictions:
        gatherer.add(prediction)
    return gatherer.finish()


def merge(files: Sequence[Path], out: Path) -> Columns:
    """The predictions of all files as columns; their lines go to `out`, sorted.

    Lines are copied as they are, in order of system, fold, split, condition and utterance id, so
    that `out` does not depend on the order of `files`. A line costs about 70 bytes of memory.

    Raises:
        MtlserError: as `columns`; a file is absent, or a line is not a prediction.
    """
    gatherer, lines = Gatherer(), Lines()
    for number, path in enumerate(files):
        if not path.is_file():
            raise MtlserError(f"{path}: no such file; expected one Prediction a line")
        with path.open("rb") as file:
            for count, line in enumerate(file, start=1):
                gatherer.add(parse_line(line, Prediction, path, count))
                lines.add(number, line)
    gathered = gatherer.finish()
    lines.copy(files, gatherer.order(), out)
    return gathered


class Lines:
    """Where each line lies: number of its file, first byte, number of bytes."""

    def __init__(self) -> None:
        self.file, self.start, self.length = array("i"), array("q"), array("i")
        self._at = 0

    def add(self, file: int, line: bytes) -> None:
        """Takes the next line of a file; files come one after another."""
        if not self.file or self.file[-1] != file:
            self._at = 0
        self.file.append(file)
        self.start.append(self._at)
        self.length.append(len(line.rstrip()))
        self._at += len(line)

    def copy(self, files: Sequence[Path], order: NDArray[np.int64], out: Path) -> None:
        """Writes the lines in the given order to `out`, through a temporary name."""
        temporary = out.with_name(out.name + ".tmp")
        with temporary.open("wb") as target:
            # Neighbours in the order mostly lie in one file, so few files are opened twice.
            for number, run in groupby(order.tolist(), key=self.file.__getitem__):
                with files[number].open("rb") as source:
                    for index in run:
                        source.seek(self.start[index])
                        target.write(source.read(self.length[index]) + b"\n")
        temporary.replace(out)
