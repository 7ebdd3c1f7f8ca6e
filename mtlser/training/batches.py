"""Utterances as training examples, and the order in which batches of them are shown."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlser.data import rng
from mtlser.data.alphabets import VOCABULARY, encode, frames_needed
from mtlser.data.speaker_labels import speaker_label
from mtlser.models.losses import UNSEEN, Targets
from mtlser.models.packed import Packed
from mtlser.records import Utterance


@dataclass(frozen=True)
class Example:
    """One utterance as numbers."""

    utterance: Utterance
    emotion: int
    speaker: int
    characters: Tensor | None
    """Symbol numbers of the transcript; `None` where there is none, or none that fits."""
    infeasible: bool = False
    """The transcript needs more frames than the audio has, and is left out of CTC."""

    @property
    def duration_s(self) -> float:
        """Length of the clip in seconds."""
        return self.utterance.duration_s


@dataclass(frozen=True)
class Batch:
    """Several examples as the network takes them."""

    ids: tuple[str, ...]
    features: Packed
    targets: Targets


Read = Callable[[Utterance], Tensor]
"""The features of one utterance, (t, c), or its samples, (n,)."""


def examples(
    utterances: Sequence[Utterance],
    emotions: Sequence[str],
    speakers: Sequence[str],
    frames: Callable[[Utterance], int],
    label: str = "actor",
    alphabet: Sequence[str] = VOCABULARY,
) -> list[Example]:
    """One example for each utterance; a speaker outside `speakers` becomes `UNSEEN`.

    Args:
        utterances: what is shown.
        emotions: classes of the emotion head, in order.
        speakers: classes of the speaker head, in order.
        frames: output frames of an utterance: its transcript has to fit into them.
        label: what a speaker is, see `speaker_label`.
        alphabet: symbols of the head for words; none: there is no such head.
    """
    emotion_of = {name: i for i, name in enumerate(emotions)}
    speaker_of = {name: i for i, name in enumerate(speakers)}
    groups = []
    for utterance in utterances:
        spoken = utterance.text if alphabet else None
        spelt = None if spoken is None else encode(spoken, alphabet)
        fits = spelt is not None and frames_needed(spelt) <= frames(utterance)
        groups.append(
            Example(
                utterance,
                emotion_of[utterance.emotion],
                speaker_of.get(speaker_label(utterance, label) or "", UNSEEN),
                torch.tensor(spelt, dtype=torch.long) if fits else None,
                infeasible=spelt is not None and not fits,
            )
        )
    return groups


def targets(group: Sequence[Example]) -> Targets:
    """What the examples should be, in order, on the host."""
    return Targets(
        torch.tensor([example.emotion for example in group]),
        torch.tensor([example.speaker for example in group]),
        [example.characters for example in group],
    )


def epoch_order(
    shown: Sequence[Example], batch_size: int, seed: int, epoch: int
) -> list[list[Example]]:
    """The batches of one epoch: shuffled, the same for the same seed and epoch.

    Args:
        shown: all training examples.
        batch_size: utterances an optimiser step.
        seed: the cell's seed.
        epoch: counted from 1.
    """
    order = rng.generator(seed, "order", str(epoch)).permutation(len(shown))
    return [
        [shown[i] for i in order[start : start + batch_size]]
        for start in range(0, len(shown), batch_size)
    ]


def parts(group: Sequence[Example], bucket_s: float, processes: int = 1) -> list[list[Example]]:
    """The group in parts of about the same length, each at most `bucket_s` of audio.

    A part is what one device takes at once. There are as few as possible, but a multiple of
    `processes` where there are clips enough; a clip longer than `bucket_s` is alone.

    Args:
        group: the examples of one optimiser step.
        bucket_s: audio seconds that fit into memory at once.
        processes: devices that share the group, part i being for process i modulo `processes`.
    """
    longest_first = sorted(group, key=lambda example: (-example.duration_s, example.utterance.id))
    for count in range(processes, len(group), processes):
        groups = _even(longest_first, count)
        if all(len(part) == 1 or seconds(part) <= bucket_s for part in groups):
            return groups
    return [[example] for example in longest_first]


def seconds(group: Sequence[Example]) -> float:
    """Audio seconds of the examples."""
    return sum(example.duration_s for example in group)


def _even(longest_first: Sequence[Example], count: int) -> list[list[Example]]:
    """So many parts: each clip joins the part that is shortest so far."""
    groups: list[list[Example]] = [[] for _ in range(count)]
    filled = [(0.0, index) for index in range(count)]
    for example in longest_first:
        length_s, index = heapq.heappop(filled)
        groups[index].append(example)
        heapq.heappush(filled, (length_s + example.duration_s, index))
    return groups
