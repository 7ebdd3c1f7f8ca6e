"""The stage that trains and measures every baseline: they want no GPU, and are done in one step."""

from pathlib import Path

from mtlser import storage
from mtlser.recipe import Recipe
from mtlser.records import Cell, read_json, write_json
from mtlser.stages.data import cells
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_folds
from mtlser.stages.measurement import noise_eval
from mtlser.stages.training import train
from mtlser.storage.layout import BASELINES


@stage
def baselines(
    corpus: str, folds: str, chosen: str, recipe: Recipe, out: str, work: str = "", run: str = ""
) -> None:
    """Trains every cell of the recipe's baselines and predicts its test set, clean and under noise.

    Args:
        corpus: corpus folder.
        folds: folds folder.
        chosen: chosen folder of the search.
        recipe: the resolved recipe.
        out: baselines folder to write: `baselines.json` names the cells, each has a folder below
            `cells/` and one below `noisy/`.
        work: folder or `s3://` address that outlives a killed step.
        run: key of the parent run in MLflow.
    """
    plan_folder = storage.fetch(folds)
    named = [
        cell
        for cell in cells(load_folds(plan_folder), recipe)
        if Cell.parse(cell).system in recipe.baseline.systems
    ]
    with storage.output(out) as folder:
        for cell in named:
            trained, noisy = _places(folder, cell)
            train(corpus, str(plan_folder), chosen, cell, recipe, str(trained), work, run)
            noise_eval(corpus, str(plan_folder), str(trained), cell, recipe, str(noisy))
        write_json(folder / BASELINES, named)


def baseline_folders(folder: str) -> dict[str, tuple[str, str]]:
    """Folders of each cell in a baselines folder: what was trained, and its noisy predictions."""
    place = Path(folder)
    places = {cell: _places(place, cell) for cell in read_json(place / BASELINES, list[str])}
    return {cell: (str(trained), str(noisy)) for cell, (trained, noisy) in places.items()}


def _places(folder: Path, cell: str) -> tuple[Path, Path]:
    name = cell.replace(":", "-")
    return folder / "cells" / name, folder / "noisy" / name
