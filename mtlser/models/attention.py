"""Self-attention within each clip of a packed batch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mtlser.models.dropout import drops, keep_scale, mark_dropped
from mtlser.models.packed import Packed
from mtlser.models.segments import segments_of
from mtlser.models.torch_internals import (
    attend_packed,
    has_packed_attention,
    softmax_backward,
)
from mtlser.models.way import by_index


def attend(qkv_ne: Tensor, lengths: tuple[int, ...], heads: int, p: float) -> Tensor:
    """Every frame's mix of its own clip's values: (n, 3 x d) -> (n, d).

    Args:
        qkv_ne: queries, keys and values of each frame, each of `heads` heads.
        lengths: frames of each clip.
        heads: attention heads.
        p: dropout of the attention weights; 0 outside training.
    """
    if not by_index(qkv_ne.device):
        return _Attention.apply(qkv_ne, lengths, heads, p)  # type: ignore[no-untyped-call]
    width = qkv_ne.shape[1] // (3 * heads)
    if not has_packed_attention(qkv_ne.device, qkv_ne.dtype, width):
        return _padded(Packed(qkv_ne, lengths), heads, p)
    segments = segments_of(lengths, qkv_ne.device)
    q, k, v = qkv_ne.unflatten(1, (3, heads, width)).unbind(1)
    return attend_packed(q, k, v, segments.offsets, segments.longest, p).flatten(1)


def _padded(qkv: Packed, heads: int, p: float) -> Tensor:
    """The same on a padded batch, where no kernel takes packed frames."""
    lengths = qkv.lengths
    batch_bte = qkv.padded()
    split = batch_bte.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    mask = None
    if min(lengths) < batch_bte.shape[1]:
        steps_t = torch.arange(batch_bte.shape[1], device=batch_bte.device)
        mask = (steps_t < qkv.segments.lengths_b[:, None])[:, None, None]
    q, k, v = split.unbind()
    mixed_bhtk = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)
    return qkv.unpad(mixed_bhtk.transpose(1, 2).flatten(2)).rows_nd


class _Attention(torch.autograd.Function):
    """Clip by clip; dropped weights are kept with a minus sign, so that one tensor tells both."""

    @staticmethod
    def forward(ctx: Any, qkv_ne: Tensor, lengths: tuple[int, ...], heads: int, p: float) -> Tensor:
        """(n, 3 x d) -> (n, d)."""
        qkv = _by_head(qkv_ne, 3, heads)
        qkv[0] *= qkv.shape[-1] ** -0.5
        dropped = drops(p, training=True)
        if dropped:
            qkv[2] *= keep_scale(p)
        mixed = qkv.new_empty(qkv.shape[1:])
        weights = []
        for clip in _slices(lengths):
            q, k, v = qkv[:, :, clip]
            signed = torch.bmm(q, k.transpose(1, 2)).softmax(-1)
            remaining = mark_dropped(signed, p).relu() if dropped else signed
            weights.append(signed)
            torch.bmm(remaining, v, out=mixed[:, clip])
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(qkv, *weights)
            ctx.settings = lengths, p
        return mixed.transpose(0, 1).flatten(1)

    @staticmethod
    def backward(ctx: Any, grad_nd: Tensor) -> tuple[Tensor, None, None, None]:
        """(n, d) -> (n, 3 x d)."""
        qkv, *weights = ctx.saved_tensors
        lengths, p = ctx.settings
        dropped = drops(p, training=True)
        grad = _by_head(grad_nd, 1, qkv.shape[1])[0]
        out = torch.empty_like(qkv)
        for clip, signed in zip(_slices(lengths), weights, strict=True):
            (q, k, v), (dq, dk, dv) = qkv[:, :, clip], out[:, :, clip]
            remaining = signed.relu() if dropped else signed
            torch.bmm(remaining.transpose(1, 2), grad[:, clip], out=dv)
            dweights = torch.bmm(grad[:, clip], v.transpose(1, 2))
            if dropped:
                dweights = torch.ops.aten.threshold_backward(dweights, signed, 0)
            shares = signed.abs() if dropped else signed
            dscores = softmax_backward(dweights, shares)
            torch.bmm(dscores, k, out=dq)
            torch.bmm(dscores.transpose(1, 2), q, out=dk)
        out[0] *= qkv.shape[-1] ** -0.5
        if dropped:
            out[2] *= keep_scale(p)
        return out.permute(2, 0, 1, 3).flatten(1), None, None, None


def _by_head(rows_ne: Tensor, parts: int, heads: int) -> Tensor:
    """Rows by part and head, contiguous: (n, parts x heads x k) -> (parts, heads, n, k)."""
    split = rows_ne.unflatten(-1, (parts, heads, -1))
    return split.permute(1, 2, 0, 3).clone(memory_format=torch.contiguous_format)


def _slices(lengths: tuple[int, ...]) -> list[slice]:
    """Where each clip's rows are."""
    ends = torch.tensor(lengths).cumsum(0).tolist()
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
