"""Predictions of a sample of utterances, made again from the weights."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.data import audio, manifest
from mtlser.errors import MtlserError
from mtlser.evaluation.predictor import Output, Wav, load_system
from mtlser.evaluation.verification.sources import MODEL, fold_of
from mtlser.records import (
    CLEAN,
    EMOTIONS,
    Cell,
    CellResult,
    FoldPlan,
    Prediction,
    Utterance,
    read_json,
    read_jsonl,
)


@dataclass
class Repeated:
    """How far predictions that were made again are from those that were scored."""

    worst: float = 0.0
    """Largest difference of a class's probability."""
    other_words: int = 0
    """Utterances with another text or another speaker."""
    count: int = 0

    def add(self, stated: Prediction, output: Output) -> None:
        """Takes one utterance."""
        there = stated.emotion_probabilities
        gaps = [abs(p - there[name]) for name, p in output.emotion_probabilities.items()]
        self.worst = max(self.worst, *gaps)
        words = (stated.text_predicted, stated.speaker_predicted)
        self.other_words += words != (output.text, output.speaker)
        self.count += 1


def repeat(
    cells: Sequence[Path],
    predictions: Path,
    corpus: Path,
    plan: FoldPlan,
    utterances: Sequence[Utterance],
    sample: int,
) -> Repeated:
    """How far the scored predictions are from what the weights give, clean test utterances.

    The sample is drawn anew each time, so that nobody knows it before.

    Args:
        cells: folders with `model/` and `result.json`.
        predictions: those that the report scores.
        corpus: corpus folder with the audio.
        plan: the folds.
        utterances: the manifest.
        sample: test utterances of each cell.

    Raises:
        MtlserError: a prediction is missing, or a clip is not the manifest's.
    """
    scored = {
        (Cell(system=p.system, fold=p.fold, seed=p.seed).text, p.utterance_id): p
        for p in read_jsonl(predictions, Prediction)
        if p.split == "test" and p.condition == CLEAN
    }
    result = Repeated()
    for folder in cells:
        cell = Cell.parse(read_json(folder / "result.json", CellResult).cell)
        if cell.fold is None:
            continue
        tested = fold_of(cell, plan).test
        drawn = sorted(random.SystemRandom().sample(tested, min(sample, len(tested))))
        shown = manifest.members(utterances, drawn)
        system = load_system(cell.system, folder / MODEL, EMOTIONS)
        outputs = system.predict([_clip(corpus, each) for each in shown])
        for utterance, output in zip(shown, outputs, strict=True):
            stated = scored.get((cell.text, utterance.id))
            if stated is None:
                raise MtlserError(f"{predictions}: no prediction of {utterance.id} by {cell.text}")
            result.add(stated, output)
    return result


def _clip(corpus: Path, utterance: Utterance) -> Wav:
    path = corpus / utterance.audio
    found = audio.decode(path).sha256
    if found != utterance.audio_sha256:
        raise MtlserError(
            f"{path} has audio {found[:12]}, the manifest says {utterance.audio_sha256[:12]}; run "
            "`mtlser ingest` again"
        )
    return audio.load(path)
