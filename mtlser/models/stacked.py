"""All pairs of a grid as one network: one head for emotion, one for words for each alpha ...

Over a frozen encoder the three heads share no weight. Then alpha weighs the gradient of the head
for words alone, and beta that of the speaker head: of a grid of alphas and betas, all pairs of one
alpha have the same head for words, to the bit. One network with a head for each value trains the
whole grid in one pass over the features.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtlser.models.losses import Counts, Targets, ctc_term, emotion_term, speaker_term
from mtlser.models.mtl import Logits, MtlNetwork
from mtlser.models.packed import Packed
from mtlser.recipe import ModelRecipe


@dataclass(frozen=True)
class StackedLogits(Logits):
    """What all heads say of one batch."""

    words: tuple[Packed, ...] = ()
    """As `characters`, of each alpha; empty: there is no transcript to learn."""
    speakers: tuple[Tensor, ...] = ()
    """As `speaker_bs`, of each beta; empty: no speaker is known."""

    def of(self, alpha: int | None = None, beta: int | None = None) -> Logits:
        """The logits of one pair, by the places of its values; `None`: without that head."""
        return Logits(
            self.emotion_be,
            None if beta is None or not self.speakers else self.speakers[beta],
            None if alpha is None or not self.words else self.words[alpha],
        )


class StackedNetwork(MtlNetwork):
    """A frozen encoder below the heads of a grid."""

    def __init__(self, one: MtlNetwork, recipe: ModelRecipe, alphas: int, betas: int) -> None:
        """Copies a network's heads.

        Args:
            one: before its first step; its encoder is shared and its other heads are copied.
            recipe: `[model]`; `layers` is not `weighted`, whose shares all heads would move.
            alphas: heads for words.
            betas: speaker heads.
        """
        assert recipe.layers != "weighted"
        super().__init__(one.encoder, recipe, one.emotion_head.out_features, 0, 0)
        self.mean_d, self.pooled_sd_d = one.mean_d, one.pooled_sd_d
        self.frame_sd_d = one.frame_sd_d
        self.emotion_head.load_state_dict(one.emotion_head.state_dict())
        self.word_heads = _copies(one.ctc_head, alphas)
        self.speaker_heads = _copies(one.speaker_head, betas)
        self.to(one.mean_d.device)

    def heads(self, encoded: Packed) -> StackedLogits:
        """All heads on the encoder's output, each as the head of a network of one pair."""
        pooled_bd = self.dropout(self.pooled(encoded))
        return StackedLogits(
            self.emotion_head(pooled_bd),
            None,
            None,
            tuple(self.words_of(head, encoded, None) for head in _linear(self.word_heads)),
            tuple(head(pooled_bd) for head in self.speaker_heads),
        )

    def give(self, network: MtlNetwork, alpha: int, beta: int) -> None:
        """Gives a network of one pair the weights of its heads.

        Args:
            network: as it was before its first step.
            alpha: place of its alpha in the grid.
            beta: place of its beta.
        """
        network.emotion_head.load_state_dict(self.emotion_head.state_dict())
        if network.ctc_head is not None:
            network.ctc_head.load_state_dict(self.word_heads[alpha].state_dict())
        if network.speaker_head is not None:
            network.speaker_head.load_state_dict(self.speaker_heads[beta].state_dict())


def _copies(head: nn.Linear | None, count: int) -> nn.ModuleList:
    return nn.ModuleList([] if head is None else [deepcopy(head) for _ in range(count)])


def _linear(heads: nn.ModuleList) -> Iterator[nn.Linear]:
    for head in heads:
        assert isinstance(head, nn.Linear)
        yield head


@dataclass(frozen=True)
class StackedLosses:
    """The loss of a grid and its terms, scalars."""

    total: Tensor
    emotion: Tensor
    ctc: tuple[Tensor, ...]
    speaker: tuple[Tensor, ...]

    def figures(self) -> Tensor:
        """All without their gradients, (n,), on their device."""
        return torch.stack([self.total, self.emotion, *self.ctc, *self.speaker]).detach()


@dataclass(frozen=True)
class GridObjective:
    """The objective of a grid: each head has the gradient that it has in a network of one pair."""

    alphas: Sequence[float]
    betas: Sequence[float]
    per_symbol: bool = False
    """See `losses.ctc_sum`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the figures of a loss, the total's first."""
        return (
            "train_loss",
            "train_loss_emotion",
            *(f"train_loss_ctc.{i}" for i in range(len(self.alphas))),
            *(f"train_loss_speaker.{i}" for i in range(len(self.betas))),
        )

    def __call__(
        self,
        logits: Logits,
        targets: Targets,
        counts: Counts,
        class_weights_e: Tensor | None = None,
    ) -> StackedLosses:
        """The loss of one batch, or a part's share of it; see `losses.joint_loss`."""
        assert isinstance(logits, StackedLogits)
        emotion = emotion_term(logits, targets, counts, class_weights_e)
        alphas, betas = range(len(self.alphas)), range(len(self.betas))
        ctc = [ctc_term(logits.of(alpha=i), targets, counts, self.per_symbol) for i in alphas]
        speaker = [speaker_term(logits.of(beta=i), targets, counts) for i in betas]
        total = emotion
        for weights, terms in ((self.alphas, ctc), (self.betas, speaker)):
            for weight, term in zip(weights, terms, strict=True):
                total = total + weight * term
        return StackedLosses(total, emotion, tuple(ctc), tuple(speaker))
