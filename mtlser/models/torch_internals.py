"""What is used of torch beyond its public interface; a new torch is checked here first.

`tests/test_library_internals.py` refuses such names anywhere else.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "ADDED_PRODUCT_ACTIVATED",
    "ATTENTION_ON_CPU",
    "COMPLEX_FOURIER",
    "REAL_FOURIER",
    "TorchDispatchMode",
    "flop_formulas",
    "softmax_backward",
]

_aten: Any = torch.ops.aten
ADDED_PRODUCT_ACTIVATED: Any = _aten._addmm_activation
ATTENTION_ON_CPU: Any = _aten._scaled_dot_product_flash_attention_for_cpu
REAL_FOURIER: Any = _aten._fft_r2c
COMPLEX_FOURIER: tuple[Any, ...] = (_aten._fft_c2r, _aten._fft_c2c)


def softmax_backward(grad: Tensor, shares: Tensor) -> Tensor:
    """Gradient of the scores whose softmax over the last axis is `shares`; shapes are equal."""
    return torch._softmax_backward_data(grad, shares, -1, shares.dtype)


def flop_formulas(more: Mapping[Any, Callable[..., int]]) -> dict[Any, Any]:
    """Operation -> its floating-point operations: torch's own formulas, and more.

    Args:
        more: operation -> formula of the shapes of its arguments.
    """
    from torch.utils.flop_counter import flop_registry, shape_wrapper  # loads triton: .2 s

    return {**flop_registry, **{packet: shape_wrapper(one) for packet, one in more.items()}}
