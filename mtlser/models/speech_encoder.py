"""What all families of encoders have in common."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtlser.models.computed_in import compute_dtype
from mtlser.models.packed import Packed
from mtlser.models.segments import to_device
from mtlser.models.slots import Shape
from mtlser.models.way import by_index

SHORTEST = 2 * 320
"""Samples that a shorter clip is padded to: one frame of 20 ms at least."""
WINDOW_S = 60.0
"""Audio that predictions give an encoder at once: attention needs memory by the square of it. Clips
up to `data.max_duration_s`, 60 s unless set, are predicted whole, as they are trained on."""


def collect(outputs: Iterator[Tensor], every: bool) -> list[Tensor]:
    """All outputs, or the last alone, so that no other stays in memory."""
    return list(outputs) if every else [*deque(outputs, maxlen=1)]


@dataclass(frozen=True)
class Sound:
    """Clips as they enter an encoder by index: prepared, and laid out in one tensor."""

    values: Tensor
    """Samples of all clips, (n,), or rows of their spectrograms, (n, c)."""
    lengths: tuple[int, ...]
    """Samples, or rows, of each clip."""
    frames: tuple[int, ...] | None = None
    """Local frames of each clip; `None`: as many as follow from `lengths`."""

    def to(self, device: torch.device) -> "Sound":
        """The same on `device`; the host does not wait for the copy."""
        return Sound(to_device(self.values, device), self.lengths, self.frames)


@dataclass(frozen=True)
class Unit:
    """A part of an encoder that can be computed in fp32 while the rest is in 16 bits."""

    shape: tuple[int, ...]
    """Of an input that stands for all: about a second of audio."""
    module: nn.Module
    """Holds the unit's parameters."""
    compute: Callable[[Tensor, torch.dtype], Tensor]
    """The unit's output for such an input, with products in the given type."""


class SpeechEncoder(nn.Module):
    """Base of the families: `local`, `context`, and what sizes they have."""

    width: int
    """Features of one layer, d."""
    layer_count: int
    head_width: int
    """Features of one attention head."""
    packs: bool = True
    """Whether its transformer runs on packed clips; else it is transformers' own."""
    local_unit: int = 1
    """Local frames that one output frame is made of."""
    window_s: float = WINDOW_S
    """Longest audio that predictions give it at once; longer clips are cut into windows."""

    def __init__(self, normalise: bool) -> None:
        super().__init__()
        self.revision = ""
        """The hub's commit or the folder's digest that it was loaded from; empty: unknown."""
        self.normalise = normalise
        self.recompute = False
        """Whether transformer layers are computed again in backward, to spare memory."""
        self.exact: frozenset[str] = frozenset()
        """Units that are computed in fp32 whatever autocast says, see `compute_exactly`."""

    def units(self) -> dict[str, Unit]:
        """What the encoder consists of, by name; one transformer layer stands for all."""
        raise NotImplementedError

    def compute_exactly(self, names: frozenset[str]) -> None:
        """Computes these units in fp32 from now on, since this machine does it wrongly in 16 bits.

        Args:
            names: of `units`.
        """
        self.exact = names

    def unit_dtype(self, name: str) -> torch.dtype:
        """What a unit's products are computed in."""
        return torch.float32 if name in self.exact else compute_dtype(self)

    @property
    def slots_of(self) -> Shape:
        """How samples are laid out; of encoders that take samples."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    def local(self, wavs: Sequence[Tensor]) -> list[Tensor]:
        """Local features of each clip: samples (n,) at 16 kHz -> (t, c), without padding."""
        return list(self.local_rows(wavs).clips())

    def local_rows(self, wavs: Sequence[Tensor]) -> Packed:
        """Local features of all clips: samples (n,) at 16 kHz -> rows (t, c)."""
        if by_index(self.device):
            return self.enter(self.lay_out(wavs).to(self.device))
        return Packed.of(self.local_of_each([wav_n.to(self.device) for wav_n in wavs]))

    def local_of_each(self, wavs: Sequence[Tensor]) -> list[Tensor]:
        """As `local`, clip by clip, on the samples' device."""
        return [self.local_one(self.prepare(wav_n)) for wav_n in wavs]

    def lay_out(self, wavs: Sequence[Tensor]) -> Sound:
        """What the host does of `local_rows`: samples (n,) of each clip -> what `enter` takes."""
        return Sound(*self._laid_out([self.prepare(wav_n.cpu()) for wav_n in wavs]))

    def _laid_out(self, prepared: list[Tensor]) -> tuple[Tensor, tuple[int, ...]]:
        raise NotImplementedError

    def enter(self, sound: Sound) -> Packed:
        """What the device does of `local_rows`."""
        raise NotImplementedError

    def local_one(self, wav_n: Tensor) -> Tensor:
        """Local features of one prepared clip, (n,) -> (t, c)."""
        raise NotImplementedError

    def local_frames(self, samples: int) -> int:
        """Local frames of a clip of so many samples."""
        raise NotImplementedError

    def frames(self, local_frames: int) -> int:
        """Output frames for so many local frames."""
        raise NotImplementedError

    def context(self, local: Packed, *, every: bool = True) -> list[Packed]:
        """Output of every transformer layer, the last one after its final norm.

        Args:
            local: rows (n, c) of local features.
            every: false gives the last layer alone, and does not hold on to the others.
        """
        raise NotImplementedError

    def used_together(self) -> list[tuple[nn.Parameter, ...]]:
        """All parameters; those that one product uses as one are together, see `Copies`."""
        together = self._joined_parameters()
        grouped = {id(parameter) for group in together for parameter in group}
        alone = [(p,) for p in self.parameters() if id(p) not in grouped]
        return [*together, *alone]

    def _joined_parameters(self) -> list[tuple[nn.Parameter, ...]]:
        return []

    def local_part(self) -> nn.Module | None:
        """The trainable module behind `local`, if there is one."""
        raise NotImplementedError

    def prepare(self, wav_n: Tensor) -> Tensor:
        """The clip, padded to one frame at least and scaled as the encoder was trained."""
        if len(wav_n) < SHORTEST:
            wav_n = nn.functional.pad(wav_n, (0, SHORTEST - len(wav_n)))
        if self.normalise:
            wav_n = (wav_n - wav_n.mean()) / torch.sqrt(wav_n.var(correction=0) + 1e-7)
        return wav_n
