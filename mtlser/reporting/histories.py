"""Trainings by epoch (`history.jsonl`), read from beside the predictions."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from mtlser.errors import MtlserError
from mtlser.files import read_text
from mtlser.records import Cell, CellResult, Record, read_json

HISTORY = "history.jsonl"
COLUMNS = {
    "validation_wa": "wa",
    "validation_ua": "ua",
    "validation_wer": "wer",
    "validation_speaker_accuracy": "speaker",
    "validation_loss": "validation_loss",
    "train_loss": "train_loss",
}
"""Keys of a history's line, and what they are called here."""


class History(Record):
    """One training of the network; the values of each epoch, validation unless named `train`."""

    fold: int
    alpha: float
    beta: float
    values: dict[str, tuple[float | None, ...]]


def read(folders: Iterable[Path]) -> tuple[History, ...]:
    """The trainings of all folders: a cell's own, a run's `checkpoints/`, a search's `cells/`.

    A training that is in two of them (the search's, taken over by its cell) is read once.

    Raises:
        MtlserError: a history that is no JSON object a line.
    """
    histories: dict[tuple[object, ...], History] = {}
    for folder in folders:
        for cell in _cells(folder):
            history = _history(cell)
            if history is not None:
                curve = history.values.get("train_loss", ())
                histories[history.fold, history.alpha, history.beta, curve] = history
    return tuple(sorted(histories.values(), key=lambda h: (h.fold, h.alpha, h.beta)))


def mean(histories: Sequence[History], key: str) -> list[float | None]:
    """The mean over trainings, epoch by epoch, of those that ran so long.

    >>> one = History(fold=0, alpha=0, beta=0, values={"wa": (0.5, 0.6)})
    >>> two = History(fold=1, alpha=0, beta=0, values={"wa": (0.7,)})
    >>> mean([one, two], "wa")
    [0.6, 0.6]
    """
    curves = [history.values.get(key, ()) for history in histories]
    means: list[float | None] = []
    for epoch in range(max(map(len, curves), default=0)):
        seen = [v for c in curves if len(c) > epoch if (v := c[epoch]) is not None]
        means.append(fmean(seen) if seen else None)
    return means if any(value is not None for value in means) else []


def by_pair(histories: Iterable[History]) -> dict[tuple[float, float], list[History]]:
    """The trainings of each alpha and beta, all folds together."""
    pairs: dict[tuple[float, float], list[History]] = defaultdict(list)
    for history in histories:
        pairs[history.alpha, history.beta].append(history)
    return dict(sorted(pairs.items()))


def _cells(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield folder
        yield from sorted(folder.glob("checkpoints/*"))
        yield from sorted(folder.glob("cells/*"))


def _history(cell: Path) -> History | None:
    if not (cell / HISTORY).is_file() or not (cell / "result.json").is_file():
        return None
    result = read_json(cell / "result.json", CellResult)
    trained = Cell.parse(result.cell)
    if trained.fold is None or result.alpha is None or result.beta is None:
        return None
    rows = [_row(cell / HISTORY, line) for line in read_text(cell / HISTORY).splitlines()]
    return of_rows(trained.fold, result.alpha, result.beta, rows)


def of_rows(fold: int, alpha: float, beta: float, rows: Sequence[Mapping[str, object]]) -> History:
    """A training from its lines, one an epoch."""
    values = {short: tuple(_number(row.get(key)) for row in rows) for key, short in COLUMNS.items()}
    return History(fold=fold, alpha=alpha, beta=beta, values=values)


def _row(path: Path, line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise MtlserError(f"{path}: {line[:40]!r} is no JSON object; train the cell again")
    return row


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
