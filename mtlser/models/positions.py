"""wav2vec 2.0's positional embedding: a wide grouped convolution over each packed clip."""

from typing import Any

import torch
from torch import Tensor

from mtlser.models.positions_by_index import convolve_blocks
from mtlser.models.way import by_index


def convolve_positions(
    rows_nd: Tensor, lengths: tuple[int, ...], weight_dck: Tensor, bias_d: Tensor
) -> Tensor:
    """Grouped convolution of stride 1 within each clip, which keeps its frames: (n, d) -> (n, d).

    Beyond a clip's ends are zeros, half of the kernel before it; of an even kernel the last
    output is left away, as transformers does.

    Args:
        rows_nd: frames of all clips.
        lengths: frames of each clip.
        weight_dck: kernel, d x (d / groups) x taps.
        bias_d: bias.
    """
    if by_index(rows_nd.device):
        return convolve_blocks(rows_nd, lengths, weight_dck, bias_d)
    return _Positions.apply(rows_nd, lengths, weight_dck, bias_d)  # type: ignore[no-untyped-call]


class _Positions(torch.autograd.Function):
    """Matrix products of windows, group by group; windows are made again in backward."""

    @staticmethod
    def forward(
        ctx: Any, rows_nd: Tensor, lengths: tuple[int, ...], weight_dck: Tensor, bias_d: Tensor
    ) -> Tensor:
        """(n, d) -> (n, d)."""
        groups, taps = rows_nd.shape[1] // weight_dck.shape[1], weight_dck.shape[2]
        weight_goki = weight_dck.unflatten(0, (groups, -1)).transpose(2, 3)
        out = _convolve(rows_nd, lengths, weight_goki, taps // 2)
        ctx.save_for_backward(rows_nd, weight_dck)
        ctx.lengths = lengths
        return out.add_(bias_d)

    @staticmethod
    def backward(ctx: Any, grad_nd: Tensor) -> tuple[Tensor | None, None, Tensor, Tensor]:
        """(n, d) -> (n, d)."""
        rows_nd, weight_dck = ctx.saved_tensors
        taps = weight_dck.shape[2]
        groups = rows_nd.shape[1] // weight_dck.shape[1]
        grad_rows = None
        if ctx.needs_input_grad[0]:
            mirrored = weight_dck.unflatten(0, (groups, -1)).flip(3).permute(0, 2, 3, 1)
            grad_rows = _convolve(grad_nd, ctx.lengths, mirrored, taps - 1 - taps // 2)
        grads = grad_nd.unflatten(1, (groups, -1))
        grad_weight = [
            torch.mm(grads[:, group].t(), windows)
            for group, windows in enumerate(_windows(rows_nd, ctx.lengths, groups, taps, taps // 2))
        ]
        grad_gock = torch.stack(grad_weight).unflatten(2, (taps, -1)).transpose(2, 3)
        return grad_rows, None, grad_gock.reshape(weight_dck.shape), grad_nd.sum(0)


def _convolve(
    rows_nd: Tensor, lengths: tuple[int, ...], weight_goki: Tensor, before: int
) -> Tensor:
    """Grouped convolution with `before` zeros before each clip: (n, d) -> (n, groups x o)."""
    groups, outputs, taps, _ = weight_goki.shape
    flat = weight_goki.flatten(2)
    out = rows_nd.new_empty((len(rows_nd), groups, outputs))
    for group, windows in enumerate(_windows(rows_nd, lengths, groups, taps, before)):
        out[:, group] = torch.mm(windows, flat[group].t())
    return out.flatten(1)


def _windows(rows_nd: Tensor, lengths: tuple[int, ...], groups: int, taps: int, before: int) -> Any:
    """Yields each group's windows, (n, taps x i), in one buffer that is written anew."""
    width = rows_nd.shape[1] // groups
    room = [length + taps - 1 for length in lengths]
    padded_gti = rows_nd.new_zeros((groups, sum(room), width))
    starts = [sum(room[:i]) for i in range(len(room))]
    clips = rows_nd.unflatten(1, (groups, width)).transpose(0, 1).split(lengths, dim=1)
    for start, clip_gti in zip(starts, clips, strict=True):
        padded_gti[:, start + before : start + before + clip_gti.shape[1]] = clip_gti
    buffer = rows_nd.new_empty((len(rows_nd), taps * width))
    parts = buffer.split(lengths)
    for padded_ti in padded_gti:
        for start, length, part in zip(starts, lengths, parts, strict=True):
            part.copy_(
                padded_ti[start:].as_strided(
                    (length, taps * width), (width, 1), padded_ti[start:].storage_offset()
                )
            )
        yield buffer
