"""What the champion was made of: recipe, manifest and report, from the MLflow run that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, load
from mtlser.records import Utterance, read_jsonl
from mtlser.registry import champions, gate
from mtlser.registry.gate import Reported
from mtlser.registry.versions import MANIFEST, REASON

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MANIFEST_FILE = "manifest.jsonl"
RECIPE_FILE = "recipe.toml"
RECIPE_HASH = "recipe_hash"


@dataclass(frozen=True)
class Tried:
    """A registered version, as its tags tell of it."""

    version: int
    manifest_digest: str | None
    recipe_hash: str | None
    reason: str
    """Why it is champion or not."""
    run_id: str


def versions(client: "MlflowClient", name: str) -> tuple[Tried | None, list[Tried]]:
    """The champion, and all versions of the model in their order; `None` where there is none."""
    now = champions.present(client, name)
    tried: list[Tried] = []
    if now is not None:
        tried = [_tried(each) for each in client.search_model_versions(f"name = '{name}'")]
        tried.sort(key=lambda each: each.version)
    return next((each for each in tried if each.version == now), None), tried


def recipe_of(client: "MlflowClient", name: str, champion: Tried) -> Recipe:
    """The champion's recipe.

    Raises:
        MtlserError: its run has none, or one that this version cannot read.
    """
    with TemporaryDirectory(prefix="mtlser-") as folder:
        return load(str(_artifact(client, name, champion, RECIPE_FILE, Path(folder))))


def manifest_of(client: "MlflowClient", name: str, champion: Tried) -> Sequence[Utterance]:
    """The utterances that the champion was made of.

    Raises:
        MtlserError: its run has no manifest, or one that this version cannot read.
    """
    with TemporaryDirectory(prefix="mtlser-") as folder:
        path = _artifact(client, name, champion, MANIFEST_FILE, Path(folder))
        return list(read_jsonl(path, Utterance))


class NoEvidenceError(MtlserError):
    """A champion's run holds no report whose figures can be derived again."""


def report_of(client: "MlflowClient", champion: Tried) -> Reported:
    """The champion's own cross-validation, its figures derived again.

    Raises:
        NoEvidenceError: its run lacks a file that this needs, as one of an older version lacks
            the predictions, or the figures are others.
        MtlserError: MLflow or its store is away.
    """
    from mtlser.tracking import mlflow_runs

    def read(folder: Path) -> Reported:
        there = {each.path for each in client.list_artifacts(champion.run_id)}
        lacking = [file for file in gate.REPORT_FILES if file not in there]
        if lacking:
            raise NoEvidenceError(f"its MLflow run holds no {' and no '.join(lacking)}")
        for file in (*gate.REPORT_FILES, *there & {RECIPE_FILE}):
            client.download_artifacts(champion.run_id, file, str(folder))
        try:
            return gate.reported(folder)
        except MtlserError as error:
            raise NoEvidenceError(str(error).replace(f"{folder}/", "")) from error

    with TemporaryDirectory(prefix="mtlser-") as folder:
        place = Path(folder)
        return mlflow_runs.with_retries(
            lambda: read(place), f"read the report of champion version {champion.version}"
        )


def _tried(version: "ModelVersion") -> Tried:
    return Tried(
        version=int(version.version),
        manifest_digest=version.tags.get(MANIFEST),
        recipe_hash=version.tags.get(RECIPE_HASH),
        reason=version.tags.get(champions.ROLLED_BACK)
        or version.tags.get(REASON, "no reason known"),
        run_id=str(version.run_id),
    )


def _artifact(client: "MlflowClient", name: str, champion: Tried, file: str, folder: Path) -> Path:
    from mlflow.exceptions import MlflowException

    try:
        return Path(client.download_artifacts(champion.run_id, file, str(folder)))
    except (MlflowException, OSError) as error:
        raise MtlserError(
            f"models:/{name}@champion (version {champion.version}): its MLflow run "
            f"{champion.run_id} has no {file}, which a report from `mtlser report --manifest` "
            "logs, so new data cannot be compared with it; delete the alias champion in the MLflow "
            "UI to begin with a new champion"
        ) from error
