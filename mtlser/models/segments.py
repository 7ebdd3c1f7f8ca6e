"""Where the clips of a packed batch lie, as tensors of the device that computes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

KEPT = 16
"""Batches whose segments are kept: those of a step and of the one that is loaded meanwhile."""

Made = dict[tuple[tuple[int, ...], torch.device, bool], "Segments"]
_made: list[Made] = [{}]


class Segments:
    """Clips one after another in a tensor of n rows; what is asked for is computed once.

    All follows from the lengths: they alone are sent to the device.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        device: torch.device,
        lengths_b: Tensor | None = None,
        longest: int | None = None,
    ) -> None:
        """Sends the lengths to the device, unless they are there.

        Args:
            lengths: rows of each clip.
            device: that computes.
            lengths_b: the same on the device: (b,).
            longest: that no clip exceeds; `None`: the longest of `lengths`.
        """
        self.rows = sum(lengths)
        self.longest = max(lengths) if longest is None else longest
        if lengths_b is None:
            lengths_b = to_device(torch.tensor(lengths), device)
        self.lengths_b = lengths_b

    @property
    def clips(self) -> int:
        """Clips of the batch, b."""
        return len(self.lengths_b)

    @cached_property
    def ends_b(self) -> Tensor:
        """One past each clip's last row: (b,)."""
        return self.lengths_b.cumsum(0)

    @cached_property
    def starts_b(self) -> Tensor:
        """Each clip's first row: (b,)."""
        return self.ends_b - self.lengths_b

    @cached_property
    def offsets(self) -> Tensor:
        """Each clip's first row, and n: (b + 1,), in 32 bits as attention kernels want them."""
        return functional.pad(self.ends_b, (1, 0)).to(torch.int32)

    @cached_property
    def clip_n(self) -> Tensor:
        """The clip of each row: (n,)."""
        rows = torch.arange(self.rows, device=self.lengths_b.device)
        return torch.searchsorted(self.ends_b, rows, right=True)

    @cached_property
    def place_n(self) -> Tensor:
        """Each row's number within its clip: (n,)."""
        rows = torch.arange(self.rows, device=self.lengths_b.device)
        return rows - self.starts_b[self.clip_n]

    @cached_property
    def padded_n(self) -> Tensor:
        """Each row's place in a batch padded to the longest clip, b x t flattened: (n,)."""
        return self.clip_n * self.longest + self.place_n

    def members(self, dtype: torch.dtype) -> Tensor:
        """Ones where a row is of a clip: (b, n). A product with it sums each clip's rows."""
        clips = torch.arange(self.clips, device=self.lengths_b.device)
        return (clips[:, None] == self.clip_n).to(dtype)

    def blocks(self, size: int) -> "Blocks":
        """The clips cut into blocks of so many rows."""
        return Blocks(self, size)

    def windows(self, first_m: Tensor, clip_m: Tensor, width: int) -> Tensor:
        """Rows that windows look at: (m, width); n, one past the last row, beyond the own clip.

        Args:
            first_m: the row that each window begins at, perhaps before its clip.
            clip_m: the clip that it is of.
            width: rows of a window.
        """
        rows = first_m[:, None] + torch.arange(width, device=first_m.device)
        inside = (rows >= self.starts_b[clip_m][:, None]) & (rows < self.ends_b[clip_m][:, None])
        return torch.where(inside, rows, self.rows)


class Blocks:
    """Blocks of equally many rows, none of two clips; the last one of a clip may be short.

    There are as many as the clips may need at most, whatever their lengths: those left over lie
    past the last clip, and see nothing.
    """

    def __init__(self, segments: Segments, size: int) -> None:
        self.segments, self.size = segments, size
        self.count = segments.rows // size + segments.clips
        each_b = (segments.lengths_b + (size - 1)) // size
        ends_b = each_b.cumsum(0)
        firsts_b = ends_b - each_b
        blocks = torch.arange(self.count, device=each_b.device)
        self.clip_m = torch.searchsorted(ends_b, blocks, right=True).clamp(max=segments.clips - 1)
        """The clip of each block: (m,)."""
        within_m = blocks - firsts_b[self.clip_m]
        self.first_m = segments.starts_b[self.clip_m] + within_m * size
        """Each block's first row: (m,)."""
        self.place_n = firsts_b[segments.clip_n] * size + segments.place_n
        """Each row's place among the rows of all blocks, m x size: (n,)."""

    def windows(self, before: int, width: int) -> Tensor:
        """See `Segments.windows`; each begins so many rows before its block: (m, width)."""
        return self.segments.windows(self.first_m - before, self.clip_m, width)


def segments_of(
    lengths: tuple[int, ...],
    device: torch.device,
    lengths_b: Tensor | None = None,
    longest: int | None = None,
) -> Segments:
    """The segments of a batch: made once for all layers that ask for them.

    Args:
        lengths: rows of each clip.
        device: that computes.
        lengths_b: the same on the device, where it could be computed there: (b,).
        longest: see `Segments`.
    """
    key = (lengths, device, torch.is_inference_mode_enabled())
    made = _made[-1]
    found = made.get(key)
    if found is None:
        found = Segments(lengths, device, lengths_b, longest)
        for old in list(made)[: len(made) - KEPT + 1] if len(made) >= KEPT else ():
            made.pop(old, None)  # the thread that loads may have done so
        made[key] = found
    return found


@contextmanager
def only_these(given: dict[tuple[int, ...], Segments]) -> Iterator[None]:
    """Within the block, clips of these lengths have these segments; no other made before counts."""
    _made.append({(lengths, each.lengths_b.device, False): each for lengths, each in given.items()})
    try:
        yield
    finally:
        _made.pop()


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Values of the host on the device; to a GPU from pinned memory, without waiting."""
    if device.type != "cuda":
        return values.to(device)
    pinned = values if values.is_pinned() else values.pin_memory()
    return pinned.to(device, non_blocking=True)


def pick(rows_md: Tensor, places_n: Tensor) -> Tensor:
    """The rows at these places, no place twice: (m, d) -> (n, d)."""
    return _Pick.apply(rows_md, places_n)  # type: ignore[no-untyped-call]


def spread(rows_nd: Tensor, places_n: Tensor, size: int) -> Tensor:
    """The rows at these places, no place twice, and zeros elsewhere: (n, d) -> (size, d)."""
    return _Spread.apply(rows_nd, places_n, size)  # type: ignore[no-untyped-call]


def with_zero_row(rows_nd: Tensor) -> Tensor:
    """The rows, and one of zeros that stands for all beyond a clip: (n, d) -> (n + 1, d)."""
    return functional.pad(rows_nd, (0, 0, 0, 1))


class _Pick(torch.autograd.Function):
    """As no place is picked twice, the gradient is a copy: torch's own adds up atomically."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.size = len(rows)
        return rows.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        return _spread(grad, places, ctx.size), None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(places)
        return _spread(rows, places, size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return grad.index_select(0, places), None, None


def _spread(rows: Tensor, places: Tensor, size: int) -> Tensor:
    return rows.new_zeros((size, *rows.shape[1:])).index_copy_(0, places, rows)
