"""Local runs of the real DAG with stages that take no time."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.fake_stages import fake_package, split_cells

KEPT = {
    "report.html", "scores.json", "summary.json", "predictions.jsonl", "recipe.toml", "model",
    "checkpoints", "registered.json", "manifest.jsonl",
}  # fmt: skip
"""What a run leaves, whichever DAG measured it."""


class Machine:
    """A folder with a release, in which the command is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = fake_package(folder)
        (folder / "release").mkdir()
        (folder / "release" / "a.wav").write_text("a")

    def command(self, *more: str) -> list[str]:
        where = ["--recipe", "demo", "--set", "data.root=release", "--out", "out"]
        return [sys.executable, "-m", "pipeline.cli", "run", *where, *more]

    def run(self, *more: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*more),
            cwd=self.folder,
            env={**os.environ, **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def calls(self) -> list[str]:
        """Names of the stages called since the last look."""
        path = self.folder / "calls"
        result = (
            [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []
        )
        path.unlink(missing_ok=True)
        return result

    @property
    def out(self) -> Path:
        return self.folder / "out"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


MEASURED = Counter(
    {"search": 1, "baselines": 1, "report": 1}
    | dict.fromkeys(("train", "noise_eval"), len(split_cells()))
)
"""How often each stage is called for one recipe on given folds."""


def retrained(machine: Machine, verdict: str) -> "subprocess.CompletedProcess[str]":
    """A retraining that ended well, after this verdict on its data."""
    done = machine.run("--dag", "retrain", FAKE_VERDICT=verdict)
    assert done.returncode == 0, done.stderr
    return done


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
