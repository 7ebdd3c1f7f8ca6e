"""Copies of weights in 16 bits, made once a step instead of at each use.

A network keeps its weights in fp32 and computes in 16 bits. Each weight that is brought to that
type where it is used costs a launch, there and for its gradient: some 400 a step of wav2vec 2.0
base. Here all are copied in one go, and their gradients too.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mtlser.models.torch_internals import add_all, copy_all

ALIGNED = 64
"""Numbers that the place of a copy is a multiple of: matrix products want 16 bytes at least."""

_held: dict[tuple[int, ...], Tensor] = {}
"""Copies in use, by the parameters that they are of."""


def weight_in(parameter: Tensor, dtype: torch.dtype) -> Tensor:
    """The parameter in this type: its copy where one is held."""
    return joined([parameter], dtype)


def joined(parameters: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    """Parameters one below another in this type: their common copy where one is held."""
    held = _held.get(tuple(map(id, parameters)))
    if held is not None and held.dtype == dtype:
        return held
    cast = [parameter.to(dtype) for parameter in parameters]
    return cast[0] if len(cast) == 1 else torch.cat(cast)


class Copies:
    """Copies of parameters, some of them in groups that are used as one."""

    def __init__(self, groups: Sequence[Sequence[nn.Parameter]], dtype: torch.dtype) -> None:
        """Reserves room for them.

        Args:
            groups: each of one parameter, or of several that differ in their first axis alone.
            dtype: of the copies.
        """
        self.groups = [tuple(group) for group in groups]
        sizes = [sum(p.numel() for p in group) for group in self.groups]
        self._starts = [0]
        for size in sizes:
            self._starts.append(self._starts[-1] + -(-size // ALIGNED) * ALIGNED)
        device = self.groups[0][0].device if self.groups else torch.device("cpu")
        flat = torch.empty(self._starts[-1], dtype=dtype, device=device)
        self._grads: list[Tensor] = []
        self.copies = [
            _shaped(flat, start, group)
            for start, group in zip(self._starts[:-1], self.groups, strict=True)
        ]
        self._parts = _parts(self.copies, self.groups)
        for copy, group in zip(self.copies, self.groups, strict=True):
            copy.requires_grad_(any(p.requires_grad for p in group))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Brings the copies up to date, and has them used within the block."""
        self.refresh()
        keys = [tuple(map(id, group)) for group in self.groups]
        _held.update(zip(keys, self.copies, strict=True))
        try:
            yield
        finally:
            for key in keys:
                _held.pop(key, None)

    def drop_gradients(self) -> None:
        """Forgets gradients that a backward pass which failed has left."""
        for copy in self.copies:
            copy.grad = None

    @torch.no_grad()
    def refresh(self) -> None:
        """Copies the weights as they are now."""
        if not self.groups:
            return
        weights = [p.detach() for group in self.groups for p in group]
        copy_all(self._parts, weights)

    def reserve(self) -> None:
        """Takes the memory that gradients are given in, which stays where it is."""
        if self._grads or not self.groups:
            return
        device = self.copies[0].device
        flat = torch.empty(self._starts[-1], dtype=torch.float32, device=device)
        shaped = [
            _shaped(flat, start, group)
            for start, group in zip(self._starts[:-1], self.groups, strict=True)
        ]
        self._grads = _parts(shaped, self.groups)

    @torch.no_grad()
    def give_gradients(self) -> None:
        """Adds the copies' gradients to those of the parameters, in fp32, and lets go of them."""
        if not self.groups:
            return
        self.reserve()
        fresh, fresh_from, added, added_from = [], [], [], []
        grads = iter(self._grads)
        for copy, group in zip(self.copies, self.groups, strict=True):
            pieces = None if copy.grad is None else _split(copy.grad, group)
            for place, parameter in enumerate(group):
                grad = next(grads)
                if pieces is None or not parameter.requires_grad:
                    continue
                if parameter.grad is None:
                    parameter.grad = grad
                    fresh.append(grad)
                    fresh_from.append(pieces[place])
                else:
                    added.append(parameter.grad)
                    added_from.append(pieces[place])
            copy.grad = None
        if fresh:
            copy_all(fresh, fresh_from)
        if added:
            add_all(added, added_from)


def _shaped(flat: Tensor, start: int, group: Sequence[Tensor]) -> Tensor:
    """A group's part of one long row, in its shape."""
    first = sum(p.shape[0] for p in group) if group[0].dim() else 1
    shape = (first, *group[0].shape[1:]) if group[0].dim() else ()
    size = sum(p.numel() for p in group)
    return flat[start : start + size].view(shape).detach()


def _split(tensor: Tensor, group: Sequence[Tensor]) -> list[Tensor]:
    return [tensor] if len(group) == 1 else list(tensor.split([p.shape[0] for p in group]))


def _parts(tensors: Sequence[Tensor], groups: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Each parameter's part of its group's tensor, all in one row."""
    pairs = zip(tensors, groups, strict=True)
    return [part.detach() for tensor, group in pairs for part in _split(tensor, group)]
