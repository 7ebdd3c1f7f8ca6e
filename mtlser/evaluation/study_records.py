"""What a study trained and reached on validation (`study.json`); no test set is in it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mtlser.evaluation.choices import SearchResult, SearchRow, ValidationSize
from mtlser.records import Record, read_json
from mtlser.storage.layout import STUDY

Kind = Literal["ablation", "grid", "seeds", "encoders"]


class StudyTraining(Record):
    """One training of a study."""

    arm: str
    """What it is a training of: `beta = 0`, `seed 1`, an encoder's name."""
    seed: int
    row: SearchRow
    epochs: tuple[dict[str, float | None], ...] = ()
    """Its figures by epoch, as in `history.jsonl`; empty where they were not asked for."""


class Study(Record):
    """A finished study."""

    format: Literal[1] = 1
    kind: Kind
    recipe_name: str
    recipe_hash: str
    """Of the recipe that the arms are variations of."""
    metric: str
    """That chose the epoch, and the pair of a grid."""
    manifest_digest: str
    folds_digest: str
    fold_names: tuple[str, ...]
    trainings: tuple[StudyTraining, ...]
    search: SearchResult | None = None
    """Of a grid: what was chosen."""
    sizes: tuple[ValidationSize, ...] = ()
    """Of the folds' validation."""


def only(folder: Path) -> bool:
    """Whether a result folder has a study and no predictions."""
    return (folder / STUDY).is_file() and not (folder / "predictions.jsonl").is_file()


def read(folders: Iterable[Path]) -> tuple[Study, ...]:
    """The studies among result folders."""
    return tuple(read_json(folder / STUDY, Study) for folder in folders if only(folder))
