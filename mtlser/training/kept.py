"""Where a training is kept in a work folder, what is written of it, and what stays."""

import json
from pathlib import Path

from mtlser.files import atomic_folder, write_text
from mtlser.models import bundle
from mtlser.models.bundle import TrainedModel
from mtlser.recipe import Recipe
from mtlser.records import CellResult, write_json
from mtlser.storage import checked
from mtlser.storage.links import link, link_tree
from mtlser.storage.marker import DIGESTS
from mtlser.storage.work_folder import WorkFolder
from mtlser.training.checkpoint import Checkpoint, Row
from mtlser.training.inputs import Inputs, Training, cell_key
from mtlser.training.job import Fit


def place_of(training: Training, inputs: Inputs, recipe: Recipe) -> str:
    """Where a training is kept, below a work folder."""
    return f"cells/{cell_key(training, inputs, recipe)}"


def finished(training: Training, inputs: Inputs, recipe: Recipe, work: WorkFolder) -> Path | None:
    """Folder of a training that has ended, of which the weights may be gone; else `None`."""
    place = place_of(training, inputs, recipe)
    return work.folder / place if work.restore_folder(place) else None


def write_cell(folder: Path, trained: TrainedModel, outcome: Fit, result: CellResult) -> None:
    """Writes the cell's folder, whole."""
    rows = [json.dumps({"epoch": i, **row}) + "\n" for i, row in enumerate(outcome.rows, 1)]
    with atomic_folder(folder) as temporary:
        bundle.save(trained, temporary / "model")
        write_text(temporary / "history.jsonl", "".join(rows))
        write_json(temporary / "result.json", result)
        checked.seal_folder(temporary)


def result_of(
    training: Training, outcome: Fit, trained: TrainedModel, seconds: float
) -> CellResult:
    """How the training ended."""
    return CellResult(
        cell=training.cell.text,
        alpha=training.alpha,
        beta=training.beta,
        epoch=outcome.best_epoch,
        epochs_run=len(outcome.rows),
        score=outcome.score,
        validation=validation_of(outcome.rows[outcome.best_epoch - 1]),
        seconds=seconds,
        weights_sha256=bundle.weights_digest(trained.network.state_dict()),
    )


def validation_of(row: Row) -> dict[str, float | None]:
    """The figures on validation of one epoch, by metric."""
    names = ("loss", "wa", "ua", "f1", "wer", "speaker_accuracy")
    return {name: row.get(f"validation_{name}") for name in names}


def history(folder: Path) -> tuple[Row, ...]:
    """The figures of each epoch of a finished training."""
    lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return tuple({name: row[name] for name in row if name != "epoch"} for row in rows)


def shed(training: Training, inputs: Inputs, recipe: Recipe, work: WorkFolder) -> None:
    """Removes the weights of a training that is not chosen; its figures and curves stay."""
    place = place_of(training, inputs, recipe)
    folder = work.folder / place
    checkpoint = Checkpoint(work, f"{place}.part")
    if checkpoint.folder.is_dir():
        checkpoint.remove()
    if not (folder / "model").is_dir():
        return
    with atomic_folder(folder) as small:
        for name in ("history.jsonl", "result.json"):
            link(folder / name, small / name)
        checked.seal_folder(small)
    work.store_folder(place)


def copy_cell(source: Path, folder: Path, recipe: Recipe, *, sealed: bool = False) -> None:
    """Puts a trained cell into a stage's output folder; its weights stay once on a disk.

    Args:
        source: the cell.
        folder: where it goes.
        recipe: whose it is; the cell may be of one with another grid, and says then whose it was.
        sealed: with its digests, for a folder that nothing is added to.
    """
    link_tree(source, folder)
    description = bundle.describe(folder / "model")
    if description.recipe_hash != recipe.hash:
        restated = description.model_copy(update={"recipe_hash": recipe.hash})
        write_json(folder / "model" / bundle.DESCRIPTION, restated)
        if sealed:
            checked.seal_folder(folder)
    elif sealed and (source / DIGESTS).is_file():
        link(source / DIGESTS, folder / DIGESTS)
