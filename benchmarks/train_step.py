"""Speed of one optimiser step of a wav2vec 2.0 base against transformers' Trainer.

    python -m benchmarks.train_step

Every system takes the same 64 clips, 8 a step, after a step on other clips to warm up. Our steps
stand between those of the Trainer, so that both meet the same load of the machine, and every batch
has lengths that its system has not seen before, as in training. Each race is run three times from
new weights, in a process of its own; the figures are medians. On a processor that does not multiply
bf16 in hardware ours and the tuned Trainer compute in fp32, as `train.precision = "auto"` does.
`--clips 32 --repetitions 1` is a shorter run.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks import common, ours, reference
from mtlser.training.optimisation import cpu_multiplies_bf16

CLIPS = 64
REPETITIONS = 3
Clips = Sequence[dict[str, Any]]


class Race:
    """One of the Trainer's recipes against our step, trained whole and with a frozen CNN."""

    def __init__(self, recipe: str, clips: Clips) -> None:
        self.recipe = recipe
        self.clips = clips
        self.systems = {
            "ours": ours.Trainer(precision="auto"),
            "ours_cached": ours.Trainer(frozen=True, precision="auto"),
        }
        self.steps: dict[str, list[float]] = {name: [] for name in self.systems}

    def run(self) -> dict[str, float]:
        """Seconds that each system takes for all clips."""
        warm = common.make_clips(common.BATCH, seed=9)
        by_length = sorted(self.clips, key=lambda clip: -len(clip["input_values"]))
        theirs = by_length if self.recipe == "tuned" else self.clips
        with tempfile.TemporaryDirectory() as folder:
            seconds = reference.train(self.recipe, [*warm, *theirs], Path(folder), self._ours)
        steps = {self.recipe: seconds, **self.steps}
        return {name: sum(measured[1:]) for name, measured in steps.items()}

    def _ours(self, step: int) -> None:
        """Our step of this number, step 0 to warm up."""
        start = (step - 1) * common.BATCH
        batch = self.clips[start : start + common.BATCH] if step else common.make_clips(8, seed=9)
        for name, trainer in self.systems.items():
            local = trainer.cache(batch) if trainer.frozen else None
            seconds = common.timed(lambda t=trainer, x=local: t.step(batch, x))  # type: ignore[misc]
            self.steps[name].append(seconds)


class Races:
    """Repetitions of one race: seconds of each system in each."""

    def __init__(self, recipe: str, clips: int, repetitions: int) -> None:
        self.recipe = recipe
        alone = ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)
        with alone as process:  # a new one each time: what a Trainer held is gone
            again = range(repetitions)
            self.runs = [process.submit(_race, recipe, clips).result() for _ in again]

    def ratio(self, ours: str) -> float:
        """Median over the repetitions of the Trainer's time over ours in the same repetition."""
        return statistics.median(run[self.recipe] / run[ours] for run in self.runs)

    def seconds(self) -> dict[str, list[float]]:
        """Seconds of each system for all clips, repetition by repetition."""
        return {name: [run[name] for run in self.runs] for name in self.runs[0]}


def _race(recipe: str, clips: int) -> dict[str, float]:
    torch.set_num_threads(common.THREADS)
    return Race(recipe, common.make_clips(clips)).run()


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    given = parser.parse_args()
    audio_s = common.seconds_of_audio(common.make_clips(given.clips))
    paper = Races("paper", given.clips, given.repetitions)
    tuned = Races("tuned", given.clips, given.repetitions)
    races = {"against_paper": paper.seconds(), "against_tuned": tuned.seconds()}
    common.report(
        "train_step",
        {
            "ratio_paper": paper.ratio("ours"),
            "ratio_tuned": tuned.ratio("ours"),
            "ratio_paper_cached": paper.ratio("ours_cached"),
            "audio_s": audio_s,
            "clips": given.clips,
            "repetitions": given.repetitions,
            "bf16": cpu_multiplies_bf16(),
            "seconds": races,
            "audio_s_per_s": {
                race: {name: audio_s / statistics.median(measured[name]) for name in measured}
                for race, measured in races.items()
            },
        },
    )


if __name__ == "__main__":
    main()
