"""The two ways in which networks compute, and which one a device takes.

`clips`  clip by clip: a processor spends its time in products, and a clip at a time fits its caches
`index`  all clips of a batch at once, rows found by index: a GPU spends its time on what it is told
         to do next, so that a loop over clips would starve it

Both give the same numbers but for rounding, and either runs on every device, so that the way of a
GPU is tested where there is none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Way = Literal["clips", "index"]

_forced: list[Way] = []


def by_index(device: torch.device) -> bool:
    """Whether batches on this device are computed by index."""
    way = _forced[-1] if _forced else ("clips" if device.type == "cpu" else "index")
    return way == "index"


@contextmanager
def forced(way: Way) -> Iterator[None]:
    """Computes this way within the block, whatever the device."""
    _forced.append(way)
    try:
        yield
    finally:
        _forced.pop()
