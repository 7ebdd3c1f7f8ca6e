"""How much audio a device takes at once: what fits into its memory, measured and then held."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from mtlser.errors import DeviceLostError, MtlserError
from mtlser.training import batches
from mtlser.training.batches import Example
from mtlser.training.job import Job

ON_A_CPU_S = 60.0
"""Audio that a CPU takes at once where the recipe does not say: more is not faster there."""
OTHERS_GIB = 4.0
"""More than a driver's own share: what is held is of other processes."""
USED = 0.85
"""Share of a GPU's free memory that a part may take."""


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that memory ran out: a GPU's, pinned memory, or the host's."""
    said = ("allocate memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(part in str(error) for part in said)


class Memory:
    """Sizes the parts of a batch.

    A number in the recipe holds. On a GPU `auto` begins with the whole batch; what its first part
    takes tells how much fits, and a later part that would not fit is cut beforehand.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.device = job.processes.device
        given = job.recipe.bucket_s
        measured = given == "auto" and self.device.type != "cpu"
        self.first_s = math.inf if measured else ON_A_CPU_S if given == "auto" else float(given)
        """What a batch is cut by before it is shared between processes."""
        self.bucket_s = math.inf if job.recipe.device_batch else self.first_s
        """Audio that fits into memory; halved when it did not."""
        self.measures = measured and job.recipe.device_batch is None
        """Whether the next part is the one that tells."""

    @contextmanager
    def observed(self, part: Sequence[Example]) -> Iterator[None]:
        """Measures what the first part takes in the block; without waiting for the device."""
        if not self.measures or self.device.type != "cuda":
            yield
            return
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        yield
        taken = torch.cuda.max_memory_allocated(self.device) - before
        free, _ = torch.cuda.mem_get_info(self.device)
        reserved = torch.cuda.memory_reserved(self.device) - before
        seconds = batches.seconds(part)
        self.bucket_s = min(self.bucket_s, USED * (free + reserved) / max(taken, 1) * seconds)
        self.measures = False

    def peak(self) -> dict[str, float]:
        """The most memory that tensors took so far, GiB, by a figure's name; none of a CPU."""
        if self.device.type != "cuda":
            return {}
        return {"device_memory_gib": torch.cuda.max_memory_allocated(self.device) / 2**30}

    def _others(self) -> float:
        """GiB that other processes hold of a GPU."""
        if self.device.type != "cuda":
            return 0.0
        free, total = torch.cuda.mem_get_info(self.device)
        return (total - free - torch.cuda.memory_reserved(self.device)) / 2**30

    def halve(self, error: RuntimeError, part: Sequence[Example]) -> None:
        """Halves what is taken at once after memory ran out; raises any other error again.

        Raises:
            MtlserError: a single utterance does not fit.
            DeviceLostError: nor would it, while other processes fill the GPU.
        """
        if not out_of_memory(error):
            raise error
        seen = self.job.recipe.padding == "seen"  # a smaller part would be padded less
        others = self._others()
        if len(part) == 1 and others > OTHERS_GIB:
            raise DeviceLostError(
                f"memory ran out on a GPU of which other processes hold {others:.1f} GiB; run the "
                "same command once they have ended, and training goes on from its last checkpoint"
            ) from error
        if len(part) == 1 or seen:
            longest = max(part, key=lambda example: example.duration_s)
            fewer = "`--set train.device_batch=1`, " if seen and len(part) > 1 else ""
            raise MtlserError(
                f"memory ran out at utterance {longest.utterance.id} of {longest.duration_s:.1f} "
                f"s; use {fewer}`--set train.gradient_checkpointing=true`, "
                "`--set train.precision=bf16` or `--set data.max_duration_s=...`"
            ) from error
        self.bucket_s = batches.seconds(part) / 2
        self.measures = False
