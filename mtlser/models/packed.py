"""Frames of several clips one after another, without padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mtlser.models.segments import Segments, pick, segments_of, spread
from mtlser.models.way import by_index


@dataclass(frozen=True)
class Packed:
    """Clips of unlike length in one tensor.

    What sees no padding cannot depend on how far a clip was padded, and spends no time on it.
    """

    rows_nd: Tensor
    """Frames of all clips, one clip after another: (n, d), n the sum of `lengths`."""
    lengths: tuple[int, ...]
    """Frames of each clip; numbers of the host, so that no device is waited for."""

    def __post_init__(self) -> None:
        assert len(self.rows_nd) == sum(self.lengths)

    @classmethod
    def of(cls, clips: Sequence[Tensor]) -> "Packed":
        """The clips, (t, d) each, as one."""
        rows_nd = clips[0] if len(clips) == 1 else torch.cat(list(clips))
        return cls(rows_nd, tuple(len(clip) for clip in clips))

    @property
    def segments(self) -> Segments:
        """Where the clips lie, on the rows' device."""
        return segments_of(self.lengths, self.rows_nd.device)

    def clips(self) -> tuple[Tensor, ...]:
        """Each clip's frames, (t, d), as views."""
        return self.rows_nd.split(self.lengths)

    def padded(self) -> Tensor:
        """The clips as one batch, (b, t, d), zero past each clip's end."""
        if not by_index(self.rows_nd.device):
            return pad_sequence(list(self.clips()), batch_first=True)
        shape = (len(self.lengths), self.segments.longest)
        return spread(self.rows_nd, self.segments.padded_n, prod(shape)).unflatten(0, shape)

    def unpad(self, rows_btd: Tensor) -> "Packed":
        """The real frames of a padded batch of these clips: (b, t, d) -> (n, d)."""
        if by_index(rows_btd.device):
            return self.with_rows(pick(rows_btd.flatten(0, 1), self.segments.padded_n))
        pairs = zip(rows_btd, self.lengths, strict=True)
        return Packed(torch.cat([clip_td[:length] for clip_td, length in pairs]), self.lengths)

    def with_rows(self, rows_nd: Tensor) -> "Packed":
        """Other features of the same frames."""
        return Packed(rows_nd, self.lengths)

    def to(self, device: torch.device) -> "Packed":
        """The same on `device`; from pinned memory the copy does not hold the host up."""
        return Packed(self.rows_nd.to(device, non_blocking=True), self.lengths)

    def mean(self) -> Tensor:
        """Mean of each clip's frames (paper, eq. 5): (b, d), in the rows' dtype.

        >>> import torch
        >>> Packed(torch.tensor([[1.0], [3.0], [5.0]]), (2, 1)).mean().tolist()
        [[2.0], [5.0]]
        """
        if not by_index(self.rows_nd.device):
            return torch.stack([clip_td.mean(0) for clip_td in self.clips()])
        sums_bd = self.segments.members(torch.float32) @ self.rows_nd.float()
        means_bd = sums_bd / self.segments.lengths_b.clamp(min=1)[:, None]
        return means_bd.to(self.rows_nd.dtype)
