"""What is used of torch beyond its public interface; a new torch is checked here first.

`tests/test_library_internals.py` refuses such names anywhere else.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.amp.autocast_mode import is_autocast_available
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "ADDED_PRODUCT_ACTIVATED",
    "ATTENTION_ON_CPU",
    "COMPLEX_FOURIER",
    "REAL_FOURIER",
    "TorchDispatchMode",
    "add_all",
    "attend_packed",
    "copy_all",
    "count_events",
    "ctc_loss",
    "flop_formulas",
    "has_packed_attention",
    "is_autocast_available",
    "product_in_fp32",
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


def copy_all(to: list[Tensor], given: list[Tensor]) -> None:
    """Copies each tensor into its counterpart, in as few launches as there can be."""
    torch._foreach_copy_(to, given)


def add_all(to: list[Tensor], given: list[Tensor]) -> None:
    """Adds each tensor to its counterpart, in as few launches as there can be."""
    torch._foreach_add_(to, given)


def count_events(action: Callable[[], object]) -> int:
    """Kernels, copies and fills that the action gives a GPU."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as run:
        action()
        torch.cuda.synchronize()
    return sum(event.device_type.name == "CUDA" for event in run.events() or ())


def ctc_loss(scores_tbu: Tensor, texts: Tensor, lengths: Tensor, symbols: Tensor) -> Tensor:
    """-ln p(transcript | audio) of each clip, blank 0: (b,).

    On `meta` another function of the same shape stands for it: torch has no CTC there.

    Args:
        scores_tbu: log probabilities.
        texts: symbols of all transcripts, one after another, on the scores' device.
        lengths: frames of each clip, on the host.
        symbols: symbols of each transcript, on the host.
    """
    if scores_tbu.device.type == "meta":
        return scores_tbu.sum((0, 2))
    return torch.nn.functional.ctc_loss(
        scores_tbu, texts, lengths, symbols, blank=0, reduction="none"
    )


def product_in_fp32(a_mk: Tensor, b_kn: Tensor) -> Tensor:
    """Matrix product of 16-bit numbers with sums and result in fp32: (m, k), (k, n) -> (m, n)."""
    if a_mk.device.type == "cuda" and a_mk.dtype != torch.float32:
        return torch.mm(a_mk, b_kn, out_dtype=torch.float32)
    return a_mk.float() @ b_kn.float()


def attend_packed(
    q: Tensor, k: Tensor, v: Tensor, offsets: Tensor, longest: int, p: float
) -> Tensor:
    """Fused attention within each clip of packed frames: (n, h, k) three times -> (n, h, k).

    `torch.nn.attention.varlen` has no dropout; these are the kernels below it.

    Args:
        q: queries.
        k: keys.
        v: values.
        offsets: each clip's first row, and n: (b + 1,), 32 bits.
        longest: rows of the longest clip.
        p: dropout of the attention weights.
    """
    if q.dtype == torch.float32:
        one = (each[None] for each in (q, k, v))
        mixed: Tensor = _aten._efficient_attention_forward(
            *one, None, offsets, offsets, longest, longest, p, 0, q.requires_grad
        )[0]
        return mixed[0]
    flash: Tensor = _aten._flash_attention_forward(
        q, k, v, offsets, offsets, longest, longest, p, False, False
    )[0]
    return flash


def has_packed_attention(device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """Whether `attend_packed` runs: heads of so many features, of this type, on this device."""
    if device.type == "meta":
        return True
    if device.type != "cuda" or width % 8 or width > 256:
        return False
    return dtype == torch.float32 or torch.cuda.get_device_capability(device) >= (8, 0)


def flop_formulas(more: Mapping[Any, Callable[..., int]]) -> dict[Any, Any]:
    """Operation -> its floating-point operations: torch's own formulas, and more.

    Args:
        more: operation -> formula of the shapes of its arguments.
    """
    from torch.utils.flop_counter import flop_registry, shape_wrapper  # loads triton: .2 s

    return {**flop_registry, **{packet: shape_wrapper(one) for packet, one in more.items()}}
