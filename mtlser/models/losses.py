"""Loss = CE(emotion) + alpha CTC + beta CE(speaker) (paper, eqs. 10-13), each term apart.

Each term is a sum over utterances divided by a count. The count may be that of a larger batch, so
that a batch can be worked off in parts, on one device or several, to the very same loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed
from mtlser.models.segments import pick, to_device
from mtlser.models.torch_internals import ctc_loss
from mtlser.models.way import by_index

UNSEEN = -100
"""Target of an utterance whose speaker is no class of the speaker head."""


@dataclass(frozen=True)
class Targets:
    """What one batch should be."""

    emotion_b: Tensor
    speaker_b: Tensor
    """`UNSEEN` where the speaker is no training speaker."""
    characters: Sequence[Tensor | None]
    """Symbol numbers of each transcript; `None` where there is none that its audio can hold."""

    def to(self, device: torch.device) -> "Targets":
        """The same on `device`, sent in one piece."""
        texts = [text for text in self.characters if text is not None]
        parts = [self.emotion_b, self.speaker_b, *texts]
        sent = to_device(torch.cat(parts), device).split([len(part) for part in parts])
        there = iter(sent[2:])
        characters = [None if text is None else next(there) for text in self.characters]
        return Targets(sent[0], sent[1], characters)


@dataclass(frozen=True)
class Counts:
    """What the sum of each term is divided by; a term without utterances is 0."""

    emotions: float
    """Utterances, or the sum of their class weights."""
    transcripts: float
    speakers: float


class Loss(Protocol):
    """What one step minimises, and its figures."""

    @property
    def total(self) -> Tensor:
        """A scalar."""

    def figures(self) -> Tensor:
        """The total, then its terms, (n,), without their gradients, on their device."""


class Objective(Protocol):
    """How logits are scored while a network is trained."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the figures of a loss, the total's first."""

    def __call__(
        self,
        logits: Logits,
        targets: Targets,
        counts: Counts,
        class_weights_e: Tensor | None = None,
    ) -> Loss:
        """The loss of one batch, or a part's share of it; see `joint_loss`."""


@dataclass(frozen=True)
class Joint:
    """The paper's objective: `joint_loss` with one pair of weights."""

    alpha: float
    beta: float
    per_symbol: bool = False
    """See `ctc_sum`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the figures of a loss, the total's first."""
        return ("train_loss", "train_loss_emotion", "train_loss_ctc", "train_loss_speaker")

    def __call__(
        self,
        logits: Logits,
        targets: Targets,
        counts: Counts,
        class_weights_e: Tensor | None = None,
    ) -> "Losses":
        """The loss of one batch, or a part's share of it; see `joint_loss`."""
        weights = (self.alpha, self.beta)
        return joint_loss(logits, targets, *weights, counts, class_weights_e, self.per_symbol)


@dataclass(frozen=True)
class Losses:
    """The joint loss and its three terms, scalars."""

    total: Tensor
    emotion: Tensor
    ctc: Tensor
    speaker: Tensor

    def figures(self) -> Tensor:
        """The four without their gradients, (4,), on their device: total, emotion, CTC, speaker."""
        return torch.stack([self.total, self.emotion, self.ctc, self.speaker]).detach()


def count(targets: Targets, class_weights_e: Tensor | None = None) -> Counts:
    """The counts of a whole batch, for targets that are still on the host."""
    emotions = (
        float(len(targets.emotion_b))
        if class_weights_e is None
        else float(class_weights_e.cpu()[targets.emotion_b].sum())
    )
    transcripts = sum(text is not None for text in targets.characters)
    return Counts(emotions, transcripts, int((targets.speaker_b != UNSEEN).sum()))


def joint_loss(
    logits: Logits,
    targets: Targets,
    alpha: float,
    beta: float,
    counts: Counts,
    class_weights_e: Tensor | None = None,
    per_symbol: bool = False,
) -> Losses:
    """The joint loss of one batch, or a part's share of it (eq. 13).

    Terms are means over the utterances that have them: those without a transcript are left out
    of CTC (eq. 11), those of an unseen speaker out of the speaker term (eq. 12).

    Args:
        logits: the network's output for the part.
        targets: of the part, on the logits' device.
        alpha: weight of the CTC term.
        beta: weight of the speaker term.
        counts: of the whole batch, see `count`.
        class_weights_e: weight of each emotion class.
        per_symbol: see `ctc_sum`.
    """
    emotion = emotion_term(logits, targets, counts, class_weights_e)
    ctc = ctc_term(logits, targets, counts, per_symbol)
    speaker = speaker_term(logits, targets, counts)
    return Losses(emotion + alpha * ctc + beta * speaker, emotion, ctc, speaker)


def emotion_term(
    logits: Logits, targets: Targets, counts: Counts, class_weights_e: Tensor | None = None
) -> Tensor:
    """Cross-entropy of the emotions (eq. 10)."""
    emotion = functional.cross_entropy(
        logits.emotion_be.float(), targets.emotion_b, weight=class_weights_e, reduction="sum"
    )
    return emotion / max(counts.emotions, 1e-12)


def ctc_term(logits: Logits, targets: Targets, counts: Counts, per_symbol: bool = False) -> Tensor:
    """CTC of the transcripts (eq. 11); 0 where there is no head for words."""
    return ctc_sum(logits, targets.characters, per_symbol) / max(counts.transcripts, 1)


def speaker_term(logits: Logits, targets: Targets, counts: Counts) -> Tensor:
    """Cross-entropy of the speakers (eq. 12); 0 where there is no speaker head."""
    if logits.speaker_bs is None:
        return logits.emotion_be.new_zeros((), dtype=torch.float32)
    speaker = functional.cross_entropy(
        logits.speaker_bs.float(), targets.speaker_b, ignore_index=UNSEEN, reduction="sum"
    )
    return speaker / max(counts.speakers, 1)


def ctc_sum(
    logits: Logits, characters: Sequence[Tensor | None], per_symbol: bool = False
) -> Tensor:
    """Sum over utterances of -ln p(transcript | audio) (eq. 11), in nats.

    With `per_symbol` each is divided by the symbols of its transcript: then alpha weighs a symbol,
    as the other two losses are of one decision, and a long utterance counts no more than a short.

    Infinite where a transcript needs more frames than its audio has: such a one is to be `None`
    (see `mtlser.data.alphabets.frames_needed`).
    """
    spoken = [] if logits.characters is None else _spoken(characters)
    if logits.characters is None or not spoken:
        return logits.emotion_be.new_zeros((), dtype=torch.float32)
    scores_btu = _scores(logits.characters, [clip for clip, _ in spoken])
    if torch.are_deterministic_algorithms_enabled():
        scores_btu = scores_btu.cpu()  # CUDA adds its gradients up in no fixed order
    device = scores_btu.device
    # Lengths stay on the host, where torch looks at them.
    lengths_b = torch.tensor([len(text) for _, text in spoken])
    losses_b = ctc_loss(
        scores_btu.float().log_softmax(-1).transpose(0, 1),
        torch.cat([text for _, text in spoken]).to(device),
        torch.tensor([logits.characters.lengths[clip] for clip, _ in spoken]),
        lengths_b,
    ).to(logits.emotion_be.device)
    if per_symbol:
        losses_b = losses_b / to_device(lengths_b.clamp(min=1), losses_b.device)
    return losses_b.sum()


def _spoken(characters: Sequence[Tensor | None]) -> list[tuple[int, Tensor]]:
    """The clips that have a transcript, by number, and their transcripts."""
    return [(clip, text) for clip, text in enumerate(characters) if text is not None]


def _scores(characters: Packed, clips: list[int]) -> Tensor:
    """The scores of these clips, zero past their ends: (b, t, u)."""
    if not by_index(characters.rows_nd.device):
        each = characters.clips()
        return pad_sequence([each[clip] for clip in clips], batch_first=True)
    scores_btu = characters.padded()
    if len(clips) == len(characters.lengths):
        return scores_btu
    return pick(scores_btu, to_device(torch.tensor(clips), scores_btu.device))
