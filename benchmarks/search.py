"""The paper's grid over a frozen encoder: all pairs of a fold as one training, and one by one.

EmoDB with Whisper base where `MTLSER_SHARED` names the folder of real audio, else the bundled
synthetic speech with the bundled encoder; the paper's 121 pairs, a tenth of their epochs. The first
fold is trained as one, and pairs of it one by one; nothing is tracked. `make bench BENCH=search`
prints one line of JSON:

    cells           pairs x folds
    grid_speedup    time of one by one, from the pairs that were trained, over that of the grid
    grid_minutes    of all folds as one training each, at the recipe's 60 epochs
    difference      largest difference of a figure on validation between the two

and, of a grid that is trained one by one, what TPE and halving find for a tenth of it: see
`benchmarks/budget.py`.
"""

import json
import os
import tempfile
import time
from pathlib import Path

from benchmarks import budget
from mtlser import recipe as recipes
from mtlser import stages
from mtlser.data import clips
from mtlser.recipe import Recipe
from mtlser.records import CellResult, read_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import network
from mtlser.training.inputs import Inputs
from mtlser.training.search import search
from mtlser.training.search.cells import training_of
from mtlser.training.search.grid import Grid

TENTHS = [i / 10 for i in range(11)]
EPOCHS, WHOLE = 6, 60
APART = [(0.0, 0.0), (0.1, 0.8), (1.0, 1.0)]
"""Pairs that are trained one by one."""


def settings() -> tuple[str, list[str]]:
    """Recipe and settings of the corpus that is at hand."""
    shared = os.environ.get("MTLSER_SHARED")
    grid = [f"search.alphas={TENTHS}", f"search.betas={TENTHS}", f"train.epochs={EPOCHS}"]
    if shared is None:
        heads = ["model.trainable=heads", "model.standardise=true", "train.precision=fp32"]
        return "own", [*grid, *heads, "data.corpus=iemocap", "data.root=build/synthetic"]
    encoder = f"model.encoder={shared}/backbones/whisper-base-encoder"
    return "emodb", [*grid, encoder, f"data.root={shared}/data/emodb"]


def prepared(place: Path) -> tuple[Inputs, Recipe, WorkFolder]:
    """The corpus, its folds and its features."""
    name, given = settings()
    recipe = recipes.load(name, tuple(given))
    corpus, folds = str(place / "corpus"), str(place / "folds")
    if not Path(recipe.data.root).exists():
        stages.synth(recipe.data.root, 0)
    stages.ingest(recipe, corpus)
    stages.split(corpus, recipe, folds)
    inputs = Inputs(
        Path(corpus), stages.load_manifest(Path(corpus)), stages.load_folds(Path(folds))
    )
    work = WorkFolder(place / "work")
    search.prepare(inputs, recipe, work)
    clips.load(inputs.corpus, inputs.utterances[0])
    return inputs, recipe, work


def main() -> None:
    """Prints the figures."""
    os.environ["MTLSER_TRACKING"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        inputs, recipe, work = prepared(Path(folder))
        started = time.perf_counter()
        first = training_of(0, APART[0], inputs, recipe)
        rows = {(a, b): figures for a, b, _, figures in Grid(first, inputs, recipe, work).results()}
        together_s = time.perf_counter() - started
        alone_s, most = [], 0.0
        for pair in APART:
            training = training_of(0, pair, inputs, recipe)
            started = time.perf_counter()
            cell = network.train_network(training, inputs, recipe, work, NullRun())
            alone_s.append(time.perf_counter() - started)
            found = read_json(cell / "result.json", CellResult).validation
            both = [(value, rows[pair][name]) for name, value in found.items()]
            most = max(most, *(abs(a - b) for a, b in both if a is not None and b is not None))
        folds, pairs = len(inputs.plan.folds), len(rows)
        figures = {
            "cells": pairs * folds,
            "grid_speedup": round(pairs * sum(alone_s) / len(alone_s) / together_s, 1),
            "grid_minutes": round(folds * together_s * WHOLE / EPOCHS / 60, 1),
            "together_s": round(together_s, 2),
            "alone_s": [round(each, 2) for each in alone_s],
            "difference": most,
        }
        print(json.dumps(figures | budget.figures()))


if __name__ == "__main__":
    main()
