"""Batches on their way to the network: read, laid out and sent before the step takes them."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlser.models.losses import Targets
from mtlser.models.packed import Packed
from mtlser.models.segments import to_device
from mtlser.models.speech_encoder import Sound
from mtlser.models.way import by_index
from mtlser.training import batches
from mtlser.training.batches import Example
from mtlser.training.job import Job


@dataclass(frozen=True)
class Loaded:
    """What of a batch is there before the network computes anything, on its device."""

    ids: tuple[str, ...]
    entering: list[Tensor] | Sound | Packed
    """Samples of each clip, or of all clips by index; or features that were computed before."""
    targets: Targets


def load(job: Job, group: Sequence[Example]) -> Loaded:
    """Reads a group's clips or features, and sends them to the network's device."""
    device = job.network.device
    clips = [job.read(example.utterance) for example in group]
    entering: list[Tensor] | Sound | Packed
    if job.cut == "wav":
        if job.recipe.padding == "seen" and job.network.training:
            clips = list(torch.nn.utils.rnn.pad_sequence(clips, batch_first=True))
        if by_index(device):
            entering = job.network.encoder.lay_out(clips).to(device)
        else:
            entering = [clip.to(device) for clip in clips]
    else:
        features = Packed.of(clips)
        entering = features.with_rows(to_device(features.rows_nd, device))
        if by_index(device):
            _ = entering.segments  # their lengths travel now
    ids = tuple(example.utterance.id for example in group)
    return Loaded(ids, entering, batches.targets(group).to(device))


class Loader:
    """Loads in a thread what is asked for next, where the host has time for it.

    While a GPU computes, the host is ahead of it; on a CPU a thread would take the step's time.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._thread: ThreadPoolExecutor | None = None
        self._ahead: dict[tuple[str, ...], Future[Loaded]] = {}

    @property
    def reads_ahead(self) -> bool:
        """Whether the network's device computes by itself, while the host reads."""
        device = self.job.network.device
        return by_index(device) and device.type != "meta"

    def expect(self, group: Sequence[Example]) -> None:
        """Begins to load a group that is asked for later, where it reads ahead."""
        if not group or not self.reads_ahead:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="loader")
        key = _key(group)
        if key not in self._ahead:
            self._ahead = {key: self._thread.submit(load, self.job, list(group))}

    def take(self, group: Sequence[Example]) -> Loaded:
        """The group, whether it was expected or not."""
        expected = self._ahead.pop(_key(group), None)
        return load(self.job, group) if expected is None else expected.result()

    def settle(self) -> None:
        """Waits until nothing is being loaded."""
        for expected in self._ahead.values():
            expected.exception()

    def close(self) -> None:
        """Ends the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
            self._thread = None


def _key(group: Sequence[Example]) -> tuple[str, ...]:
    return tuple(example.utterance.id for example in group)
