"""This package's training step on the benchmarks' clips."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import common
from mtlser.models.encoder import Wav2Vec2Encoder
from mtlser.models.packed import Packed
from mtlser.training import heap


class PackedNetwork(nn.Module):
    """The encoder of this package with the same heads and losses as `common.PaperNetwork`."""

    def __init__(self) -> None:
        from transformers import Wav2Vec2Model

        super().__init__()
        self.encoder = Wav2Vec2Encoder(Wav2Vec2Model(common.base_config()), normalise=False)
        width = self.encoder.width
        self.emotion_head = nn.Linear(width, common.EMOTIONS)
        self.speaker_head = nn.Linear(width, common.SPEAKERS)
        self.ctc_head = nn.Linear(width, common.SYMBOLS)

    def loss(self, local: list[Tensor], clips: Sequence[dict[str, Any]]) -> Tensor:
        """The joint loss of the clips whose local features are given."""
        encoded = self.encoder.context(Packed.of(local), every=False)[-1]
        pooled_bd = encoded.mean()
        scores = encoded.with_rows(self.ctc_head(encoded.rows_nd).float().log_softmax(-1))
        symbols = torch.tensor([len(clip["characters"]) for clip in clips])
        ctc = functional.ctc_loss(
            scores.padded().transpose(0, 1),
            torch.cat([clip["characters"] for clip in clips]),
            torch.tensor(encoded.lengths),
            symbols,
            zero_infinity=True,
        )
        emotion = torch.tensor([clip["emotion"] for clip in clips])
        speaker = torch.tensor([clip["speaker"] for clip in clips])
        return (
            functional.cross_entropy(self.emotion_head(pooled_bd).float(), emotion)
            + 0.1 * ctc
            + 0.1 * functional.cross_entropy(self.speaker_head(pooled_bd).float(), speaker)
        )


class Trainer:
    """Optimiser steps on batches of clips."""

    def __init__(self, frozen: bool = False) -> None:
        heap.keep_freed()
        torch.manual_seed(0)
        self.network = PackedNetwork().train()
        self.frozen = frozen
        if frozen:
            self.network.encoder.cnn.requires_grad_(False)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=common.LEARNING_RATE, fused=True)

    def cache(self, clips: Sequence[dict[str, Any]]) -> list[Tensor]:
        """Local features of the clips, computed once."""
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return self.network.encoder.local([clip["input_values"] for clip in clips])

    def step(self, clips: Sequence[dict[str, Any]], local: list[Tensor] | None = None) -> Tensor:
        """One optimiser step; gives the loss."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            if local is None:
                local = self.network.encoder.local([clip["input_values"] for clip in clips])
            loss = self.network.loss(local, clips)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()
