"""Utterances as training examples, and the order in which batches of them are shown."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mtlser.data import rng, text
from mtlser.models.losses import UNSEEN, Targets
from mtlser.records import Utterance

POOL_BATCHES = 8
"""Batches are cut from pools of so many, sorted by length, so that little is padding."""


@dataclass(frozen=True)
class Example:
    """One utterance as numbers."""

    utterance: Utterance
    emotion: int
    speaker: int
    characters: Tensor | None


@dataclass(frozen=True)
class Batch:
    """One padded batch."""

    ids: tuple[str, ...]
    features_btc: Tensor
    lengths_b: Tensor
    targets: Targets


Read = Callable[[Utterance], Tensor]
"""The features of one utterance, (t, c)."""


def examples(
    utterances: Sequence[Utterance], emotions: Sequence[str], speakers: Sequence[str]
) -> list[Example]:
    """One example for each utterance; a speaker outside `speakers` becomes `UNSEEN`."""
    emotion_of = {name: i for i, name in enumerate(emotions)}
    speaker_of = {name: i for i, name in enumerate(speakers)}
    return [
        Example(
            utterance,
            emotion_of[utterance.emotion],
            speaker_of.get(utterance.speaker, UNSEEN),
            None if utterance.text is None else torch.tensor(text.encode(utterance.text)),
        )
        for utterance in utterances
    ]


def collate(batch: Sequence[Example], read: Read) -> Batch:
    """One padded batch of the examples, in order."""
    features = [read(example.utterance) for example in batch]
    return Batch(
        tuple(example.utterance.id for example in batch),
        pad_sequence(features, batch_first=True),
        torch.tensor([len(feature) for feature in features]),
        Targets(
            torch.tensor([example.emotion for example in batch]),
            torch.tensor([example.speaker for example in batch]),
            [example.characters for example in batch],
        ),
    )


def epoch_order(
    batch: Sequence[Example], batch_size: int, seed: int, epoch: int
) -> list[list[Example]]:
    """The batches of one epoch: shuffled, of like length, the same for the same seed and epoch.

    Args:
        batch: all training examples.
        batch_size: utterances an optimiser step.
        seed: the cell's seed.
        epoch: counted from 1.
    """
    generator = rng.generator(seed, "order", str(epoch))
    shuffled = [batch[i] for i in generator.permutation(len(batch))]
    batches: list[list[Example]] = []
    pool_size = batch_size * POOL_BATCHES
    for start in range(0, len(shuffled), pool_size):
        pool = sorted(
            shuffled[start : start + pool_size], key=lambda example: example.utterance.duration_s
        )
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def by_length(batch: Sequence[Example], batch_size: int) -> Iterator[list[Example]]:
    """Yields batches of like length, for evaluation."""
    ordered = sorted(batch, key=lambda example: example.utterance.duration_s)
    for start in range(0, len(ordered), batch_size):
        yield ordered[start : start + batch_size]
