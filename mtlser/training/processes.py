"""The processes of one training: alone, or started together by `torchrun` on GPUs and nodes.

Every process holds the whole network, takes its share of each batch, and sums its gradients with
the others' before the step. As losses are divided by the counts of the whole batch, the sum is the
gradient of one process that did it all.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

ValueT = TypeVar("ValueT")
REDUCED = 2**25
"""Numbers that are summed in one message."""


@dataclass(frozen=True)
class Processes:
    """This process among those of its training."""

    rank: int
    size: int
    device: torch.device

    @property
    def main(self) -> bool:
        """True in the one process that writes files and runs."""
        return self.rank == 0

    def share(self, items: Sequence[ValueT]) -> list[ValueT]:
        """The items of this process, every `size`-th."""
        return list(items[self.rank :: self.size])

    def from_main(self, value: ValueT) -> ValueT:
        """The main process' value, in all of them."""
        if self.size == 1:
            return value
        held = [value]
        torch.distributed.broadcast_object_list(held, src=0, device=self.device)
        return held[0]

    def gather(self, items: Sequence[ValueT]) -> list[ValueT]:
        """The items of all processes, in rank order."""
        if self.size == 1:
            return list(items)
        held: list[list[ValueT]] = [[] for _ in range(self.size)]
        torch.distributed.all_gather_object(held, list(items))
        return [item for part in held for item in part]

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Gives all processes the main one's values, in place."""
        if self.size > 1:
            for tensor in tensors:
                torch.distributed.broadcast(tensor, src=0)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sums each gradient over the processes; an absent one counts as zero."""
        if self.size == 1:
            return
        batch: list[Tensor] = []
        for parameter in parameters:
            if not parameter.requires_grad:
                continue
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            batch.append(parameter.grad)
            if sum(grad.numel() for grad in batch) > REDUCED:
                _sum(batch)
                batch = []
        if batch:
            _sum(batch)

    def sum(self, tensor: Tensor) -> Tensor:
        """The tensor's sum over the processes."""
        if self.size > 1:
            torch.distributed.all_reduce(tensor)
        return tensor


def _sum(grads: Sequence[Tensor]) -> None:
    flat = torch.cat([grad.flatten() for grad in grads])
    torch.distributed.all_reduce(flat)
    for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(part.view_as(grad))


@cache
def current() -> Processes:
    """The processes that this one belongs to: `torchrun` tells by its environment."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(0, 1, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Processes(state.process_index, state.num_processes, state.device)
