"""The CNN of wav2vec 2.0 and HuBERT on the samples of several clips at once, as matrix products.

Each clip has a slot of its own in one long sequence of frames, rounded up so that every layer's
stride divides it. A layer's last outputs of a slot may look into the next one; real frames never
do, so that those are left away at the end, and no gradient reaches them.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlser.models.norm import layer_norm
from mtlser.models.packed import Packed
from mtlser.models.slots import outputs


def convolve_clips(cnn: nn.Module, wavs: Sequence[Tensor], dtype: torch.dtype) -> Packed:
    """The CNN's features of each clip: samples (n,) -> rows (t, c) in `dtype`.

    Args:
        cnn: transformers' feature encoder of wav2vec 2.0 or HuBERT.
        wavs: samples of each clip, at least one frame each.
        dtype: what products are computed in; norms and their statistics are in fp32.
    """
    layers: Any = cnn.conv_layers
    convolutions = [layer.conv for layer in layers]
    strides = [conv.stride[0] for conv in convolutions]
    kernels = [conv.kernel_size[0] for conv in convolutions]
    counts = [outputs(len(wav_n), kernels[:1], strides[:1]) for wav_n in wavs]
    grain = prod(strides[1:])
    slots = [-(-count // grain) * grain for count in counts]
    frames = _frames(wavs, kernels[0], strides[0], counts, slots)
    rows = _first(layers[0], frames, counts, slots, dtype)
    for layer in layers[1:]:
        rows = convolve(rows, layer.conv.weight, layer.conv.bias, layer.conv.stride[0])
        rows = normed_gelu(rows, getattr(layer, "layer_norm", None), layer.activation)
    lengths = [outputs(len(wav_n), kernels, strides) for wav_n in wavs]
    parts = rows.split([slot // grain for slot in slots])
    return Packed.of([part[:length] for part, length in zip(parts, lengths, strict=True)])


def _frames(
    wavs: Sequence[Tensor], kernel: int, stride: int, counts: list[int], slots: list[int]
) -> Tensor:
    """The samples under the first kernel, zeros in the rest of a slot: (slots, kernel) in fp32."""
    frames = wavs[0].new_zeros((sum(slots), kernel), dtype=torch.float32)
    for slot, count, wav_n in zip(frames.split(slots), counts, wavs, strict=True):
        slot[:count] = wav_n.unfold(0, kernel, stride)
    return frames


def _first(
    layer: Any, frames: Tensor, counts: list[int], slots: list[int], dtype: torch.dtype
) -> Tensor:
    """The first layer with its norm and GELU: (n, kernel) -> (n, c).

    A group norm of one channel a group is linear once its statistics are known, and those of a
    linear map follow from the mean and covariance of its input. So the norm of each clip goes
    into the kernel, and is never computed on the frames.
    """
    weight = layer.conv.weight[:, 0]
    norm = getattr(layer, "layer_norm", None)
    if not isinstance(norm, nn.GroupNorm):
        rows = precise_linear(frames, weight, layer.conv.bias, dtype)
        return normed_gelu(rows, norm, layer.activation)
    parts = []
    for slot, count in zip(frames.split(slots), counts, strict=True):
        parts.append(precise_linear(slot, *normed_kernel(weight, norm, slot[:count]), dtype))
    return layer.activation(parts[0] if len(parts) == 1 else torch.cat(parts))


def normed_kernel(weight_ck: Tensor, norm: nn.GroupNorm, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Kernel and bias that convolve one clip and norm the result over time: (c, k), (c,).

    A bias before the norm would change nothing. Statistics are in double precision, since speech
    is smooth and the variance of a high-pass kernel's output a small difference.

    Args:
        weight_ck: the kernel before the norm.
        norm: one group a channel.
        frames: the clip's samples under the kernel, (t, k).
    """
    mean_k = frames.mean(0, dtype=torch.float64)
    centred = frames.double() - mean_k
    covariance_kk = centred.T @ centred / len(frames)
    weight = weight_ck.double()
    variance_c = ((weight @ covariance_kk) * weight).sum(1)
    scaled = weight * (norm.weight.double() / (variance_c + norm.eps).sqrt())[:, None]
    return scaled.float(), (norm.bias.double() - scaled @ mean_k).float()


def precise_linear(
    frames: Tensor, weight_ck: Tensor, bias_c: Tensor | None, dtype: torch.dtype
) -> Tensor:
    """A linear layer whose 16-bit product is as exact as one in fp32: (n, k) -> (n, c).

    Numbers are sums of two of 16 bits; k is so small that three times of it cost nothing.
    """
    bias_c = weight_ck.new_zeros(len(weight_ck)) if bias_c is None else bias_c
    if dtype == torch.float32:
        return functional.linear(frames, weight_ck, bias_c)
    high = frames.to(dtype)
    ones = torch.ones_like(high[:, :2])
    inputs = torch.cat([high, (frames - high).to(dtype), high, ones], dim=1)
    joined = torch.cat([weight_ck, bias_c[:, None]], dim=1)
    joined_high = joined.to(dtype)
    joined_low = (joined - joined_high).to(dtype)
    kernel = torch.cat(
        [joined_high[:, :-1]] * 2 + [joined_low[:, :-1], joined_high[:, -1:], joined_low[:, -1:]],
        dim=1,
    )
    return functional.linear(inputs, kernel)


def normed_gelu(rows: Tensor, norm: nn.LayerNorm | None, activation: nn.Module) -> Tensor:
    """The rows after layer norm, if there is one, and activation."""
    if norm is not None:
        rows = layer_norm(rows, norm)
    return activation(rows)


def convolve(x_nc: Tensor, weight_ock: Tensor, bias_o: Tensor | None, stride: int) -> Tensor:
    """Convolution without padding: (n, c) -> (n / stride, o); `stride` divides n.

    The last outputs, whose kernel looks past the end, see zeros there.
    """
    out = _Convolution.apply(x_nc, weight_ock, stride)  # type: ignore[no-untyped-call]
    return out if bias_o is None else out + bias_o.to(out.dtype)


class _Convolution(torch.autograd.Function):
    """A product for every `stride` taps, on views of the input: nothing is unfolded."""

    @staticmethod
    def forward(ctx: Any, x_nc: Tensor, weight_ock: Tensor, stride: int) -> Tensor:
        """(n, c) -> (n / stride, o)."""
        blocks = _blocks(weight_ock.to(x_nc.dtype), stride)
        x = x_nc.view(len(x_nc) // stride, -1)
        out = x[:, : blocks[0].shape[1]] @ blocks[0].t()
        for j, block in enumerate(blocks[1:], 1):
            out[:-j].addmm_(x[j:, : block.shape[1]], block.t())
        ctx.save_for_backward(x_nc, weight_ock)
        ctx.stride = stride
        return out

    @staticmethod
    def backward(ctx: Any, grad_no: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """(n / stride, o) -> (n, c)."""
        x_nc, weight_ock = ctx.saved_tensors
        blocks = _blocks(weight_ock.to(x_nc.dtype), ctx.stride)
        x = x_nc.view(len(grad_no), -1)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            width = blocks[0].shape[1]
            grad_x = torch.empty_like(x) if width == x.shape[1] else torch.zeros_like(x)
            torch.mm(grad_no, blocks[0], out=grad_x[:, :width])
            for j, block in enumerate(blocks[1:], 1):
                grad_x[j:, : block.shape[1]].addmm_(grad_no[:-j], block)
            grad_x = grad_x.view(x_nc.shape)
        if ctx.needs_input_grad[1]:
            grads = [
                grad_no[: len(x) - j].t() @ x[j:, : block.shape[1]]
                for j, block in enumerate(blocks)
            ]
            grad_okc = torch.cat(grads, dim=1).view(len(weight_ock), -1, x_nc.shape[1])
            grad_weight = grad_okc.transpose(1, 2).to(weight_ock.dtype)
        return grad_x, grad_weight, None


def _blocks(weight_ock: Tensor, stride: int) -> list[Tensor]:
    """The kernel by `stride` taps: (o, taps x c) each."""
    return [part.flatten(1) for part in weight_ock.transpose(1, 2).split(stride, dim=1)]
