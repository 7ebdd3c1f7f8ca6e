"""What stages read of the folders that pass between them."""

from collections.abc import Sequence
from pathlib import Path

from mtlser.records import (
    Cell,
    CellResult,
    FoldPlan,
    SearchResult,
    Utterance,
    read_json,
    read_jsonl,
)

MANIFEST = "manifest.jsonl"
FOLDS = "folds.json"
CHOSEN = "chosen.json"


def load_manifest(corpus: Path) -> list[Utterance]:
    """All utterances of a corpus folder, in id order."""
    return list(read_jsonl(corpus / MANIFEST, Utterance))


def load_folds(folder: Path) -> FoldPlan:
    """The fold plan of a folds folder, or of a file like its `folds.json`."""
    return read_json(folder if folder.is_file() else folder / FOLDS, FoldPlan)


def load_chosen(folder: Path) -> SearchResult:
    """What the search chose."""
    return read_json(folder / CHOSEN, SearchResult)


def resolved(chosen: SearchResult, cells: Sequence[Path]) -> SearchResult:
    """The search's choices with each fold's epoch and score, as its training found them."""
    found: dict[int, CellResult] = {}
    for folder in cells:
        if (folder / "result.json").is_file():
            result = read_json(folder / "result.json", CellResult)
            cell = Cell.parse(result.cell)
            if cell.system == "mtlser" and cell.fold is not None:
                found[cell.fold] = result
    choices = tuple(
        choice.model_copy(
            update={"epoch": found[choice.fold].epoch, "score": found[choice.fold].score}
        )
        if choice.fold in found
        else choice
        for choice in chosen.choices
    )
    return chosen.model_copy(update={"choices": choices})
