"""wav2vec 2.0's positional embedding as a few large matrix products, for a GPU.

A grouped convolution of 128 taps is a shape that GPU libraries have no fast kernel for in 16 bits.
Here each clip is cut into blocks of some frames, and a block's outputs are one product of its
window with a kernel in Toeplitz form: the same kernel once for each output, each time a frame
further on. That multiplies with 1 + block / taps times as many numbers, at the rate of large
products.
"""

from typing import Any

import torch
from torch import Tensor

from mtlser.models.segments import Blocks, segments_of

BLOCK = 16
"""Frames of a block."""


def convolve_blocks(
    rows_nd: Tensor, lengths: tuple[int, ...], weight_dck: Tensor, bias_d: Tensor
) -> Tensor:
    """See `positions.convolve_positions`: (n, d) -> (n, d)."""
    out: Tensor = _Blocks.apply(rows_nd, lengths, weight_dck)  # type: ignore[no-untyped-call]
    return out + bias_d


class _Blocks(torch.autograd.Function):
    """Windows are made again in backward."""

    @staticmethod
    def forward(ctx: Any, rows_nd: Tensor, lengths: tuple[int, ...], weight_dck: Tensor) -> Tensor:
        """(n, d) -> (n, d)."""
        groups, taps = rows_nd.shape[1] // weight_dck.shape[1], weight_dck.shape[2]
        segments = segments_of(lengths, rows_nd.device)
        blocks = segments.blocks(BLOCK)
        ctx.save_for_backward(rows_nd, weight_dck)
        ctx.blocks = blocks
        weight_goki = weight_dck.unflatten(0, (groups, -1)).transpose(2, 3)
        return _convolve(rows_nd, blocks, weight_goki, taps // 2)

    @staticmethod
    def backward(ctx: Any, grad_nd: Tensor) -> tuple[Tensor | None, None, Tensor]:
        """(n, d) -> (n, d)."""
        rows_nd, weight_dck = ctx.saved_tensors
        blocks, taps = ctx.blocks, weight_dck.shape[2]
        groups = rows_nd.shape[1] // weight_dck.shape[1]
        grad_rows = None
        if ctx.needs_input_grad[0]:
            mirrored = weight_dck.unflatten(0, (groups, -1)).flip(3).permute(0, 2, 3, 1)
            grad_rows = _convolve(grad_nd, blocks, mirrored, taps - 1 - taps // 2)
        windows = _windows(rows_nd, blocks, groups, taps // 2, BLOCK + taps - 1)
        grads = _windows(grad_nd, blocks, groups, 0, BLOCK)  # (g, m, block x o)
        products = torch.bmm(grads.transpose(1, 2), windows)  # (g, block x o, window x i)
        outputs, inputs = weight_dck.shape[0] // groups, weight_dck.shape[1]
        diagonal = _diagonal(products, outputs, taps, inputs)
        grad_goki = diagonal.sum(1, dtype=torch.float32)
        grad_dck = grad_goki.transpose(2, 3).flatten(0, 1).to(weight_dck.dtype)
        return grad_rows, None, grad_dck


def _convolve(rows_nd: Tensor, blocks: Blocks, weight_goki: Tensor, before: int) -> Tensor:
    """Grouped convolution with `before` zeros before each clip: (n, d) -> (n, groups x o)."""
    groups, outputs, taps, inputs = weight_goki.shape
    width = BLOCK + taps - 1
    windows = _windows(rows_nd, blocks, groups, before, width)
    toeplitz = windows.new_zeros((groups, BLOCK * outputs, width * inputs))
    _diagonal(toeplitz, outputs, taps, inputs).copy_(weight_goki[:, None])
    out_gmo = torch.bmm(windows, toeplitz.transpose(1, 2)).view(groups, -1, outputs)
    return out_gmo.index_select(1, blocks.place_n).transpose(0, 1).flatten(1)


def _windows(rows_nd: Tensor, blocks: Blocks, groups: int, before: int, width: int) -> Tensor:
    """Each group's window of each block, zeros beyond its clip: (g, m, width x i)."""
    rows, inputs = len(rows_nd), rows_nd.shape[1] // groups
    by_group = rows_nd.new_zeros((groups, rows + 1, inputs))
    by_group[:, :rows] = rows_nd.unflatten(1, (groups, inputs)).transpose(0, 1)
    places = blocks.windows(before, width).flatten()
    return by_group.index_select(1, places).view(groups, blocks.count, width * inputs)


def _diagonal(toeplitz: Tensor, outputs: int, taps: int, inputs: int) -> Tensor:
    """Where the kernel stands in its Toeplitz form, as a view: (g, block, o, taps, i).

    Args:
        toeplitz: contiguous, (g, block x o, window x i).
        outputs: o, of one group.
        taps: of the kernel.
        inputs: i, of one group.
    """
    groups, height, length = toeplitz.shape
    shape = (groups, BLOCK, outputs, taps, inputs)
    strides = (height * length, outputs * length + inputs, length, inputs, 1)
    return toeplitz.as_strided(shape, strides)
