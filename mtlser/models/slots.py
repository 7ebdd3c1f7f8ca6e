"""How samples of several clips are laid out for a CNN that treats them as one long row."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

SizeT = TypeVar("SizeT", int, Tensor)
"""The length of one clip, or those of several, (b,), on a device."""


def outputs(samples: SizeT, kernels: Sequence[int], strides: Sequence[int]) -> SizeT:
    """Frames that convolutions without padding make of so many samples."""
    for kernel, stride in zip(kernels, strides, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


@dataclass(frozen=True)
class Shape:
    """What of a CNN decides how samples are laid out."""

    kernels: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, cnn: nn.Module) -> "Shape":
        """The shape of transformers' feature encoder."""
        layers: Any = cnn.conv_layers
        convolutions = [layer.conv for layer in layers]
        return cls(
            tuple(conv.kernel_size[0] for conv in convolutions),
            tuple(conv.stride[0] for conv in convolutions),
        )

    @property
    def grain(self) -> int:
        """First-layer frames of a block: every later layer's stride divides it."""
        return prod(self.strides[1:])

    @property
    def ahead(self) -> int:
        """Frames by which the last window of the first layer reaches past its own."""
        return -(-max(self.kernels[0] - self.strides[0], 0) // self.strides[0])

    def first(self, samples: SizeT) -> SizeT:
        """Frames that the first layer makes of a clip."""
        return outputs(samples, self.kernels[:1], self.strides[:1])

    def blocks(self, samples: SizeT) -> SizeT:
        """Blocks of a clip's slot; its last frame looks at no other slot."""
        return (self.first(samples) + (self.ahead + self.grain - 1)) // self.grain

    def samples(self, blocks: int) -> int:
        """Samples of a clip of so many blocks; 0 has none."""
        first = blocks * self.grain - self.ahead
        return (first - 1) * self.strides[0] + self.kernels[0] if blocks else 0

    def room(self, blocks: int) -> int:
        """Samples of so many blocks, and what the last window looks ahead."""
        return blocks * self.grain * self.strides[0] + self.kernels[0]

    def slots(self, wavs: Sequence[Tensor], device: torch.device) -> Tensor:
        """Samples (n,) of each clip in slots one after another, on the host: (m,).

        Args:
            wavs: samples of each clip.
            device: where they go next; for a GPU they lie in pinned memory.
        """
        room = self.grain * self.strides[0]
        sizes = [self.blocks(len(wav_n)) * room for wav_n in wavs]
        silence = torch.zeros(max(*sizes, self.kernels[0]))
        pieces = []
        for size, wav_n in zip(sizes, wavs, strict=True):
            kept = wav_n[:size]  # the last window leaves a few samples out
            pieces += [kept, silence[: size - len(kept)]]
        pieces.append(silence[: self.kernels[0]])
        laid_out = torch.empty(self.room(sum(sizes) // room), pin_memory=device.type == "cuda")
        return torch.cat(pieces, out=laid_out)
