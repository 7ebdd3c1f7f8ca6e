"""All stages of the `crossval` DAG one after another in this process, into one run folder."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from mtlser import storage
from mtlser.errors import DamagedError, MtlserError
from mtlser.evaluation.summary import set_seconds
from mtlser.recipe import Recipe
from mtlser.records import Cell
from mtlser.stages import data, measurement, registration, training
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_folds
from mtlser.storage import checked, custody
from mtlser.storage.layout import BESIDE_REPORT
from mtlser.storage.links import link, link_tree
from mtlser.storage.marker import MARKER

RUN_KEY = "run-key"
"""File of the work folder with the key under which all stages find one MLflow parent."""
log = logging.getLogger(__name__)


@stage
def crossval(recipe: Recipe, out: str, work: str = "") -> dict[str, object]:
    """Cross-validates the recipe, fits it on all data, registers it; the run's `summary.json`.

    A killed call is resumed by the same call: finished stages are not run again. The release is
    taken to be unchanged meanwhile.

    Args:
        recipe: the resolved recipe.
        out: run folder or `s3://` address to write; it appears when everything has succeeded.
        work: folder of the stages' own outputs; empty: `OUT.work`, deleted at the end.

    Raises:
        MtlserError: as the stage that fails.
    """
    started = time.monotonic()
    with storage.work(work, out) as base:
        steps = Steps(base / recipe.hash)
        _measure(recipe, steps)
        with storage.output(out) as folder:
            _collect(steps.folder, folder)
            summary = set_seconds(folder / "summary.json", time.monotonic() - started)
    return summary


class Steps:
    """The outputs of one run's stages, each in a folder that appears whole."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.run_key = _run_key(folder / RUN_KEY)
        self._again = False
        """Whether a damaged output was written anew, and so all that came of it is."""
        self.work = str(folder / "trainings")

    def once(self, name: str, run_stage: Callable[[str], object]) -> str:
        """The place of the stage's output, after running it unless it has finished before."""
        place = self.folder / name
        finished = (place / MARKER).is_file()
        if finished and not self._again:
            try:
                custody.verified(place)
            except MtlserError as error:
                log.warning("%s (this run does so now)", error)
                self._again = True
        if self._again or not finished:
            run_stage(str(place))
        return str(place)


def _run_key(path: Path) -> str:
    """The key of the run; a new one where none is known, or it is damaged."""
    try:
        text = path.read_bytes().decode()
    except (OSError, ValueError):
        text = ""
    if re.fullmatch(r"[0-9a-f]{32}", text):  # as earlier versions wrote it
        return text
    try:
        key: str = checked.read_json(path)
    except DamagedError as error:
        if path.exists():
            log.warning("%s: damaged (%s); the run gets a new key", path, error.problem)
        key = uuid.uuid4().hex
        checked.write_json(path, key)
    return key


def _measure(recipe: Recipe, steps: Steps) -> None:
    work, key = steps.work, steps.run_key
    corpus = steps.once("corpus", lambda out: data.ingest(recipe, out))
    folds = steps.once("folds", lambda out: data.split(corpus, recipe, out))
    chosen = steps.once(
        "chosen", lambda out: training.search(corpus, folds, recipe, out, work, key)
    )
    results: list[str] = []
    for cell in data.cells(load_folds(Path(folds)), recipe):
        name = cell.replace(":", "-")

        def train(out: str, cell: str = cell) -> None:
            training.train(corpus, folds, chosen, cell, recipe, out, work, key)

        trained = steps.once(f"cells/{name}", train)

        def noise_eval(out: str, cell: str = cell, trained: str = trained) -> None:
            measurement.noise_eval(corpus, folds, trained, cell, recipe, out)

        results += [trained, steps.once(f"noisy/{name}", noise_eval)]
    reported = steps.once(
        "report",
        lambda out: measurement.report(corpus, folds, chosen, results, recipe, out, key),
    )
    final = Cell(system="mtlser", fold=None, seed=recipe.seed).text
    model = steps.once(
        "final", lambda out: training.train(corpus, folds, reported, final, recipe, out, work, key)
    )
    steps.once("registered", lambda out: registration.register(model, reported, recipe, out, key))


def _collect(steps: Path, folder: Path) -> None:
    """Links what a run folder holds."""
    link_tree(steps / "report", folder)
    link_tree(steps / "final" / "model", folder / "model")
    for cell in sorted((steps / "cells").iterdir()):
        link_tree(cell, folder / "checkpoints" / cell.name)
    for stage_folder, names in BESIDE_REPORT.items():
        for name in names:
            link(steps / stage_folder / name, folder / name)
