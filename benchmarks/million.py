"""Time and memory of manifest, split and audit at 10,000 to 1,000,000 made-up utterances.

5,000 speakers at most, five classes, five folds of protocol `speakers`. Each size runs in a process
of its own, which reports its peak memory. `make bench BENCH=million` prints one line of JSON:

    rows            for each size: `utterances`, seconds to `write` and `read` the manifest, to
                    `split` and to `audit`, and `peak_gb`
    exponent        for each step: the slope of log time over log utterances, first size to last
"""

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mtlser.data import audit, folds
from mtlser.recipe import load
from mtlser.records import Utterance, read_jsonl, write_jsonl

SIZES = (10_000, 100_000, 1_000_000)
STEPS = ("write", "read", "split", "audit")
CLASSES = ("angry", "fearful", "happy", "neutral", "sad")
SPEAKERS = 5_000


def made_up(count: int) -> Iterator[Utterance]:
    """Utterances of random speakers and classes, each with a transcript of its own."""
    rng = np.random.default_rng(0)
    speakers = min(SPEAKERS, count // 100)
    for i in range(count):
        speaker = int(rng.integers(speakers))
        yield Utterance(
            id=f"u{i:07}", corpus="table", audio=f"audio/{i:07}.flac", audio_sha256=f"{i:064x}",
            duration_s=float(rng.uniform(1, 6)), level_dbfs=-20.0,
            emotion=CLASSES[int(rng.integers(len(CLASSES)))], speaker=f"s{speaker:05}",
            gender="F" if speaker % 2 else "M", session=None, dialogue=None, recording=None,
            style=None, text=f"SENTENCE NUMBER {i}", language="en",
        )  # fmt: skip


def measure(count: int) -> dict[str, Any]:
    """Seconds of each step, and the peak memory of this process."""
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.jsonl"
        started = time.perf_counter()
        write_jsonl(path, made_up(count))
        times["write"] = time.perf_counter() - started
        started = time.perf_counter()
        utterances = list(read_jsonl(path, Utterance))
        times["read"] = time.perf_counter() - started
    started = time.perf_counter()
    plan = folds.plan(utterances, load("own"))
    times["split"] = time.perf_counter() - started
    started = time.perf_counter()
    audit.audit(utterances, plan)
    times["audit"] = time.perf_counter() - started
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    rounded = {step: round(seconds, 2) for step, seconds in times.items()}
    return {"utterances": count, **rounded, "peak_gb": round(peak_gb, 2)}


def main() -> None:
    """Prints the figures of all sizes, or those of one that is given."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
        return
    rows = []
    for count in SIZES:
        command = [sys.executable, "-m", "benchmarks.million", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    span = math.log(SIZES[-1] / SIZES[0])
    exponent = {s: round(math.log(rows[-1][s] / rows[0][s]) / span, 2) for s in STEPS}
    print(json.dumps({"rows": rows, "exponent": exponent}))


if __name__ == "__main__":
    main()
