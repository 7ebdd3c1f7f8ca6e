"""Time and memory of manifest, split and audit at 10,000 to 1,000,000 made-up utterances.

5,000 speakers at most, five classes, five folds of protocol `speakers`. Each step of each size runs
in a process of its own and does what its stage does, from file to file: `split` reads the manifest
and writes `folds.json`; `audit` reads both and writes `audit.json`, first without and then with the
fingerprints of all clips (150 words each; see `benchmarks/many_words.py`), among them 200 noisy
copies that were cut. `make bench BENCH=million` prints one line of JSON:

    rows            for each size: `utterances`, and for each step `seconds` (with imports),
                    `cpu_s` (of its threads together) and `peak_gb` of its process; of
                    `copies` also those found, of so many, and other pairs: clips that
                    happen to be alike
    exponent        for each step: the slope of log time over log utterances, first size to last
"""

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtlser.recipe import load
from mtlser.records import Utterance, write_json, write_jsonl
from mtlser.storage.layout import FOLDS, MANIFEST

SIZES = (10_000, 100_000, 1_000_000)
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


def write(folder: Path, count: int) -> None:
    """Writes the manifest."""
    write_jsonl(folder / MANIFEST, made_up(count))


def words(folder: Path, count: int) -> None:
    """Writes fingerprints of made-up words."""
    from benchmarks import many_words
    from mtlser.data import fingerprints

    fingerprints.write(folder / fingerprints.FINGERPRINTS, many_words.made_up(count))


def read(folder: Path, count: int) -> None:
    """Reads the manifest."""
    from mtlser.stages import inputs

    assert len(inputs.load_manifest(folder)) == count


def split(folder: Path, count: int) -> None:
    """Reads the manifest and writes `folds.json`."""
    from mtlser.data import folds
    from mtlser.evaluation import measurable
    from mtlser.stages import inputs

    recipe, utterances = load("own"), inputs.load_manifest(folder)
    plan = folds.plan(utterances, recipe)
    measurable.check(recipe, plan, utterances)
    write_json(folder / FOLDS, plan)


def audit(folder: Path, count: int) -> None:
    """Reads manifest and folds, and fingerprints where there are some; writes `audit.json`."""
    from mtlser.data import audit as leaks
    from mtlser.data import fingerprints
    from mtlser.stages import inputs

    utterances, plan = inputs.load_manifest(folder), inputs.load_folds(folder)
    near = fingerprints.at_hand(folder, utterances)
    found = leaks.audit(utterances, plan, near)
    refused = leaks.refusal(found, plan)
    assert (refused is None) == (near is None)  # the copies stand on two sides of a fold
    write_json(folder / "audit.json", found)


def copies(folder: Path, count: int) -> dict[str, Any]:
    """Planted copies that are found, how many there are, and other pairs."""
    from benchmarks import many_words
    from mtlser.data import fingerprints

    found = set(fingerprints.pairs(fingerprints.read(folder / fingerprints.FINGERPRINTS)))
    right = set(many_words.planted(count).items())
    return {"copies": [len(found & right), len(right)], "others": len(found - right)}


STEPS: Mapping[str, Callable[[Path, int], dict[str, Any] | None]] = {
    "write": write, "read": read, "split": split, "audit": audit,
    "words": words, "near_audio": audit, "copies": copies,
}  # fmt: skip


def measure(step: str, folder: Path, count: int) -> dict[str, Any]:
    """Seconds of a step in this process, and the peak memory of the process."""
    started, busy = time.perf_counter(), time.process_time()
    found = STEPS[step](folder, count)
    seconds, busy_s = time.perf_counter() - started, time.process_time() - busy
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    figures = {"seconds": seconds, "cpu_s": busy_s, "peak_gb": peak_gb}
    return {**(found or {}), **{name: round(figure, 2) for name, figure in figures.items()}}


def row(count: int) -> dict[str, Any]:
    """The figures of one size."""
    found: dict[str, Any] = {"utterances": count}
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS:
            command = [sys.executable, "-m", "benchmarks.million", step, folder, str(count)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[step] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints the figures of all sizes, or of one that is given, or those of one step."""
    if len(sys.argv) > 2:
        step, folder, count = sys.argv[1:]
        print(json.dumps(measure(step, Path(folder), int(count))))
        return
    rows = [row(count) for count in (map(int, sys.argv[1:]) if sys.argv[1:] else SIZES)]
    ratio = math.log(rows[-1]["utterances"] / rows[0]["utterances"])
    exponent = {
        step: round(math.log(rows[-1][step]["seconds"] / rows[0][step]["seconds"]) / ratio, 2)
        for step in STEPS
        if ratio
    }
    print(json.dumps({"rows": rows, "exponent": exponent}))


if __name__ == "__main__":
    main()
