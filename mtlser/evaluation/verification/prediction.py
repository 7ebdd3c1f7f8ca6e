"""Predictions of a sample of utterances, made again from the weights, clean and under noise."""

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from mtlser.data import clips, manifest, noise
from mtlser.errors import MtlserError
from mtlser.evaluation import noise_facts, noise_sweep
from mtlser.evaluation.predictor import Output, Wav, load_system
from mtlser.evaluation.verification.reading import Key
from mtlser.evaluation.verification.sources import MODEL, fold_of
from mtlser.recipe import Recipe
from mtlser.records import (
    CLEAN,
    Cell,
    CellResult,
    FoldPlan,
    Prediction,
    Utterance,
    read_json,
)

TOLERANCE = 1e-3
"""How far a probability may differ that the same weights give on another machine."""
Hear = Callable[[Utterance, str], Wav]
"""The samples of an utterance under a condition."""


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

    def agreed(self, what: str, command: str) -> str:
        """What agrees.

        Args:
            what: was predicted again.
            command: that makes the predictions.

        Raises:
            MtlserError: something differs.
        """
        if self.worst > TOLERANCE or self.other_words:
            raise MtlserError(
                f"the weights give probabilities that differ by up to {self.worst:.2g} from the "
                f"predictions (allowed {TOLERANCE:g}), and other words or another speaker for "
                f"{self.other_words} of {self.count} {what}; run `{command}` again"
            )
        return (
            f"{self.count} {what} drawn now were predicted again: probabilities "
            f"within {max(self.worst, 1e-12):.1g}, the same words and speakers"
        )


@dataclass(frozen=True)
class Draw:
    """Test predictions of one cell that are to be made again."""

    folder: Path
    """Cell folder with `model/`."""
    cell: Cell
    keys: tuple[Key, ...]


def draw(
    cells: Sequence[Path], plan: FoldPlan, sample: int, conditions: Sequence[str] = (CLEAN,)
) -> list[Draw]:
    """A sample of each cell's test utterances, drawn anew each time, so that nobody knows it.

    Args:
        cells: folders with `result.json`; the final fit tests nothing.
        plan: the folds.
        sample: number of predictions of each cell.
        conditions: under which they are to be predicted.
    """
    draws = []
    for folder in cells:
        cell = Cell.parse(read_json(folder / "result.json", CellResult).cell)
        if cell.fold is not None:
            every = list(product((cell.text,), conditions, fold_of(cell, plan).test))
            keys = sorted(random.SystemRandom().sample(every, min(sample, len(every))))
            draws.append(Draw(folder, cell, tuple(keys)))
    return draws


def clean(corpus: Path) -> Hear:
    """Clips as they are in a corpus folder; one that is not the manifest's is refused."""

    def hear(utterance: Utterance, _: str) -> Wav:
        return clips.load(corpus, utterance)

    return hear


def mixed(corpus: Path, utterances: Sequence[Utterance], recipe: Recipe) -> Hear:
    """Clips under the noise that `noise-eval` mixes for them.

    Raises:
        MtlserError: a noise is not at hand.
    """
    source = noise_sweep.source(corpus, utterances, recipe)
    known = noise_facts.conditions(recipe.noise)
    plain = clean(corpus)

    def hear(utterance: Utterance, condition: str) -> Wav:
        kind, snr_db = known[condition]
        wav_n = plain(utterance, CLEAN)
        return noise.noisy(utterance, wav_n, kind, snr_db, source, recipe.noise.level)

    return hear


def repeat(
    draws: Iterable[Draw],
    scored: Mapping[Key, Prediction],
    utterances: Sequence[Utterance],
    hear: Hear,
    present: Mapping[str, Collection[str]] | None = None,
) -> Repeated:
    """How far the scored predictions are from what the weights give.

    Args:
        draws: what to predict again.
        scored: the predictions that the report scores.
        utterances: the manifest.
        hear: gives the clips.
        present: conditions that were predicted at all, by cell; `None`: every one.

    Raises:
        MtlserError: a prediction is missing, or a clip is not the manifest's.
    """
    result = Repeated()
    for each in draws:
        keys = [k for k in each.keys if present is None or k[1] in present.get(k[0], ())]
        if not keys:
            continue
        shown = {u.id: u for u in manifest.members(utterances, [name for _, _, name in keys])}
        system = load_system(each.cell.system, each.folder / MODEL)
        wavs = [hear(shown[name], condition) for _, condition, name in keys]
        for key, output in zip(keys, system.predict(wavs), strict=True):
            if key not in scored:
                raise MtlserError(
                    f"no prediction of {key[2]} by {key[0]} ({key[1]}) in the report; write it "
                    "again with `mtlser report`"
                )
            result.add(scored[key], output)
    return result
