"""How fast ingest reads recordings, and how soon it sees that nothing has changed.

Made-up speech-like noise: WAV at 16 kHz and FLAC at 44.1 kHz, 1,600 clips of 4 s each (107 minutes;
start-up and the data page take 1 s whatever the size, see `docs/experiments.md`); then 10,000
clips of half a second, ingested twice. Each case runs in a process of its own.
`make bench BENCH=ingest` prints one line of JSON:

    wav_16k, flac_44k   `times_real_time`: audio seconds a second; `decode_times_real_time`: of
                        soundfile alone, in one thread; `peak_gb` of the process
    again               `first_s` and `second_s`: the ingest of 10,000 clips, and again; `peak_gb`
    memory              of `clips` of 0.1 s at two counts, a first ingest and one again: `peak_mb`
                        of the process, and `bytes_a_clip`, its growth from count to count; with
                        shards of 8 MB, since the one that is filled is in memory
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from mtlser import stages
from mtlser.data import clips
from mtlser.recipe import load
from mtlser.reporting import corpus_page

CASES = {"wav_16k": (".wav", 16_000), "flac_44k": (".flac", 44_100)}
CLIPS, SECONDS = 1600, 4.0
MANY, SHORT_S = 10_000, 0.5
COUNTS, TINY_S, SMALL_SHARD = (5_000, 20_000), 0.1, 8 << 20
CLASSES = ("angry", "happy", "neutral", "sad")


def write(folder: Path, count: int, seconds: float, suffix: str, rate_hz: int) -> None:
    """Recordings of noise with the spectrum of speech, and their table."""
    rng = np.random.default_rng(0)
    length = int(seconds * rate_hz)
    long_n = np.cumsum(rng.standard_normal(length + 4 * rate_hz))
    long_n -= np.convolve(long_n, np.ones(201) / 201, "same")
    long_n *= 0.2 / np.abs(long_n).max()
    lines = ["file,emotion,speaker"]
    for i in range(count):
        start = int(rng.integers(4 * rate_hz))
        name = f"c{i:05}{suffix}"
        clip_n = long_n[start : start + length] * rng.uniform(0.3, 1)
        soundfile.write(folder / name, clip_n + 1e-3 * rng.standard_normal(length), rate_hz)
        lines.append(f"{name},{CLASSES[i % len(CLASSES)]},s{i % 50}")
    (folder / "labels.csv").write_text("\n".join(lines))


def ingested(root: Path, out: Path) -> float:
    """Seconds of one ingest."""
    started = time.perf_counter()
    stages.ingest(load("own", (f"data.root={root}",)), str(out))
    return time.perf_counter() - started


def memory(folder: Path, out: Path) -> float:
    """Peak memory of this process in MB after an ingest with small shards."""
    clips.SHARD_BYTES = SMALL_SHARD
    ingested(folder, out)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def growth() -> dict[str, Any]:
    """Peaks of a first and of a second ingest at two counts, each in a process of its own."""
    peaks: dict[str, list[float]] = {"first": [], "again": []}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            root, out = Path(folder) / "in", Path(folder) / "out"
            root.mkdir()
            write(root, count, TINY_S, ".wav", 16_000)
            for found in peaks.values():
                found.append(float(in_a_process("memory", str(root), str(out))))
    more = COUNTS[1] - COUNTS[0]
    return {
        "clips": COUNTS,
        "peak_mb": {name: [round(peak) for peak in found] for name, found in peaks.items()},
        "bytes_a_clip": {
            name: round((found[1] - found[0]) * 1e6 / more) for name, found in peaks.items()
        },
    }


def in_a_process(*given: str) -> Any:
    """What this module prints with these arguments."""
    command = [sys.executable, "-m", "benchmarks.ingest", *given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(case: str) -> dict[str, Any]:
    """The figures of one case."""
    _ = corpus_page.write  # what the stage imports
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "in", Path(folder) / "out"
        root.mkdir()
        if case == "again":
            write(root, MANY, SHORT_S, ".wav", 16_000)
            first_s, second_s = ingested(root, out), ingested(root, out)
            figures = {"first_s": round(first_s, 2), "second_s": round(second_s, 2)}
        else:
            write(root, CLIPS, SECONDS, *CASES[case])
            started = time.perf_counter()
            for path in root.glob(f"*{CASES[case][0]}"):
                soundfile.read(path)
            alone_s, whole_s = time.perf_counter() - started, ingested(root, out)
            figures = {
                "times_real_time": round(CLIPS * SECONDS / whole_s),
                "decode_times_real_time": round(CLIPS * SECONDS / alone_s),
            }
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {**figures, "peak_gb": round(peak_gb, 2)}


def main() -> None:
    """Prints the figures of all cases, or those of one that is given."""
    if len(sys.argv) > 2:
        print(json.dumps(memory(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    found = {case: in_a_process(case) for case in (*CASES, "again")}
    print(json.dumps({**found, "memory": growth()}))


if __name__ == "__main__":
    main()
