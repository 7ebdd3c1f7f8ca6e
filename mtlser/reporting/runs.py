"""Finished runs, found by folder, MLflow run id or registered model."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mtlser import storage, tracking
from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.recipe import Recipe, load
from mtlser.records import FoldPlan, read_json
from mtlser.reporting import histories
from mtlser.reporting.histories import History

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCORES = "scores.json"
ARTIFACTS = (SCORES, "recipe.toml", "folds.json")
"""What a report leaves with its MLflow run."""
MODELS, RUNS = "models:/", "runs:/"
RUN_ID = re.compile(r"[0-9a-f]{32}")
ALLOWED = "a run or report folder, an s3:// address of one, an MLflow run id, or models:/NAME@ALIAS"


@dataclass(frozen=True)
class Finished:
    """One finished run."""

    label: str
    """Different for each run of a comparison."""
    place: str
    """As it was given."""
    scores: Scores
    recipe: Recipe | None
    """`None` where none was kept, or this version cannot read it."""
    plan: FoldPlan | None
    predictions: Path | None
    histories: tuple[History, ...]


@contextmanager
def opened(places: Sequence[str]) -> Iterator[list[Finished]]:
    """Yields the runs, in the order given; what is downloaded for them is gone afterwards.

    Raises:
        MtlserError: fewer than two, the same one twice, no such run, or one without scores.
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
        histories=histories.read([folder]),
    )


def _recipe(path: Path) -> Recipe | None:
    """The recipe of a run; one that another version wrote may hold keys unknown here."""
    if not path.is_file():
        return None
    try:
        return load(path.read_text(encoding="utf-8"))
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
    if place.startswith((MODELS, RUNS)) or _is_run_id(place):
        return _downloaded(place, scratch)
    if not storage.is_s3(place) and not Path(place).expanduser().exists():
        raise MtlserError(f"{place}: no such run; expected {ALLOWED}")
    folder = storage.fetch(place)
    if not (folder / SCORES).is_file():
        raise MtlserError(
            f"{place}: no {SCORES} in it; expected {ALLOWED}; write one with `mtlser report`"
        )
    return folder


def _is_run_id(place: str) -> bool:
    return RUN_ID.fullmatch(place) is not None and not Path(place).exists()


def _downloaded(place: str, scratch: Path) -> Path:
    from mlflow.exceptions import MlflowException

    from mtlser.tracking import mlflow_runs

    address = tracking.existing_uri(place)
    client = mlflow_runs.connect(address)
    try:
        run_id = _run_id(client, place)
        kept = {artifact.path for artifact in client.list_artifacts(run_id)}
        scratch.mkdir(parents=True)
        for name in ARTIFACTS:
            if name in kept:
                client.download_artifacts(run_id, name, str(scratch))
    except (MlflowException, OSError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise MtlserError(
            f"{place}: {reason}; look it up in the MLflow UI of MLFLOW_TRACKING_URI={address}"
        ) from error
    if SCORES not in kept:
        raise MtlserError(
            f"{place}: MLflow run {run_id} holds no {SCORES}; give the parent run that "
            "`mtlser report` wrote to"
        )
    return scratch


def _run_id(client: "MlflowClient", place: str) -> str:
    """The run that was named, or that a registered model was logged by."""
    if not place.startswith(MODELS):
        run_id = place.removeprefix(RUNS).partition("/")[0]
        client.get_run(run_id)
        return run_id
    name, at, alias = place.removeprefix(MODELS).partition("@")
    if at:
        found = client.get_model_version_by_alias(name, alias)
    else:
        name, _, version = name.partition("/")
        if not version.isdigit():
            raise MtlserError(f"{place}: expected models:/NAME@ALIAS or models:/NAME/VERSION")
        found = client.get_model_version(name, version)
    if not found.run_id:
        raise MtlserError(f"{place}: that version names no run; give the run's id instead")
    return str(found.run_id)
