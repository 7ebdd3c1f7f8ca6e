"""The transformer layers of wav2vec 2.0, HuBERT and Whisper on packed clips.

The modules and their weights are those of transformers; what they compute is computed here on
frames without padding, in one type, with each weight brought to that type once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from mtlser.models.attention import attend
from mtlser.models.computed_in import linear
from mtlser.models.copies import joined
from mtlser.models.dropout import add_dropped, dropout, dropped_gelu
from mtlser.models.norm import layer_norm
from mtlser.models.packed import Packed
from mtlser.models.positions import convolve_positions


@dataclass(frozen=True)
class Block:
    """The parts of one layer, whatever its family calls them."""

    module: nn.Module
    attention: Any
    """Has `q_proj`, `k_proj`, `v_proj`, `out_proj`."""
    heads: int
    attention_norm: nn.LayerNorm
    up: nn.Linear
    activation: nn.Module
    down: nn.Linear
    feed_forward_norm: nn.LayerNorm
    norm_first: bool
    """Whether norms stand before attention and feed-forward, or after their sums."""
    hidden_dropout: float
    attention_dropout: float
    activation_dropout: float


def wav2vec2_block(layer: Any, norm_first: bool) -> Block:
    """A layer of wav2vec 2.0 or HuBERT."""
    feed_forward = layer.feed_forward
    return Block(
        module=layer,
        attention=layer.attention,
        heads=layer.attention.num_heads,
        attention_norm=layer.layer_norm,
        up=feed_forward.intermediate_dense,
        activation=feed_forward.intermediate_act_fn,
        down=feed_forward.output_dense,
        feed_forward_norm=layer.final_layer_norm,
        norm_first=norm_first,
        hidden_dropout=layer.dropout.p,
        attention_dropout=layer.attention.dropout,
        activation_dropout=feed_forward.intermediate_dropout.p,
    )


def whisper_block(layer: Any) -> Block:
    """A layer of Whisper's encoder."""
    return Block(
        module=layer,
        attention=layer.self_attn,
        heads=layer.self_attn.num_heads,
        attention_norm=layer.self_attn_layer_norm,
        up=layer.fc1,
        activation=layer.activation_fn,
        down=layer.fc2,
        feed_forward_norm=layer.final_layer_norm,
        norm_first=True,
        hidden_dropout=layer.dropout,
        attention_dropout=layer.self_attn.dropout,
        activation_dropout=layer.activation_dropout,
    )


def joined_parameters(layers: Any) -> list[tuple[nn.Parameter, ...]]:
    """Queries', keys' and values' weights of each layer, and their biases: one product has all."""
    groups = []
    for layer in layers:
        attention = getattr(layer, "attention", None) or layer.self_attn
        parts = (attention.q_proj, attention.k_proj, attention.v_proj)
        groups.append(tuple(part.weight for part in parts))
        if all(part.bias is not None for part in parts):
            groups.append(tuple(part.bias for part in parts))
    return groups


def run_blocks(blocks: list[Block], rows: Packed, recompute: bool) -> Iterator[Tensor]:
    """Yields each layer's output, (n, d).

    Args:
        blocks: the layers.
        rows: input of the first, in the type to compute in.
        recompute: keep only what goes into a layer, and compute the rest again in backward.
    """
    hidden_nd = rows.rows_nd
    for block in blocks:
        if recompute and torch.is_grad_enabled():
            hidden_nd = checkpoint(run_block, block, hidden_nd, rows.lengths, use_reentrant=False)
        else:
            hidden_nd = run_block(block, hidden_nd, rows.lengths)
        yield hidden_nd


def run_block(block: Block, x_nd: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """One transformer layer: (n, d) -> (n, d)."""
    training = block.module.training
    attended = _attention(block, _norm_if(block.norm_first, x_nd, block.attention_norm), lengths)
    x_nd = add_dropped(x_nd, attended, block.hidden_dropout, training)
    x_nd = _norm_if(not block.norm_first, x_nd, block.attention_norm)
    fed = _feed_forward(block, _norm_if(block.norm_first, x_nd, block.feed_forward_norm))
    x_nd = add_dropped(x_nd, fed, block.hidden_dropout, training)
    x_nd = _norm_if(not block.norm_first, x_nd, block.feed_forward_norm)
    adapter = getattr(block.module, "adapter_layer", None)
    return x_nd if adapter is None else x_nd + adapter(x_nd)


def _norm_if(wanted: bool, x_nd: Tensor, norm: nn.LayerNorm) -> Tensor:
    return layer_norm(x_nd, norm) if wanted else x_nd


def _attention(block: Block, x_nd: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Self-attention of each clip, with queries, keys and values from one product."""
    attention = block.attention
    parts = (attention.q_proj, attention.k_proj, attention.v_proj)
    weight = joined([part.weight for part in parts], x_nd.dtype)
    biases = [x_nd.new_zeros(len(p.weight)) if p.bias is None else p.bias for p in parts]
    bias = joined(biases, x_nd.dtype)
    p = block.attention_dropout if block.module.training else 0.0
    mixed_nd = attend(functional.linear(x_nd, weight, bias), lengths, block.heads, p)
    return linear(mixed_nd, attention.out_proj)


def _feed_forward(block: Block, x_nd: Tensor) -> Tensor:
    hidden = linear(x_nd, block.up)
    if is_gelu(block.activation):
        hidden = dropped_gelu(hidden, block.activation_dropout, block.module.training)
    else:
        hidden = block.activation(hidden)
        hidden = dropout(hidden, block.activation_dropout, block.module.training)
    return linear(hidden, block.down)


def is_gelu(activation: nn.Module) -> bool:
    """Whether an activation is the exact GELU."""
    act: Any = getattr(activation, "act", activation)
    return act is functional.gelu or (isinstance(act, nn.GELU) and act.approximate == "none")


def embed_positions(encoder: Any, rows: Packed, norm_first: bool) -> Packed:
    """Input of wav2vec 2.0's or HuBERT's first layer: rows (n, d) plus their positions."""
    embedding = encoder.pos_conv_embed
    x_nd = rows.rows_nd
    weight, bias = embedding.conv.weight.to(x_nd.dtype), embedding.conv.bias.to(x_nd.dtype)
    positions = embedding.activation(convolve_positions(x_nd, rows.lengths, weight, bias))
    x_nd = _norm_if(not norm_first, x_nd + positions, encoder.layer_norm)
    return rows.with_rows(dropout(x_nd, encoder.dropout.p, encoder.training))


def project(projection: Any, rows: Packed, dtype: torch.dtype) -> Packed:
    """Local features at the transformer's width, in `dtype`: rows (n, c) -> (n, d)."""
    x_nc = rows.rows_nd.to(dtype)
    norm = getattr(projection, "layer_norm", None)
    x_nc = x_nc if norm is None else layer_norm(x_nc, norm)
    x_nd = linear(x_nc, projection.projection)
    return rows.with_rows(dropout(x_nd, projection.dropout.p, projection.training))
