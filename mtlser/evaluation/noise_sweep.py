"""A trained cell's test set under every noise and SNR of the recipe (paper, table 5)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mtlser.data import audio, noise
from mtlser.evaluation.predictor import load_system
from mtlser.recipe import Recipe
from mtlser.records import EMOTIONS, Cell, FoldPlan, Prediction, Utterance
from mtlser.training.cells import prediction_of
from mtlser.training.network import Inputs


def condition(kind: str, snr_db: float) -> str:
    """The name of one noisy condition.

    >>> condition("babble", 5.0)
    'babble@5dB'
    """
    return f"{kind}@{snr_db:g}dB"


def sweep(
    corpus: Path,
    utterances: Sequence[Utterance],
    plan: FoldPlan,
    trained: Path,
    cell: Cell,
    recipe: Recipe,
) -> Iterator[Prediction]:
    """Yields the cell's predictions of its test set, condition by condition.

    Training saw clean speech only; the noise of an utterance is the same excerpt at every SNR.
    Each clip is decoded once.
    """
    assert cell.fold is not None
    system = load_system(cell.system, trained / "model", EMOTIONS)
    source = noise.source(recipe.noise, corpus, utterances, recipe.seed)
    shown = Inputs(corpus, utterances, plan).of(plan.folds[cell.fold].test)
    wavs = [audio.load(corpus / utterance.audio) for utterance in shown]
    for kind in recipe.noise.kinds:
        excerpts = [
            source.for_utterance(utterance, kind, len(wav))
            for utterance, wav in zip(shown, wavs, strict=True)
        ]
        for snr_db in recipe.noise.snr_db:
            noisy = [
                noise.mix(wav, excerpt, snr_db, recipe.noise.level)
                for wav, excerpt in zip(wavs, excerpts, strict=True)
            ]
            for utterance, output in zip(shown, system.predict(noisy), strict=True):
                yield prediction_of(
                    utterance, output, cell, "test", condition(kind, snr_db), recipe
                )
