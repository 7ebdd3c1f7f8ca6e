"""Whether a model and a report belong together."""

from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.records import Cell, read_json
from mtlser.storage import custody


def check(model: Path, report: Path) -> None:
    """Refuses a model that was fitted on other data, or by another recipe, than its report.

    Args:
        model: model folder of the final fit.
        report: its report folder.

    Raises:
        MtlserError: the two differ, or a file of the model was exchanged.
    """
    record = custody.verified(model)
    if record is None:
        return
    if record.cell and Cell.parse(record.cell).fold is not None:
        raise MtlserError(
            f"{model} is the model of {record.cell}, which was fitted on a part of the data; give "
            "the final fit, as `mtlser train --final` writes it"
        )
    scores = read_json(report / "scores.json", Scores)
    pairs = (
        ("manifest", record.manifest, scores.manifest_digest),
        ("recipe", record.recipe_hash, scores.recipe_hash),
        ("folds", record.folds, scores.folds_digest),
    )
    for what, there, here in pairs:
        if there and here and there != here:
            raise MtlserError(
                f"{model} is of {what} {there[: custody.SHORT]}, the report in {report} of {what} "
                f"{here[: custody.SHORT]}; give the report of the model's own recipe and data"
            )
