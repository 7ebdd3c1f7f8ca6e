"""Multiply-adds of whatever torch runs: torch's own counter, and what it does not know."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from mtlser.models import torch_internals
from mtlser.models.torch_internals import TorchDispatchMode

PRODUCT = re.compile(
    r"mm|mv|dot|matmul|einsum|conv\d|convolution|linear|attention|rnn|lstm|gru|fft"
)
"""Names of operations that multiply and add; of those each needs a formula."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Counted:
    """Operations of one call."""

    flops: int
    """Two a multiply-add."""
    uncounted: tuple[str, ...]
    """Names of operations that look like products and have no formula here."""

    @property
    def multiply_adds(self) -> int:
        """Half of the floating-point operations."""
        return self.flops // 2


def count(work: Callable[[], object]) -> Counted:
    """Operations of torch while `work` runs once.

    Counted are the operations that reach the processor, whichever module or autograd function
    asked for them, so padding counts as it is computed. Formulas are torch's own
    (`torch.utils.flop_counter`), and ours for what it lacks, see `FORMULAS`.
    """
    counter = _Counter()
    with counter:
        work()
    return Counted(counter.flops, tuple(sorted(counter.unknown)))


class _Counter(TorchDispatchMode):
    """As torch's FlopCounterMode, which cannot follow modules in inference mode."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self.unknown: set[str] = set()

    def __torch_dispatch__(  # type: ignore[no-untyped-def]
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ):
        kwargs = kwargs or {}
        packet = getattr(func, "overloadpacket", func)
        formula = FORMULAS.get(packet)
        if formula is None and hasattr(func, "decompose"):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        out = func(*args, **kwargs)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=out)
        elif PRODUCT.search(str(packet).rpartition(".")[2]):
            self.unknown.add(str(packet))
        return out


def _added_product(_: Shape, a: Shape, b: Shape, *__: Any, **___: Any) -> int:
    """`x += a @ b` of matrices: (n, k) and (k, m)."""
    return 2 * a[0] * a[1] * b[1]


def _added_products(_: Shape, a: Shape, b: Shape, *__: Any, **___: Any) -> int:
    """The same for a batch: (b, n, k) and (b, k, m)."""
    return 2 * a[0] * a[1] * a[2] * b[2]


def _vector(a: Shape, *_: Any, **__: Any) -> int:
    """A matrix or vector times a vector: a multiply-add each element."""
    return 2 * math.prod(a)


def _added_vector(_: Shape, a: Shape, *__: Any, **___: Any) -> int:
    return 2 * math.prod(a)


def _attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """Scores and their mix: (b, h, t, d), (b, h, s, d) and (b, h, s, e)."""
    batch, heads, frames, width = query
    return 2 * batch * heads * frames * key[2] * (width + value[3])


def _recurrent(rows: Shape, inward: Shape, hidden: Shape, *_: Any, **__: Any) -> int:
    """One direction of an LSTM or GRU: (t, b, i), and weights (gates x h, i) and (gates x h, h)."""
    return 2 * rows[0] * rows[1] * (math.prod(inward) + math.prod(hidden))


def _real_fourier(rows: Shape, dims: Any, *_: Any, **__: Any) -> int:
    """2.5 n log2 n for n real samples: half of the 5 n log2 n of complex ones (FFTW's measure)."""
    size = math.prod(rows[dim] for dim in dims)
    return round(2.5 * math.prod(rows) * math.log2(max(size, 1)))


def _complex_fourier(rows: Shape, dims: Any, *_: Any, **__: Any) -> int:
    return 2 * _real_fourier(rows, dims)


_aten = torch.ops.aten
_OURS: dict[Any, Any] = {
    _aten.addmm_: _added_product,
    torch_internals.ADDED_PRODUCT_ACTIVATED: _added_product,
    _aten.baddbmm_: _added_products,
    _aten.mv: _vector,
    _aten.dot: _vector,
    _aten.addmv: _added_vector,
    _aten.addmv_: _added_vector,
    torch_internals.ATTENTION_ON_CPU: _attention,
    _aten.mkldnn_rnn_layer: _recurrent,
    torch_internals.REAL_FOURIER: _real_fourier,
    **dict.fromkeys(torch_internals.COMPLEX_FOURIER, _complex_fourier),
}
FORMULAS = torch_internals.flop_formulas(_OURS)
"""Operation -> its floating-point operations, from the shapes of its arguments."""
