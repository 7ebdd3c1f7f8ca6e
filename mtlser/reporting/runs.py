"""Finished runs, by folder, MLflow run id or registered model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.verification import recheck
from mtlser.files import read_text
from mtlser.recipe import Recipe, load
from mtlser.records import FoldPlan, read_json
from mtlser.reporting import histories
from mtlser.reporting.histories import History
from mtlser.tracking import mlflow_uris

SCORES = "scores.json"
ARTIFACTS = (SCORES, "recipe.toml", "folds.json", "predictions.jsonl")
"""What a report leaves with its MLflow run."""
ALLOWED = "a run or report folder, an s3:// address of one, an MLflow run id, or models:/NAME@ALIAS"


@dataclass(frozen=True)
class Finished:
    """One finished run."""

    label: str
    """Different for each run of a comparison."""
    place: str
    """As the user named it."""
    scores: Scores
    recipe: Recipe | None
    """`None` where the run has none, or this version cannot read it."""
    plan: FoldPlan | None
    predictions: Path | None
    recomputed: bool
    """Whether its figures were computed again from its predictions; False: it has none."""
    histories: tuple[History, ...]


@contextmanager
def opened(places: Sequence[str]) -> Iterator[list[Finished]]:
    """Yields the runs, in the order given; what is downloaded for them is gone afterwards.

    Raises:
        MtlserError: fewer than two, the same one twice, no such run, one without scores, or one
            whose figures are not those of its predictions.
    """
    if len(places) < 2:
        raise MtlserError(
            f"--compare {' '.join(places)}: expected two runs or more; give {ALLOWED}"
        )
    twice = sorted({place for place in places if list(places).count(place) > 1})
    if twice:
        raise MtlserError(f"--compare: {twice[0]} is there twice; give each run once")
    with TemporaryDirectory(prefix="mtlser-") as scratch:
        folders = [_folder(place, Path(scratch) / str(i)) for i, place in enumerate(places)]
        read = [read_json(folder / SCORES, Scores) for folder in folders]
        labels = _labels(places, read)
        yield [_finished(*each) for each in zip(labels, places, folders, read, strict=True)]


def _finished(label: str, place: str, folder: Path, scores: Scores) -> Finished:
    predictions = folder / "predictions.jsonl"
    return Finished(
        label=label,
        place=place,
        scores=scores,
        recipe=_recipe(folder / "recipe.toml"),
        plan=read_json(folder / "folds.json", FoldPlan)
        if (folder / "folds.json").is_file()
        else None,
        predictions=predictions if predictions.is_file() else None,
        recomputed=recheck.check(folder),
        histories=histories.read([folder]),
    )


def _recipe(path: Path) -> Recipe | None:
    """The recipe of a run; one that another version wrote may hold keys unknown here."""
    if not path.is_file():
        return None
    try:
        return load(read_text(path))
    except MtlserError:
        return None


def _labels(places: Sequence[str], read: Sequence[Scores]) -> list[str]:
    """The recipes' names where they differ, else the places' last parts, else the places."""
    tries = [
        [scores.recipe_name or scores.main for scores in read],
        [place.rstrip("/").rpartition("/")[2] for place in places],
    ]
    for labels in tries:
        if len(set(labels)) == len(labels):
            return labels
    return list(places)


def _folder(place: str, scratch: Path) -> Path:
    if mlflow_uris.is_uri(place) or mlflow_uris.is_run_id(place):
        return _downloaded(place, scratch)
    if not storage.is_s3(place) and not Path(place).expanduser().exists():
        raise MtlserError(f"{place}: no such run; expected {ALLOWED}")
    folder = storage.fetch(place)
    if not (folder / SCORES).is_file():
        raise MtlserError(
            f"{place}: no {SCORES} in it; expected {ALLOWED}; write one with `mtlser report`"
        )
    return folder


def _downloaded(place: str, scratch: Path) -> Path:
    run_id, present = mlflow_uris.download_files(place, ARTIFACTS, scratch)
    if SCORES not in present:
        raise MtlserError(
            f"{place}: MLflow run {run_id} holds no {SCORES}; give the parent run that "
            "`mtlser report` wrote to"
        )
    return scratch
