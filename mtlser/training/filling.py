"""Batches filled up with silence to one of a few sizes, for graphs whose sizes are fixed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlser.models.packed import Packed
from mtlser.models.segments import Segments
from mtlser.models.speech_encoder import Sound, SpeechEncoder

STEPS_OF_AN_OCTAVE = 8
"""Sizes between a number of frames and its double: a batch is filled up by 1/16 on average."""
LEAST_STEP = 16
"""Frames between two sizes at least."""
SILENCE = 256
"""Frames that a clip of silence has at most: attention over a longer one would cost more."""


@dataclass(frozen=True)
class Filled:
    """A batch and the silence behind it."""

    values: Tensor
    """Samples or rows of the real clips, as they are loaded."""
    entering: tuple[int, ...]
    """Samples, or local rows, of each clip, those of silence last."""
    frames: tuple[int, ...]
    """Frames of each clip that the encoder gives out, those of silence last."""
    clips: int
    """Real ones."""
    room: int
    """Length of `values` with the silence."""
    local: bool
    """Whether local features enter: else samples."""

    @property
    def size(self) -> tuple[int, ...]:
        """Batches of one size share a graph."""
        return (sum(self.frames), len(self.frames), self.room)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Frames of the real clips."""
        return self.frames[: self.clips]

    @property
    def numbers(self) -> Tensor:
        """What a graph reads of this batch besides its values, on the host: (2, b)."""
        return torch.tensor([self.entering, self.frames])

    def fixed(
        self, values: Tensor, numbers: Tensor, longest: int
    ) -> tuple[Sound | Packed, dict[tuple[int, ...], Segments]]:
        """The batch over tensors that stay where they are, and the segments of its clips.

        Args:
            values: (room, ...), on the device.
            numbers: as `numbers`, on the device.
            longest: frames that no clip exceeds.
        """
        device = values.device
        entering = Segments(self.entering, device, numbers[0], longest)
        if not self.local:
            frames = Segments(self.frames, device, numbers[1], longest)
            segments = {self.entering: entering, self.frames: frames}
            return Sound(values, self.entering, self.frames), segments
        entering.longest = longest * (sum(self.entering) // sum(self.frames))
        return Packed(values, self.entering), {self.entering: entering}


def fill(entering: Sound | Packed, encoder: SpeechEncoder, clips: int) -> Filled:
    """The batch with silence behind it.

    Args:
        entering: samples or local features, on any device.
        encoder: that they enter.
        clips: of a full batch; one that has fewer is filled up to so many.
    """
    real = len(entering.lengths)
    if isinstance(entering, Packed):
        unit = encoder.local_unit
        rows = sum(entering.lengths) // unit
        size, more = _size(rows, clips)
        silence = [unit * each for each in _even(size - rows, more + clips - real)]
        lengths = (*entering.lengths, *silence)
        frames = tuple(length // unit for length in lengths)
        return Filled(entering.rows_nd, lengths, frames, real, size * unit, local=True)
    shape = encoder.slots_of
    blocks = [shape.blocks(length) for length in entering.lengths]
    size, more = _size(sum(blocks), clips)
    silences = more + clips - real
    samples = [shape.samples(each) for each in _even(size - sum(blocks), silences)]
    heard = [encoder.local_frames(length) for length in entering.lengths]
    frames = (*heard, *_even(size - sum(heard), silences))
    lengths = (*entering.lengths, *samples)
    return Filled(entering.values, lengths, frames, real, shape.room(size), local=False)


def _size(rows: int, clips: int) -> tuple[int, int]:
    """The size that so many rows are filled up to, and the clips of silence that this takes."""
    step = max(LEAST_STEP, 2 ** (rows.bit_length() - 1) // STEPS_OF_AN_OCTAVE)
    return (rows // step + 1) * step, (step + 2 * clips) // SILENCE + 1


def _even(total: int, parts: int) -> list[int]:
    """The total in so many parts that differ by one at most."""
    return [total // parts + (index < total % parts) for index in range(parts)]


def longest_of(frames: Sequence[int]) -> int:
    """What no clip of a batch exceeds, silence included: known before any batch is drawn."""
    return max([2 * SILENCE, *frames])
