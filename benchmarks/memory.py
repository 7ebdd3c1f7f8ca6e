"""Peak memory of training steps of a wav2vec 2.0 base: ours, and transformers' Trainer tuned.

    python -m benchmarks.memory

Each in a process of its own, on the same batches of eight clips.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks import common, ours, reference

SYSTEMS = ("ours", "tuned")
CLIPS = 24


def peak_bytes() -> int:
    """The most memory that this process has had resident."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(system: str) -> None:
    """Trains on the clips and prints the peak."""
    torch.set_num_threads(common.THREADS)
    clips = common.make_clips(CLIPS)
    if system == "ours":
        trainer = ours.Trainer()
        for start in range(0, CLIPS, common.BATCH):
            trainer.step(clips[start : start + common.BATCH])
    else:
        with tempfile.TemporaryDirectory() as folder:
            ordered = sorted(clips, key=lambda clip: -len(clip["input_values"]))
            reference.train(system, ordered, Path(folder))
    print(peak_bytes())


def main() -> None:
    """Measures and reports."""
    peaks = {}
    for system in SYSTEMS:
        command = [sys.executable, "-m", "benchmarks.memory", system]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[system] = json.loads(done.stdout.splitlines()[-1])
    common.report(
        "memory",
        {
            "ratio": peaks["ours"] / peaks["tuned"],
            "peak_gb": {name: peak / 1e9 for name, peak in peaks.items()},
            "clips": CLIPS,
        },
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1])
    else:
        main()
