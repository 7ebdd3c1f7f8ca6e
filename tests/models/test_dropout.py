"""Dropout: its share, its expectation, its gradient, and torch's generator deciding it."""

import pytest
import torch
from torch import Tensor

from mtlser.models import dropout

TYPES = (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_share_and_expectation(dtype: torch.dtype, p: float) -> None:
    torch.manual_seed(0)
    out = dropout.dropout(torch.ones(1000, 1001, dtype=dtype), p, training=True).float()
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=0.002)
    assert out.max().item() == pytest.approx(1 / (1 - p), rel=0.004)
    assert abs(dropout.keep_scale(p) * (1 - p) - 1) < 2e-5


@pytest.mark.parametrize("dtype", TYPES)
def test_columns_and_rows_are_dropped_alike(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    mask = dropout.keep_mask((4096, 64), 0.1, dtype).float()
    assert (mask.mean(0) - 0.9).abs().max() < 0.025
    pairs = mask[:, 1:] * mask[:, :-1]
    assert pairs.mean().item() == pytest.approx(0.81, abs=0.003)


def test_the_seed_decides() -> None:
    x = torch.ones(7, 5)
    outputs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outputs.append(dropout.dropout(x, 0.5, training=True))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


def test_nothing_is_dropped_outside_training_or_at_p_0() -> None:
    x = torch.randn(3, 4)
    assert torch.equal(dropout.dropout(x, 0.5, training=False), x)
    assert torch.equal(dropout.dropout(x, 0.0, training=True), x)
    assert torch.equal(dropout.add_dropped(x, x, 0.0, training=True), 2 * x)


def test_gradients_are_those_of_the_drawn_mask() -> None:
    x = torch.randn(40, 6, dtype=torch.float64, requires_grad=True)

    def fused(x: Tensor) -> Tensor:
        torch.manual_seed(3)
        return dropout.dropped_gelu(x, 0.3, training=True)

    def added(x: Tensor) -> Tensor:
        torch.manual_seed(3)
        return dropout.add_dropped(x, 2 * x, 0.3, training=True)

    torch.manual_seed(3)
    mask = dropout.keep_mask(x.shape, 0.3, x.dtype) * dropout.keep_scale(0.3)
    torch.testing.assert_close(fused(x), torch.nn.functional.gelu(x) * mask)
    torch.testing.assert_close(added(x), x + 2 * x * mask)
    assert torch.autograd.gradcheck(fused, x)
    assert torch.autograd.gradcheck(added, x)


@pytest.mark.parametrize("dtype", TYPES)
def test_dropped_weights_have_a_minus_sign(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    weights = torch.rand(50, 401).add_(0.1).to(dtype)
    marked = dropout.mark_dropped(weights.clone(), 0.2)
    assert torch.equal(marked.abs(), weights)
    assert (marked < 0).float().mean().item() == pytest.approx(0.2, abs=0.02)
