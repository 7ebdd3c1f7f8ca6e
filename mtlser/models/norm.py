"""Layer norm of 16-bit rows with statistics in fp32; on a CPU weights and their gradients too."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlser.models.copies import weight_in

ROWS = 4096
"""Rows whose gradient is computed at once, so that their fp32 copies stay in cache."""


def layer_norm(rows_nd: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Layer norm in the type of its input, whatever that of its weights: (n, d) -> (n, d)."""
    weight, bias = norm.weight, norm.bias
    if rows_nd.dtype == weight.dtype:
        return functional.layer_norm(rows_nd, norm.normalized_shape, weight, bias, norm.eps)
    if rows_nd.device.type == "cpu":
        return _LayerNorm.apply(rows_nd, weight, bias, norm.eps)  # type: ignore[no-untyped-call]
    gain, shift = (weight_in(each, rows_nd.dtype) for each in (weight, bias))
    return functional.layer_norm(rows_nd, norm.normalized_shape, gain, shift, norm.eps)


class _LayerNorm(torch.autograd.Function):
    """torch's own backward adds the weights' gradients up in 16 bits on a CPU.

    On 100,000 rows they are then wrong by a quarter and more.
    """

    @staticmethod
    def forward(ctx: Any, rows_nd: Tensor, weight_d: Tensor, bias_d: Tensor, eps: float) -> Tensor:
        """(n, d) -> (n, d)."""
        shape = [rows_nd.shape[-1]]
        out, mean, rstd = torch.native_layer_norm(rows_nd, shape, weight_d, bias_d, eps)
        ctx.save_for_backward(rows_nd, mean, rstd, weight_d, bias_d)
        return out

    @staticmethod
    def backward(ctx: Any, grad_nd: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """(n, d) -> (n, d), (d,), (d,)."""
        rows_nd, mean, rstd, weight_d, bias_d = ctx.saved_tensors
        out = torch.empty_like(rows_nd)
        grad_weight, grad_bias = torch.zeros_like(weight_d), torch.zeros_like(bias_d)
        pieces = [tensor.split(ROWS) for tensor in (grad_nd, rows_nd, mean, rstd, out)]
        for grad, rows, mean_piece, rstd_piece, out_piece in zip(*pieces, strict=True):
            grads = torch.ops.aten.native_layer_norm_backward(
                grad.float(),
                rows.float(),
                [rows.shape[-1]],
                mean_piece.float(),
                rstd_piece.float(),
                weight_d,
                bias_d,
                [True, True, True],
            )
            out_piece.copy_(grads[0])
            grad_weight += grads[1]
            grad_bias += grads[2]
        return out, grad_weight, grad_bias, None
