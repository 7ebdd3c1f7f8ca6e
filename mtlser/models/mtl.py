"""The multi-task network: shared encoder, masked mean pooling and three heads (paper, 4.2-4.5)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mtlser.models.computed_in import compute_dtype, dense
from mtlser.models.encoder import SpeechEncoder
from mtlser.models.packed import Packed
from mtlser.models.transformers_internals import freeze_convolutions
from mtlser.recipe import ModelRecipe

Cut = Literal["wav", "local", "encoded"]
"""Where a batch enters the network: as samples, as local features, or as encoder output."""

CUT_OF: dict[str, Cut] = {"all": "wav", "transformer": "local", "heads": "encoded"}
"""`model.trainable` -> the cut before which nothing is trained, so that it can be cached."""


def cut_of(trainable: str, encoder: SpeechEncoder, padding: str = "none") -> Cut:
    """Where batches enter a network of which so much is trained: before the first trained part.

    Args:
        trainable: `model.trainable`.
        encoder: one without a trainable part before its transformer is entered there.
        padding: `train.padding`; padding that is seen is added to samples.
    """
    cut = CUT_OF[trainable]
    kept = encoder.local_part() is None and padding != "seen"
    return "local" if cut == "wav" and kept else cut


@dataclass(frozen=True)
class Logits:
    """What the three heads say of one batch."""

    emotion_be: Tensor
    speaker_bs: Tensor | None
    """`None`: no speaker is known, so that there is no such head."""
    characters: Packed | None
    """Rows (n, u): one score a symbol for every frame; `None`: there is no transcript to learn."""


class MtlNetwork(nn.Module):
    """Emotion logits e, speaker logits s and character logits y from shared features v."""

    mean_d: Tensor
    pooled_sd_d: Tensor
    frame_sd_d: Tensor

    def __init__(
        self,
        encoder: SpeechEncoder,
        recipe: ModelRecipe,
        emotions: int,
        speakers: int,
        symbols: int,
    ) -> None:
        """Builds the heads.

        Args:
            encoder: shared by all.
            recipe: `[model]`.
            emotions: classes.
            speakers: classes of the speaker head; 0: none, and no such head.
            symbols: of the alphabet; 0: no transcripts, and no such head.
        """
        super().__init__()
        self.encoder = encoder
        self.layers = recipe.layers
        side_by_side = encoder.layer_count if recipe.layers == "concat" else 1
        width = encoder.width * side_by_side
        if recipe.layers == "weighted":
            self.layer_logits_l = nn.Parameter(torch.zeros(encoder.layer_count))
        stored = encoder.width * (1 if recipe.layers == "last" else encoder.layer_count)
        self.register_buffer("mean_d", torch.zeros(stored))
        self.register_buffer("pooled_sd_d", torch.ones(stored))
        self.register_buffer("frame_sd_d", torch.ones(stored))
        self.dropout = nn.Dropout(recipe.dropout)
        self.emotion_head = nn.Linear(width, emotions)
        self.speaker_head = nn.Linear(width, speakers) if speakers else None
        self.ctc_head = nn.Linear(width, symbols) if symbols else None

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.mean_d.device

    def forward(self, features: Packed, cut: Cut) -> Logits:
        """The logits of the clips' local or encoded features.

        Args:
            features: local features (`cut="local"`) or encoder output (`cut="encoded"`).
            cut: where the batch enters.
        """
        return self.heads(self.encode(features) if cut == "local" else features)

    def encode(self, local: Packed) -> Packed:
        """Encoder output: rows (n, c) -> (m, d), or (m, layers x d) unless `layers` is `last`."""
        if self.layers == "last":
            return self.encoder.context(local, every=False)[-1]
        outputs = self.encoder.context(local)
        return outputs[0].with_rows(torch.cat([output.rows_nd for output in outputs], dim=-1))

    def heads(self, encoded: Packed) -> Logits:
        """The three heads on the encoder's output (eqs. 6-8), standardised first.

        Pooled vectors spread less than frames, so each has an SD of its own. Pooling and the CTC
        layer are linear: standardising pooled vectors and CTC weights is standardising every
        frame, and cheaper.
        """
        pooled_bd = self.pooled(encoded)
        shares_l = torch.softmax(self.layer_logits_l, dim=0) if self.layers == "weighted" else None
        if shares_l is not None:
            layered_bld = pooled_bd.unflatten(-1, (len(shares_l), self.encoder.width))
            pooled_bd = torch.einsum("bld,l->bd", layered_bld, shares_l)
        pooled_bd = self.dropout(pooled_bd)
        return Logits(
            dense(self.emotion_head, pooled_bd),
            None if self.speaker_head is None else dense(self.speaker_head, pooled_bd),
            None if self.ctc_head is None else self.words_of(self.ctc_head, encoded, shares_l),
        )

    def pooled(self, encoded: Packed) -> Tensor:
        """Mean of each clip's frames, standardised: (b, d)."""
        return (encoded.mean() - self.mean_d) / self.pooled_sd_d

    def words_of(self, head: nn.Linear, encoded: Packed, shares_l: Tensor | None) -> Packed:
        """Scores of symbols for every frame, (n, u).

        Args:
            head: the layer for words.
            encoded: rows (n, d), not standardised.
            shares_l: of the encoder's layers; `None`: they are not mixed.
        """
        weight_ud = head.weight
        if shares_l is not None:
            weight_ud = torch.cat([share * weight_ud for share in shares_l], dim=1)
        weight_ud = weight_ud / self.frame_sd_d
        bias_u = head.bias - weight_ud @ self.mean_d
        dtype = compute_dtype(head)
        rows = nn.functional.linear(
            encoded.rows_nd.to(dtype), weight_ud.to(dtype), bias_u.to(dtype)
        )
        return encoded.with_rows(rows)

    def freeze(self, trainable: str) -> None:
        """Stops gradients of what `model.trainable` leaves out."""
        if trainable == "heads":
            self.encoder.requires_grad_(False)
        elif trainable == "transformer":
            local = self.encoder.local_part()
            if local is not None:
                freeze_convolutions(local)

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters of the heads and of the layer mixing."""
        return [
            parameter
            for name, parameter in self.named_parameters()
            if not name.startswith("encoder.") and parameter.requires_grad
        ]
