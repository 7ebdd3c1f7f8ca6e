"""What stages read of the folders that pass between them."""

from collections.abc import Sequence
from pathlib import Path

from mtlser.evaluation.choices import Reached, SearchResult
from mtlser.records import Cell, CellResult, FoldPlan, Utterance, read_json, read_jsonl
from mtlser.storage import custody
from mtlser.storage.custody import Custody
from mtlser.storage.layout import CHOSEN, FOLDS, MANIFEST


def load_manifest(corpus: Path) -> list[Utterance]:
    """All utterances of a corpus folder, in id order.

    Raises:
        MtlserError: as `custody.verified_file`, or a line is no utterance.
    """
    return list(read_jsonl(custody.verified_file(corpus / MANIFEST), Utterance))


def load_folds(folder: Path) -> FoldPlan:
    """The fold plan of a folds folder, or of a file like its `folds.json`.

    Raises:
        MtlserError: as `custody.verified_file`, or it is no fold plan.
    """
    path = folder if folder.is_file() else folder / FOLDS
    return read_json(custody.verified_file(path), FoldPlan)


def load_chosen(folder: Path) -> SearchResult:
    """What the search chose.

    Raises:
        MtlserError: as `custody.verified_file`, or it is no such file.
    """
    return read_json(custody.verified_file(folder / CHOSEN), SearchResult)


def records(corpus: Path, folds: Path) -> dict[str, Custody | None]:
    """The custody records of a corpus and a folds folder, by what they are."""
    return {"corpus": custody.verified(corpus), "folds": custody.verified(folds)}


def resolved(chosen: SearchResult, cells: Sequence[Path]) -> SearchResult:
    """The search's choices with what each fold's trainings reached, where they are given."""
    reached = {(each.fold, each.seed): each for each in chosen.reached}
    for folder in cells:
        if (folder / "result.json").is_file():
            result = read_json(folder / "result.json", CellResult)
            cell = Cell.parse(result.cell)
            if cell.system != "mtlser" or cell.fold is None:
                continue
            if result.epoch is not None and result.score is not None:
                reached.pop((cell.fold, None), None)
                reached[cell.fold, cell.seed] = Reached(
                    fold=cell.fold, seed=cell.seed, epoch=result.epoch, score=result.score
                )
    folds = {choice.fold: place for place, choice in enumerate(chosen.choices)}
    known = [each for each in reached.values() if each.fold in folds]
    ordered = sorted(known, key=lambda each: (folds[each.fold], each.seed or 0))
    return chosen.model_copy(update={"reached": tuple(ordered)})
