"""The type that products are computed in: torch's autocast, and a stand-in where it has none."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlser.models.copies import weight_in
from mtlser.models.torch_internals import is_autocast_available

_without_autocast: list[torch.dtype] = []


@contextmanager
def computed_in(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """The block in which products have this type; fp32 leaves all as it is."""
    if is_autocast_available(device.type):
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            yield
        return
    _without_autocast.append(dtype)  # of the `meta` device, on which steps are counted
    try:
        yield
    finally:
        _without_autocast.pop()


@contextmanager
def computed_exactly(device: torch.device) -> Iterator[None]:
    """The block in which each operation has the type of its inputs."""
    if not is_autocast_available(device.type):
        yield
        return
    with torch.autocast(device.type, enabled=False):
        yield


def compute_dtype(module: nn.Module) -> torch.dtype:
    """What products are computed in: autocast's type where that is on, else the weights'."""
    weight = next(module.parameters())
    kind = weight.device.type
    if not is_autocast_available(kind):
        return _without_autocast[-1] if _without_autocast else weight.dtype
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def dense(layer: nn.Linear, x: Tensor) -> Tensor:
    """A linear layer in the type that products are computed in: (..., d) -> (..., e)."""
    return linear(x.to(compute_dtype(layer)), layer)


def linear(x: Tensor, layer: nn.Linear) -> Tensor:
    """A linear layer in the type of its input: (..., d) -> (..., e)."""
    bias = None if layer.bias is None else weight_in(layer.bias, x.dtype)
    return functional.linear(x, weight_in(layer.weight, x.dtype), bias)
