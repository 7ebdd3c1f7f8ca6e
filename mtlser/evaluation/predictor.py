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
from mtlser.data import alphabets
from mtlser.data.speaker_labels import speaker_label
from mtlser.errors import MtlserError
from mtlser.evaluation.windows import Window, joined, weighted_mean, windows
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.mtl import Logits
from mtlser.models.way import by_index
from mtlser.recipe import Recipe
from mtlser.records import Cell, Prediction, Split, Utterance

if TYPE_CHECKING:
    from mtlser.models.baselines.svm import SvmModel

Wav = NDArray[np.float32]
"""One clip's samples (n,), 16 kHz mono, -1..1."""

BATCH_S = 40.0
"""Audio per batch on a CPU."""
BATCH_BY_INDEX_S = 100.0
"""Audio per batch on a GPU, which smaller ones leave idle: some 2 GB of a wav2vec 2.0 in fp32."""

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
            Output(dict(zip(self.model.choice.emotions, map(float, row), strict=True)), None, None)
            for row in svm.predict_probabilities(self.model, features_nd)
        ]


def load_system(name: str, folder: Path) -> System:
    """The trained system in a cell's `model/` folder."""
    if name == "svm":
        from mtlser.models.baselines import svm

        return SvmSystem(svm.load(folder))
    network = NetworkSystem(bundle.load(folder))
    runtime.restore_collector()
    return network


def predict_wavs(model: TrainedModel, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
    """One output for each clip, in order.

    Clips of any length: one longer than the encoder's window is predicted in pieces, as
    `mtlser.evaluation.windows` says, so that memory does not grow with it.

    Args:
        model: as `mtlser.models.bundle.load` gives it.
        wavs: samples (n,) of each clip, 16 kHz mono.
        done: called after each batch that ends a clip.
    """
    encoder = model.network.encoder
    cut = [windows(len(wav), encoder.window_s) for wav in wavs]
    pieces = [(clip, place) for clip, each in enumerate(cut) for place in range(len(each))]
    missing = [len(each) for each in cut]
    parts: dict[tuple[int, int], Part] = {}
    model.network.eval()
    seconds = [cut[clip][place].seconds for clip, place in pieces]
    with torch.inference_mode():
        for indices in length_batches(seconds, batch_s(model.network.device)):
            batch = [pieces[i] for i in indices]
            heard = _hear(model, [_piece(wavs[clip], cut[clip][place]) for clip, place in batch])
            parts.update(zip(batch, heard, strict=True))
            for clip, _ in batch:
                missing[clip] -= 1
            ended = sum(missing[clip] == 0 for clip in {clip for clip, _ in batch})
            if ended:
                done(ended)
    return [
        _joined([parts[clip, place] for place in range(len(each))], each, model)
        for clip, each in enumerate(cut)
    ]


@dataclass(frozen=True)
class Part:
    """What the heads say of one piece of a clip."""

    emotions_e: NDArray[np.float64]
    """Probabilities."""
    speakers_s: NDArray[np.float64] | None
    """Probabilities; `None`: there is no such head, as in what follows."""
    symbols: list[int] | None
    """The likeliest of each frame."""


def _piece(wav: Wav, window: Window) -> Wav:
    return np.asarray(wav[window.start : window.stop], np.float32)


def _hear(model: TrainedModel, wavs: Sequence[Wav]) -> list[Part]:
    """What the network says of one batch."""
    network = model.network
    clips = [torch.from_numpy(wav) for wav in wavs]
    return parts_of(network(network.encoder.local_rows(clips), "local"))


def parts_of(logits: Logits) -> list[Part]:
    """The heads' logits of one batch: probabilities, and greedy symbols.

    Raises:
        MtlserError: they are no numbers, of which the first class would be taken for the likeliest.
    """
    words, speakers = logits.characters, logits.speaker_bs
    heads = (logits.emotion_be, speakers, None if words is None else words.rows_nd)
    if not all(bool(head.isfinite().all()) for head in heads if head is not None):
        raise MtlserError(
            "the network's output is not a number: its weights are damaged, or 16 bits overflowed; "
            "train it again with `mtlser train`, if in fp16 with `--set train.precision=fp32`"
        )
    emotions_be = logits.emotion_be.double().softmax(-1).cpu().numpy()
    absent = [None] * len(emotions_be)
    speakers_bs = absent if speakers is None else speakers.double().softmax(-1).cpu().numpy()
    symbols = absent if words is None else words.with_rows(words.rows_nd.argmax(-1)).clips()
    rows = zip(emotions_be, speakers_bs, symbols, strict=True)
    return [
        Part(emotions_e, speakers_s, None if line is None else line.tolist())
        for emotions_e, speakers_s, line in rows
    ]


def _joined(parts: Sequence[Part], pieces: Sequence[Window], model: TrainedModel) -> Output:
    """The output of one clip from those of its pieces."""
    encoder = model.network.encoder

    def frames_of(samples: int) -> int:
        return encoder.frames(encoder.local_frames(samples))

    speakers = [part.speakers_s for part in parts if part.speakers_s is not None]
    lines = [part.symbols for part in parts if part.symbols is not None]
    whole = Part(
        weighted_mean([part.emotions_e for part in parts], pieces),
        weighted_mean(speakers, pieces) if speakers else None,
        joined(lines, pieces, frames_of) if lines else None,
    )
    return _output(whole, model.description)


def outputs(logits: Logits, description: Description) -> list[Output]:
    """The heads' logits of one batch in words: probabilities, greedy CTC text, speaker.

    Raises:
        MtlserError: see `parts_of`.
    """
    return [_output(part, description) for part in parts_of(logits)]


def _output(part: Part, description: Description) -> Output:
    return Output(
        dict(zip(description.emotions, part.emotions_e.tolist(), strict=True)),
        None if part.symbols is None else alphabets.decode_ctc(part.symbols, description.alphabet),
        None if part.speakers_s is None else description.speakers[int(part.speakers_s.argmax())],
    )


def batch_s(device: torch.device) -> float:
    """Audio that a device predicts at once, in seconds."""
    return BATCH_BY_INDEX_S if by_index(device) else BATCH_S


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
    speaker: str | None,
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
