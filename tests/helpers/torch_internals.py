"""What the tests use of torch beyond its public interface, and the product does not."""

from typing import Any

import torch
from torch.utils._pytree import tree_leaves

__all__ = ["INDEXES_IN_PLACE", "INT8_PRODUCT", "READS_BACK", "tree_leaves"]

_aten: Any = torch.ops.aten
READS_BACK: tuple[Any, ...] = (_aten._local_scalar_dense, _aten._unique2)
INDEXES_IN_PLACE: Any = _aten._index_put_impl_
INT8_PRODUCT: Any = torch._int_mm
"""A product that no formula is known for: (n, k) and (k, m) -> (n, m)."""
