"""The CNN of wav2vec 2.0 and HuBERT on all clips of a batch at once, for a GPU.

As in `convolution` each clip has a slot of its own in one long row. Here the slots are cut into
blocks of equally many frames, so that what differs from clip to clip (the statistics of the first
layer's group norm) is a batched product over blocks and one sum over the blocks of each clip.
"""

from typing import Any

import torch
from torch import Tensor, nn

from mtlser.models.convolution import (
    convolve,
    normed_gelu,
    precise_linear,
)
from mtlser.models.copies import weight_in
from mtlser.models.packed import Packed
from mtlser.models.segments import Segments, pick, segments_of
from mtlser.models.slots import Shape, outputs
from mtlser.models.torch_internals import product_in_fp32


def convolve_slots(
    cnn: nn.Module,
    samples_m: Tensor,
    clips: tuple[int, ...],
    dtype: torch.dtype,
    frames_of: tuple[int, ...] | None = None,
) -> Packed:
    """The CNN's features of each clip: rows (n, c) in `dtype`.

    Args:
        cnn: transformers' feature encoder of wav2vec 2.0 or HuBERT.
        samples_m: in slots, as `Shape.slots` lays them out, on the network's device.
        clips: samples of each clip.
        dtype: what products are computed in; norms and their statistics are in fp32.
        frames_of: frames of each clip, where they are not those of `clips`: of the last ones,
            which fill a batch up, more are taken than are computed.
    """
    layers: Any = cnn.conv_layers
    shape = Shape.of(cnn)
    frames = _Frames(shape, clips, samples_m.device)
    if isinstance(getattr(layers[0], "layer_norm", None), nn.GroupNorm):
        samples_m = _centred(samples_m, frames)
    windows = samples_m.unfold(0, shape.kernels[0], shape.strides[0])
    rows = _first(layers[0], windows[: frames.blocks.rows * shape.grain], frames, dtype)
    for layer in layers[1:]:
        bias = None if layer.conv.bias is None else weight_in(layer.conv.bias, dtype)
        rows = convolve(rows, weight_in(layer.conv.weight, dtype), bias, layer.conv.stride[0])
        rows = normed_gelu(rows, getattr(layer, "layer_norm", None), layer.activation)
    if frames_of is None:
        frames_of = tuple(outputs(length, shape.kernels, shape.strides) for length in clips)
        frames_b = outputs(frames.samples.lengths_b, shape.kernels, shape.strides)
        segments = segments_of(frames_of, rows.device, frames_b)
    else:
        segments = segments_of(frames_of, rows.device)
    # A block has one frame of the last layer.
    places_n = frames.blocks.starts_b[segments.clip_n] + segments.place_n
    return Packed(pick(rows, places_n.clamp(max=len(rows) - 1)), frames_of)


class _Frames:
    """First-layer frames by block and clip."""

    def __init__(self, shape: Shape, clips: tuple[int, ...], device: torch.device) -> None:
        self.grain, self.stride = shape.grain, shape.strides[0]
        self.samples = segments_of(clips, device)
        self.count_b = shape.first(self.samples.lengths_b)
        """Real frames of each clip: (b,)."""
        blocks = tuple(shape.blocks(length) for length in clips)
        self.blocks = segments_of(blocks, device, shape.blocks(self.samples.lengths_b))

    def real(self) -> Tensor:
        """Which frames are a clip's own: (m, grain)."""
        steps = torch.arange(self.grain, device=self.count_b.device)
        places = self.blocks.place_n[:, None] * self.grain + steps
        return places < self.count_b[self.blocks.clip_n][:, None]


def _centred(samples_m: Tensor, frames: _Frames) -> Tensor:
    """Samples less each clip's mean: a norm over time does not see it, but products round by it."""
    blocks = frames.blocks
    by_block = samples_m[: blocks.rows * frames.grain * frames.stride].view(blocks.rows, -1)
    sums_b = blocks.members(torch.float32) @ by_block.sum(1)
    means_b = sums_b / frames.samples.lengths_b.clamp(min=1)
    centred = (by_block - means_b[blocks.clip_n][:, None]).flatten()
    return torch.cat([centred, samples_m[len(centred) :]])


def _first(layer: Any, frames_nk: Tensor, frames: _Frames, dtype: torch.dtype) -> Tensor:
    """The first layer with its norm and GELU: (n, kernel) -> (n, c)."""
    weight_ck = layer.conv.weight[:, 0]
    norm = getattr(layer, "layer_norm", None)
    if not isinstance(norm, nn.GroupNorm):
        rows = precise_linear(frames_nk, weight_ck, layer.conv.bias, dtype)
        return normed_gelu(rows, norm, layer.activation)
    mean_bk, covariance_bkk = _statistics(frames_nk, frames)
    weight = weight_ck.double()
    variance_bc = torch.einsum("ck,bkl,cl->bc", weight, covariance_bkk, weight)
    scale_bc = norm.weight.double() * (variance_bc + norm.eps).rsqrt()
    shift_bc = norm.bias.double() - scale_bc * (mean_bk @ weight.t())
    normed: Tensor = _Normed.apply(  # type: ignore[no-untyped-call]
        frames_nk, weight_ck, scale_bc.float(), shift_bc.float(), frames.blocks, dtype
    )
    activated: Tensor = layer.activation(normed)
    return activated


def _statistics(frames_nk: Tensor, frames: _Frames) -> tuple[Tensor, Tensor]:
    """Mean (b, k) and covariance (b, k, k) of each clip's windows, in double precision.

    A group norm of one channel a group is linear once its statistics are known, and those of a
    linear map follow from the mean and covariance of its input, see `convolution.normed_kernel`.
    """
    kernel = frames_nk.shape[1]
    real = frames.real()[:, :, None]
    windows = frames_nk.double().unflatten(0, (-1, frames.grain)) * real
    extended = torch.cat([windows, real.double()], dim=2)
    squares = torch.bmm(extended.transpose(1, 2), extended).flatten(1)
    sums = frames.blocks.members(torch.float64) @ squares / frames.count_b.clamp(min=1)[:, None]
    sums = sums.unflatten(1, (kernel + 1, kernel + 1))
    mean_bk = sums[:, :kernel, kernel]
    return mean_bk, sums[:, :kernel, :kernel] - mean_bk[:, :, None] * mean_bk[:, None]


class _Normed(torch.autograd.Function):
    """A linear layer, then a scale and a shift for each clip and channel: (n, k) -> (n, c).

    The gradients of kernel, scale and shift all follow from the products of a clip's windows with
    its gradients, so that the layer's own output is not kept.
    """

    @staticmethod
    def forward(
        ctx: Any,
        frames_nk: Tensor,
        weight_ck: Tensor,
        scale_bc: Tensor,
        shift_bc: Tensor,
        blocks: Segments,
        dtype: torch.dtype,
    ) -> Tensor:
        rows = precise_linear(frames_nk, weight_ck, None, dtype)
        by_block = rows.unflatten(0, (blocks.rows, -1))
        scale, shift = (each[blocks.clip_n][:, None] for each in (scale_bc, shift_bc))
        torch.addcmul(shift, by_block, scale, out=by_block)
        ctx.save_for_backward(frames_nk, weight_ck, scale_bc)
        ctx.blocks = blocks
        return rows

    @staticmethod
    def backward(ctx: Any, grad_nc: Tensor) -> tuple[None, Tensor, Tensor, Tensor, None, None]:
        frames_nk, weight_ck, scale_bc = ctx.saved_tensors
        blocks, kernel = ctx.blocks, frames_nk.shape[1]
        width = -(-(kernel + 1) // 8) * 8
        extended = grad_nc.new_zeros((len(frames_nk), width))
        extended[:, :kernel] = frames_nk
        extended[:, kernel] = 1
        by_block = [each.unflatten(0, (blocks.rows, -1)) for each in (extended, grad_nc)]
        products = torch.bmm(by_block[0].transpose(1, 2), by_block[1])
        members = blocks.members(grad_nc.dtype)
        sums = product_in_fp32(members, products.flatten(1)).unflatten(1, (width, -1))
        sums_bkc, shift_bc = sums[:, :kernel], sums[:, kernel]
        grad_weight = torch.einsum("bc,bkc->ck", scale_bc, sums_bkc)
        grad_scale = torch.einsum("ck,bkc->bc", weight_ck, sums_bkc)
        return None, grad_weight, grad_scale, shift_bc, None, None
