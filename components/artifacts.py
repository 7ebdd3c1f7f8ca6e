"""What Kubeflow's UI shows of a report folder: scalars, a confusion matrix and the page."""

import json
import math
import shutil
from pathlib import Path
from typing import Protocol


class Described(Protocol):
    """An artifact that is nothing but its metadata."""

    path: str
    metadata: dict[str, object]


def scalars(reported: str) -> dict[str, float]:
    """The finite numbers of `summary.json` by name; texts and absent values are left out."""
    summary = json.loads((Path(reported) / "summary.json").read_text(encoding="utf-8"))
    return {
        name: float(value)
        for name, value in summary.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def confusion(reported: str) -> tuple[list[str], list[list[int]]]:
    """Class names, and the counts [true][predicted] of the main system on clean test speech.

    Pooled over folds, from `scores.json`.
    """
    from mtlser.evaluation.score_records import Scores
    from mtlser.records import read_json

    scores = read_json(Path(reported) / "scores.json", Scores)
    counts = scores.of(scores.main).clean.pooled.confusion
    return list(scores.classes), [list(row) for row in counts]


def copy_page(reported: str, path: str) -> None:
    """Copies `report.html` to the place where Kubeflow's UI expects an HTML artifact."""
    shutil.copyfile(Path(reported) / "report.html", path)


def write_metadata(*artifacts: Described) -> None:
    """Writes each artifact's metadata to its path, too.

    kfp.local takes an artifact without a file for a lost one, and would run the step again.
    """
    for artifact in artifacts:
        Path(artifact.path).write_text(json.dumps(artifact.metadata, indent=1), encoding="utf-8")
