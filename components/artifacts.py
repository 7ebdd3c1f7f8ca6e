"""What Kubeflow's UI shows of a report folder: scalars, a confusion matrix and the page."""

import json
import math
import shutil
from pathlib import Path


def scalars(reported: str) -> dict[str, float]:
    """The finite numbers of `summary.json` by name; texts and absent values are left out."""
    summary = json.loads((Path(reported) / "summary.json").read_text(encoding="utf-8"))
    return {
        name: float(value)
        for name, value in summary.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def confusion(reported: str) -> tuple[list[str], list[list[int]]]:
    """Class names, and the counts [true][predicted] of the network on clean test speech.

    Counted from `predictions.jsonl`, which is what `scores.json` is measured from.
    """
    from mtlser.records import CLEAN, EMOTIONS, Prediction, read_jsonl

    position = {emotion: index for index, emotion in enumerate(EMOTIONS)}
    counts = [[0] * len(EMOTIONS) for _ in EMOTIONS]
    for prediction in read_jsonl(Path(reported) / "predictions.jsonl", Prediction):
        shown = (prediction.system, prediction.split, prediction.condition)
        if shown == ("mtlser", "test", CLEAN):
            truth = position[prediction.emotion_true]
            counts[truth][position[prediction.emotion_predicted]] += 1
    return list(EMOTIONS), counts


def copy_page(reported: str, path: str) -> None:
    """Copies `report.html` to the place where Kubeflow's UI expects an HTML artifact."""
    shutil.copyfile(Path(reported) / "report.html", path)
