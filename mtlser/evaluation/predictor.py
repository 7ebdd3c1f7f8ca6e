"""Emotion, text and speaker of clips: one way in for scores, noise, registry and command line.

A prediction does not depend on its batch mates: clips travel without padding (`Packed`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mtlser import runtime
from mtlser.data import text
from mtlser.data.speaker_labels import speaker_label
from mtlser.errors import MtlserError
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed
from mtlser.recipe import Recipe
from mtlser.records import SAMPLE_RATE_HZ, Cell, Prediction, Split, Utterance

if TYPE_CHECKING:
    from mtlser.models.baselines.svm import SvmModel

Wav = NDArray[np.float32]
"""One clip's samples (n,), 16 kHz mono, -1..1."""

BATCH_S = 40.0
"""Audio per batch."""

Done = Callable[[int], object]
"""Takes the number of clips that have been predicted since it was last called."""


def unheeded(clips: int) -> None:
    """Takes no notice."""


@dataclass(frozen=True)
class Output:
    """The output of one system for one clip."""

    emotion_probabilities: dict[str, float]
    text: str | None
    speaker: str | None


class System(Protocol):
    """Anything that classifies emotion: the network, the SVM."""

    def predict(self, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
        """One output for each clip, in order."""


@dataclass(frozen=True)
class NetworkSystem:
    """The multi-task network as a system."""

    model: TrainedModel

    def predict(self, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
        """One output for each clip, in order."""
        return predict_wavs(self.model, wavs, done)


@dataclass(frozen=True)
class SvmSystem:
    """The SVM baseline as a system; it neither transcribes nor names speakers."""

    model: "SvmModel"
    emotions: tuple[str, ...]

    def predict(self, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
        """One output for each clip, in order."""
        from mtlser.models.baselines import mel_statistics

        rows = []
        for wav in wavs:
            rows.append(mel_statistics.features(wav))
            done(1)
        return self.predict_features(np.stack(rows))

    def predict_features(self, features_nd: NDArray[np.float64]) -> list[Output]:
        """One output for each row of `mel_statistics.features`, (n, 720), in order."""
        from mtlser.models.baselines import svm

        return [
            Output(dict(zip(self.emotions, map(float, row), strict=True)), None, None)
            for row in svm.predict_probabilities(self.model, features_nd)
        ]


def load_system(name: str, folder: Path, emotions: tuple[str, ...]) -> System:
    """The trained system in a cell's `model/` folder."""
    if name == "svm":
        from mtlser.models.baselines import svm

        return SvmSystem(svm.load(folder), emotions)
    network = NetworkSystem(bundle.load(folder))
    runtime.restore_collector()
    return network


def predict_wavs(model: TrainedModel, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
    """One output for each clip, in order.

    Args:
        model: as `mtlser.models.bundle.load` gives it.
        wavs: samples (n,) of each clip, 16 kHz mono.
        done: called after each batch.
    """
    network = model.network
    network.eval()
    device = next(network.parameters()).device
    by_index: dict[int, Output] = {}
    with torch.inference_mode():
        for indices in length_batches([len(wav) / SAMPLE_RATE_HZ for wav in wavs], BATCH_S):
            clips = [torch.from_numpy(np.asarray(wavs[i], np.float32)).to(device) for i in indices]
            logits = network(Packed.of(network.encoder.local(clips)), "local")
            by_index.update(zip(indices, outputs(logits, model.description), strict=True))
            done(len(indices))
    return [by_index[i] for i in range(len(wavs))]


def outputs(logits: Logits, description: Description) -> list[Output]:
    """The heads' logits of one batch in words: probabilities, greedy CTC text, speaker.

    Raises:
        MtlserError: they are no numbers, of which the first class would be taken for the likeliest.
    """
    heads = (logits.emotion_be, logits.speaker_bs, logits.characters.rows_nd)
    if not all(bool(head.isfinite().all()) for head in heads):
        raise MtlserError(
            "the network's output is not a number: its weights are damaged, or 16 bits overflowed; "
            "train it again with `mtlser train`, if in fp16 with `--set train.precision=fp32`"
        )
    probabilities_be = logits.emotion_be.double().softmax(-1)
    speakers = logits.speaker_bs.argmax(-1).tolist()
    symbols = logits.characters.with_rows(logits.characters.rows_nd.argmax(-1)).clips()
    return [
        Output(
            dict(zip(description.emotions, row, strict=True)),
            text.decode_ctc(line.tolist()),
            description.speakers[speaker],
        )
        for row, line, speaker in zip(probabilities_be.tolist(), symbols, speakers, strict=True)
    ]


def length_batches(durations_s: Sequence[float], batch_s: float) -> Iterator[list[int]]:
    """Yields indices of clips of like length, at most `batch_s` of audio a batch.

    >>> list(length_batches([3.0, 1.0, 1.0], 4.0))
    [[1, 2], [0]]
    """
    batch: list[int] = []
    seconds = 0.0
    for index in sorted(range(len(durations_s)), key=durations_s.__getitem__):
        if batch and seconds + durations_s[index] > batch_s:
            yield batch
            batch, seconds = [], 0.0
        batch.append(index)
        seconds += durations_s[index]
    if batch:
        yield batch


def prediction_of(
    utterance: Utterance, output: Output, cell: Cell, split: Split, condition: str, recipe: Recipe
) -> Prediction:
    """The record of one output: the truth beside the system's output."""
    speaker = speaker_label(utterance, recipe.train.speaker_label)
    return beside_truth(utterance, output, cell, split, condition, speaker, recipe.hash)


def beside_truth(
    utterance: Utterance,
    output: Output,
    cell: Cell,
    split: Split,
    condition: str,
    speaker: str,
    recipe_hash: str,
) -> Prediction:
    """The record of one output of a system whose recipe is not at hand.

    Args:
        utterance: the truth.
        output: of the system.
        cell: the system's; the final fit counts as fold 0.
        split: what the utterance is to the system.
        condition: `clean`, or the noise.
        speaker: the true speaker.
        recipe_hash: of the system's recipe.
    """
    return Prediction(
        utterance_id=utterance.id,
        system=cell.system,
        fold=cell.fold or 0,
        seed=cell.seed,
        split=split,
        condition=condition,
        style=utterance.style,
        emotion_true=utterance.emotion,
        emotion_probabilities=output.emotion_probabilities,
        text_true=utterance.text,
        text_predicted=output.text,
        speaker_true=speaker,
        speaker_predicted=output.speaker,
        recipe_hash=recipe_hash,
    )
