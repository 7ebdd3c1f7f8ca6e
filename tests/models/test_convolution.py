"""Convolutions of packed clips as matrix products, against torch's own."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlser.models import convolution, positions_by_index
from mtlser.models.norm import layer_norm
from mtlser.models.positions import convolve_positions
from mtlser.models.segments import Segments
from mtlser.models.way import Way, forced
from mtlser.models.windowed import convolve_windows


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (2, 3), (5, 2), (1, 1), (3, 1)])
def test_strided_convolution(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    rows = 4 * 6
    x = torch.randn(rows, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, dtype=torch.float64)
    out = convolution.convolve(x, weight, bias, stride)
    expected = functional.conv1d(x.T[None], weight, bias, stride=stride)[0].T
    assert len(out) == rows // stride
    torch.testing.assert_close(out[: len(expected)], expected)
    assert torch.autograd.gradcheck(
        lambda x, w: convolution.convolve(x, w, None, stride), (x, weight)
    )


@pytest.mark.parametrize("way", ["clips", "index"])
@pytest.mark.parametrize("taps", [4, 5])
def test_positions(taps: int, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions_by_index, "BLOCK", 2)
    torch.manual_seed(0)
    lengths = (3, 7, 1)
    x = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 3, taps, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(6, dtype=torch.float64, requires_grad=True)
    parts = []
    for clip in x.split(lengths):
        wide = functional.conv1d(clip.T[None], weight, bias, padding=taps // 2, groups=2)[0].T
        parts.append(wide[: len(clip)])
    with forced(way):
        out = convolve_positions(x, lengths, weight, bias)
        torch.testing.assert_close(out, torch.cat(parts))
        assert torch.autograd.gradcheck(
            lambda x, w, b: convolve_positions(x, lengths, w, b), (x, weight, bias)
        )


@pytest.mark.parametrize("stride", [1, 2])
def test_windows(stride: int) -> None:
    torch.manual_seed(0)
    lengths = (4, 2, 6)
    x = torch.randn(12, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, dtype=torch.float64)
    segments = Segments(lengths, x.device)
    expected = [
        functional.conv1d(clip.T[None], weight, bias, padding=1, stride=stride)[0].T
        for clip in x.split(lengths)
    ]
    out = convolve_windows(x, segments, weight, bias, stride)
    torch.testing.assert_close(out, torch.cat(expected))
    assert torch.autograd.gradcheck(
        lambda x, w: convolve_windows(x, segments, w, None, stride), (x, weight)
    )


def test_group_norm_becomes_part_of_the_kernel() -> None:
    torch.manual_seed(0)
    frames = torch.randn(400, 10).cumsum(1)
    norm = nn.GroupNorm(6, 6)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    weight = torch.randn(6, 10, requires_grad=True)

    def folded(weight: Tensor) -> Tensor:
        kernel, bias = convolution.normed_kernel(weight, norm, frames)
        return frames @ kernel.T + bias

    def plain(weight: Tensor) -> Tensor:
        return norm((frames @ weight.T).T[None])[0].T

    torch.testing.assert_close(folded(weight), plain(weight), atol=1e-5, rtol=1e-5)
    upstream = torch.randn(400, 6)
    wanted = [weight, norm.weight, norm.bias]
    ours = torch.autograd.grad((folded(weight) * upstream).sum(), wanted)
    theirs = torch.autograd.grad((plain(weight) * upstream).sum(), wanted)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_first_layer_in_16_bits_is_nearly_exact() -> None:
    torch.manual_seed(0)
    frames, weight, bias = torch.randn(200, 10), torch.randn(6, 10), torch.randn(6)
    exact = functional.linear(frames, weight, bias)
    ours = convolution.precise_linear(frames, weight, bias, torch.bfloat16).float()
    assert ((ours - exact).norm() / exact.norm()).item() < 2**-9  # rounding of the output alone


def test_weights_of_a_layer_norm_have_exact_gradients_in_16_bits() -> None:
    torch.manual_seed(0)
    norm = nn.LayerNorm(8)
    rows = torch.randn(20_000, 8).bfloat16().requires_grad_()
    upstream = (torch.randn(20_000, 8) + 0.1).bfloat16()
    layer_norm(rows, norm).backward(upstream)
    ours = [rows.grad, norm.weight.grad, norm.bias.grad]
    exact_rows = rows.detach().float().requires_grad_()
    norm.zero_grad()
    norm(exact_rows).backward(upstream.float())
    for one, other in zip(ours, [exact_rows.grad, norm.weight.grad, norm.bias.grad], strict=True):
        assert one is not None
        assert other is not None
        assert ((one.float() - other).norm() / other.norm()).item() < 0.005
