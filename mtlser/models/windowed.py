"""Short convolutions over the rows of packed clips as one product over windows, for a GPU."""

from typing import Any

import torch
from torch import Tensor

from mtlser.models.segments import Segments, with_zero_row


def convolve_windows(
    x_nc: Tensor, segments: Segments, weight_ock: Tensor, bias_o: Tensor | None, stride: int
) -> Tensor:
    """Convolution with half a kernel of zeros around each clip: (n, c) -> (n / stride, o).

    Args:
        x_nc: rows of all clips.
        segments: of the rows; `stride` divides each clip's length.
        weight_ock: kernel of an odd number of taps, in the rows' type.
        bias_o: in that type.
        stride: rows from one output to the next.
    """
    out: Tensor = _Windowed.apply(x_nc, segments, weight_ock, stride)  # type: ignore[no-untyped-call]
    return out if bias_o is None else out + bias_o


class _Windowed(torch.autograd.Function):
    """A row's gradient is gathered from the windows that hold it: nothing is added atomically."""

    @staticmethod
    def forward(
        ctx: Any, x_nc: Tensor, segments: Segments, weight_ock: Tensor, stride: int
    ) -> Tensor:
        """(n, c) -> (n / stride, o)."""
        taps = weight_ock.shape[2]
        centres = torch.arange(0, segments.rows, stride, device=x_nc.device)
        ctx.places = segments.windows(centres - taps // 2, segments.clip_n[centres], taps)
        ctx.segments, ctx.stride = segments, stride
        ctx.save_for_backward(x_nc, weight_ock)
        return _windows(x_nc, ctx.places) @ weight_ock.transpose(1, 2).flatten(1).t()

    @staticmethod
    def backward(ctx: Any, grad_mo: Tensor) -> tuple[Tensor | None, None, Tensor, None]:
        """(n / stride, o) -> (n, c)."""
        x_nc, weight_ock = ctx.saved_tensors
        outputs, inputs, taps = weight_ock.shape
        grad_weight = (grad_mo.t() @ _windows(x_nc, ctx.places)).view(outputs, taps, inputs)
        grad_x = None
        if ctx.needs_input_grad[0]:
            flat = weight_ock.transpose(1, 2).flatten(1)
            products = (grad_mo @ flat).view(-1, inputs)  # (outputs x taps, c)
            rows = with_zero_row(products).index_select(0, _places_of_rows(ctx, taps).flatten())
            grad_x = rows.view(len(x_nc), taps, inputs).sum(1)
        return grad_x, None, grad_weight.transpose(1, 2), None


def _windows(x_nc: Tensor, places: Tensor) -> Tensor:
    """The rows at these places, side by side: (m, taps x c)."""
    return with_zero_row(x_nc).index_select(0, places.flatten()).view(len(places), -1)


def _places_of_rows(ctx: Any, taps: int) -> Tensor:
    """Where each row stands in the windows, one place for a tap: (n, taps); else past the last."""
    segments, stride = ctx.segments, ctx.stride
    rows = torch.arange(segments.rows, device=segments.lengths_b.device)[:, None]
    tap = torch.arange(taps, device=rows.device)
    centres = rows + taps // 2 - tap
    first, last = (each[segments.clip_n][:, None] for each in (segments.starts_b, segments.ends_b))
    inside = (centres >= first) & (centres < last) & (centres % stride == 0)
    past = (segments.rows // stride) * taps
    return torch.where(inside, centres // stride * taps + tap, past)
