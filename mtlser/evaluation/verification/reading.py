"""A report's predictions, read once for everything that is verified of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.gathering import Gatherer
from mtlser.evaluation.verification.truth import Check
from mtlser.records import CLEAN, Cell, Prediction
from mtlser.records.files import numbered_lines, parse_line
from mtlser.storage import custody

Key = tuple[str, str, str]
"""Cell, condition and utterance of one test prediction."""
Part = tuple[str, bool]
"""A cell, and whether its clean predictions are meant or its noisy ones."""


@dataclass(frozen=True)
class Reading:
    """What one pass over `predictions.jsonl` gives."""

    rows: dict[Part, str]
    """Digest of the lines of each part (`custody.digest_rows`)."""
    conditions: dict[str, frozenset[str]]
    """The noisy conditions of each cell."""
    drawn: dict[Key, Prediction]
    """The predictions that were asked for, as far as they are there."""
    gathered: Columns | MtlserError
    """The predictions as columns, or why they are none."""

    @property
    def columns(self) -> Columns:
        """The predictions as columns.

        Raises:
            MtlserError: one is not the manifest's, or they cannot be scored together.
        """
        if isinstance(self.gathered, MtlserError):
            raise self.gathered
        return self.gathered


def read(path: Path, checks: Sequence[Check] = (), wanted: Collection[Key] = ()) -> Reading:
    """The predictions of a report.

    Args:
        path: its `predictions.jsonl`.
        checks: of each prediction.
        wanted: test predictions to give back as they are.

    Raises:
        MtlserError: a line is not a prediction.
    """
    gatherer, refusal = Gatherer(), None
    digests: dict[Part, list[bytes]] = defaultdict(list)
    conditions: dict[str, set[str]] = defaultdict(set)
    drawn: dict[Key, Prediction] = {}
    names: dict[tuple[str, int, int], str] = {}
    with path.open("rb") as file:
        for number, line in numbered_lines(file):
            each = parse_line(line, Prediction, path, number)
            key = (each.system, each.fold, each.seed)
            if key not in names:
                names[key] = Cell(system=each.system, fold=each.fold, seed=each.seed).text
            cell, condition = names[key], each.condition
            digests[cell, condition == CLEAN].append(custody.digest_row(line))
            if condition != CLEAN:
                conditions[cell].add(condition)
            if each.split == "test" and (cell, condition, each.utterance_id) in wanted:
                drawn[cell, condition, each.utterance_id] = each
            if refusal is None:
                refusal = _refusal(gatherer, each, checks)
    return Reading(
        {part: custody.digest_of_rows(found) for part, found in digests.items()},
        {cell: frozenset(found) for cell, found in conditions.items()},
        drawn,
        refusal or _finished(gatherer),
    )


def _refusal(
    gatherer: Gatherer, prediction: Prediction, checks: Sequence[Check]
) -> MtlserError | None:
    """Why a prediction is refused; `None`: it was taken."""
    try:
        for check in checks:
            check(prediction)
        gatherer.add(prediction)
    except MtlserError as error:
        return error
    return None


def _finished(gatherer: Gatherer) -> Columns | MtlserError:
    try:
        return gatherer.finish()
    except MtlserError as error:
        return error
