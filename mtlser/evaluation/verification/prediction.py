"""Predictions of a sample of utterances, made again from the weights."""

from collections.abc import Sequence
from pathlib import Path

from mtlser.data import audio, manifest
from mtlser.data.rng import generator
from mtlser.evaluation.predictor import load_system
from mtlser.evaluation.verification.sources import MODEL, fold_of
from mtlser.recipe import Recipe
from mtlser.records import (
    EMOTIONS,
    Cell,
    CellResult,
    FoldPlan,
    Prediction,
    Utterance,
    read_json,
    read_jsonl,
)


def repeat(
    cells: Sequence[Path],
    corpus: Path,
    plan: FoldPlan,
    utterances: Sequence[Utterance],
    recipe: Recipe | None,
    sample: int,
) -> tuple[float, int]:
    """The largest difference of a class's probability, and how many predictions were repeated.

    Args:
        cells: folders with `model/`, `result.json` and `predictions.jsonl`.
        corpus: corpus folder with the audio.
        plan: the folds.
        utterances: the manifest.
        recipe: its seed draws the sample.
        sample: test utterances of each cell.
    """
    worst, count = 0.0, 0
    for folder in cells:
        cell = Cell.parse(read_json(folder / "result.json", CellResult).cell)
        if cell.fold is None:
            continue
        tested = fold_of(cell, plan).test
        rng = generator(recipe.seed if recipe else 0, "verify", cell.text)
        drawn = sorted(tested[i] for i in rng.permutation(len(tested))[:sample])
        shown = manifest.members(utterances, drawn)
        system = load_system(cell.system, folder / MODEL, EMOTIONS)
        outputs = system.predict([audio.load(corpus / each.audio) for each in shown])
        stated = {
            p.utterance_id: p.emotion_probabilities
            for p in read_jsonl(folder / "predictions.jsonl", Prediction)
            if p.split == "test"
        }
        for utterance, output in zip(shown, outputs, strict=True):
            there = stated[utterance.id]
            gaps = [abs(p - there[name]) for name, p in output.emotion_probabilities.items()]
            worst, count = max(worst, *gaps), count + 1
    return worst, count
