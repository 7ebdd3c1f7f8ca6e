"""What MLflow gets of a report: the summary, each fold's test scores, the files."""

import json
from pathlib import Path

from mtlser.evaluation.number_records import SPREAD_METRICS
from mtlser.evaluation.numbers import seed_sd
from mtlser.evaluation.score_records import FoldScores, Scores, SystemScores
from mtlser.files import read_text
from mtlser.recipes import names
from mtlser.tracking import Run, numbers

FILES = (
    *("report.html", "scores.json", "summary.json", "folds.json", "predictions.jsonl"),
    *("tables.md", "tables.tex"),
)
"""Without predictions and folds no gate believes the scores. The parent run has the recipe already,
without the paths of this machine."""


def log_scores(run: Run, scores: Scores, folder: Path) -> None:
    """Logs a report: the summary on the run, each fold's test scores below it, and the files.

    Args:
        run: the parent run.
        scores: all that was measured.
        folder: report folder with `summary.json`.
    """
    summary = json.loads(read_text(folder / "summary.json"))
    run.metrics(names.entities(numbers(summary)))
    run.tags({f"mtlser.verified.{claim.name}": claim.state for claim in scores.claims})
    run.tags({"mtlser.leaks": str(scores.leaks).lower()})
    for system in scores.systems:
        for index, name in enumerate(scores.fold_names):
            tags = {"mtlser.system": system.system, "mtlser.split": "test"}
            key = names.entity(f"test-{names.escaped(system.system)}-f{index}")
            title = f"{system.system} {name}: test"
            fold = run.child(key, title, tags)
            fold.metrics(fold_scores(system, name))
            fold.close()
    for name in FILES:
        if (folder / name).is_file():
            run.artifact(folder / name)


def fold_scores(system: SystemScores, fold: str) -> dict[str, float]:
    """One fold's test scores by condition: `test_clean_wa`, `test_babble_5dB_wer`, ...

    Of several seeds these are means, and `test_clean_wa_seed_sd` is the SD over seeds. What MLflow
    allows in no metric's name is escaped: see `mtlser.recipes.names.metric_of_test`.
    """
    metrics: dict[str, float] = {}
    for block in system.test:
        for part in block.folds:
            if part.name == fold:
                values = numbers(part.numbers.model_dump(exclude={"utterances"})) | _seed_sds(part)
                metrics |= {names.metric_of_test(block.condition, k): v for k, v in values.items()}
    for speaker in system.speaker.folds if system.speaker else ():
        if speaker.name == fold:
            metrics["speaker_accuracy"] = speaker.accuracy
    return metrics


def _seed_sds(fold: FoldScores) -> dict[str, float]:
    """The SD over seeds of each metric of a fold; empty where there is one seed."""
    known = {metric: seed_sd(fold, metric) for metric in SPREAD_METRICS}
    return {f"{name}_seed_sd": sd for name, sd in known.items() if sd is not None}
