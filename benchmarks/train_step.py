"""Speed of one optimiser step of a wav2vec 2.0 base against transformers' Trainer.

    python -m benchmarks.train_step

Every system takes the same 64 clips once, 8 a step, after a step on other clips to warm up. Each
batch has lengths that were not seen before, as in training. Ours is the median of three passes,
with the clips shuffled anew.
"""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks import common, ours, reference

CLIPS = 64
PASSES = 3


def by_length(clips: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The clips, longest first."""
    return sorted(clips, key=lambda clip: -len(clip["input_values"]))


def reference_seconds(recipe: str, clips: Sequence[dict[str, Any]]) -> float:
    """Seconds that transformers' Trainer takes for the clips."""
    ordered = by_length(clips) if recipe == "tuned" else list(clips)
    warm = common.make_clips(common.BATCH, seed=9)
    with tempfile.TemporaryDirectory() as folder:
        return sum(reference.train(recipe, [*warm, *ordered], Path(folder))[1:])


class Ours:
    """This package's step, warmed up."""

    def __init__(self, frozen: bool) -> None:
        self.trainer = ours.Trainer(frozen)
        self.frozen = frozen
        self.passes = 0
        self.seconds(common.make_clips(common.BATCH, seed=9))

    def seconds(self, clips: Sequence[dict[str, Any]]) -> float:
        """Seconds of one pass over the clips, in an order of its own."""
        self.passes += 1
        order = torch.randperm(len(clips), generator=torch.Generator().manual_seed(self.passes))
        shuffled = [clips[i] for i in order.tolist()]
        total = 0.0
        for start in range(0, len(shuffled), common.BATCH):
            batch = shuffled[start : start + common.BATCH]
            local = self.trainer.cache(batch) if self.frozen else None
            total += common.timed(lambda b=batch, x=local: self.trainer.step(b, x))  # type: ignore[misc]
        return total


def main() -> None:
    """Measures and reports."""
    torch.set_num_threads(common.THREADS)
    clips = common.make_clips(CLIPS)
    trained, cached = Ours(frozen=False), Ours(frozen=True)
    found: dict[str, list[float]] = {"ours": [], "ours_cached": [], "tuned": [], "paper": []}
    for recipe in ("tuned", "paper", None):
        found["ours"].append(trained.seconds(clips))
        found["ours_cached"].append(cached.seconds(clips))
        if recipe is not None:
            found[recipe].append(reference_seconds(recipe, clips))
    seconds = {name: statistics.median(passes) for name, passes in found.items()}
    audio_s = common.seconds_of_audio(clips)
    common.report(
        "train_step",
        {
            "ratio_paper": seconds["paper"] / seconds["ours"],
            "ratio_tuned": seconds["tuned"] / seconds["ours"],
            "ratio_paper_cached": seconds["paper"] / seconds["ours_cached"],
            "audio_s": audio_s,
            "clips": CLIPS,
            "seconds": seconds,
            "audio_s_per_s": {name: audio_s / value for name, value in seconds.items()},
            "passes_seconds": found,
        },
    )


if __name__ == "__main__":
    main()
