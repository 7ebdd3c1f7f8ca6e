"""Random small spoilings of an honest run: how many of them a report believes.

    python -m benchmarks.forgeries [COUNT]

Each spoiling changes one value, drops or doubles a row, or flips a bit, in one file of a copy of a
small run: manifest, folds, audit, choices, predictions, results, histories, model files or custody
records. Last line and `build/bench/forgeries.json`: `forgeries`, `refused`, `believed` (0 is
right), `seconds`, and the files that were spoilt.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks import common
from mtlser.errors import MtlserError
from tests.helpers.honest import HonestRun, make_honest_run

COUNT = 500
SPOILT = ("*.json", "*.jsonl", "weights.safetensors", "svm.skops")
LEFT_ALONE = {"scorings.jsonl", ".mtlser.json"}
"""A record that reports write themselves; the list of sizes that uploads are checked with."""


def candidates(run: HonestRun) -> list[str]:
    """Files of the run, before its report, that a forger may spoil."""
    found = {path for pattern in SPOILT for path in run.place.rglob(pattern) if path.is_file()}
    names = [path for path in found if path.name not in LEFT_ALONE]
    return sorted(path.relative_to(run.place).as_posix() for path in names)


def leaves(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the values of a JSON text are."""
    if isinstance(content, dict | list) and content:
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        return [leaf for key, each in pairs for leaf in leaves(each, (*at, key))]
    return [at]


def changed(value: Any, draw: st.DataObject) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return "changed"
    if isinstance(value, int):
        return value + draw.draw(st.sampled_from((-1, 1, 7)))
    if isinstance(value, float):
        return value + draw.draw(st.sampled_from((2e-6, -2e-6, 0.1, -0.1)))
    if isinstance(value, str):
        others = [each for each in ("", "sad", f"{value}x", value[::-1] + "y") if each != value]
        return draw.draw(st.sampled_from(others))
    return ["changed"]


def spoil_value(path: Path, draw: st.DataObject) -> None:
    """Changes one value of a JSON text, or of one row."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if (
        path.suffix == ".jsonl"
    ) else [json.loads(path.read_text(encoding="utf-8"))]  # fmt: skip
    at = draw.draw(st.sampled_from(leaves(rows)))
    inner: Any = rows
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = changed(inner[at[-1]], draw)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def spoil_rows(path: Path, draw: st.DataObject) -> None:
    """Drops or doubles a line."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    index = draw.draw(st.integers(0, len(lines) - 1))
    lines[index] = draw.draw(st.sampled_from(("", lines[index] * 2)))
    path.write_text("".join(lines), encoding="utf-8")


def spoil(run: HonestRun, name: str, draw: st.DataObject) -> None:
    """Spoils one file of the run."""
    path = run.place / name
    if path.suffix in {".safetensors", ".skops"}:
        content = bytearray(path.read_bytes())
        content[draw.draw(st.integers(0, len(content) - 1))] ^= 1
        path.write_bytes(bytes(content))
    elif path.suffix == ".jsonl" and draw.draw(st.booleans()):
        spoil_rows(path, draw)
    else:
        spoil_value(path, draw)


def main() -> None:
    """Spoils, and counts who believes it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    os.environ["MTLSER_TRACKING"] = "off"
    spoilt: Counter[str] = Counter()
    believed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        honest = make_honest_run(Path(scratch) / "honest")
        names = candidates(honest)

        @seed(0)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(name=st.sampled_from(names), draw=st.data())
        def once(name: str, draw: st.DataObject) -> None:
            place = Path(scratch) / "spoilt"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(honest.place, place)
            run = HonestRun(place, honest.recipe, honest.utterances, honest.plan)
            spoil(run, name, draw)
            spoilt[Path(name).name] += 1
            try:
                run.write_report()
            except MtlserError:
                return
            believed.append(name)

        began = time.perf_counter()
        once()
        seconds = time.perf_counter() - began
    total = sum(spoilt.values())
    figures = {
        "forgeries": total,
        "refused": total - len(believed),
        "believed": len(believed),
        "believed_files": sorted(set(believed)),
        "seconds": round(seconds, 1),
        "files": dict(spoilt.most_common()),
    }
    common.report("forgeries", figures)


if __name__ == "__main__":
    main()
