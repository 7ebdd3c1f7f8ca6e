"""What a `models:/` or `runs:/` address, or a run id, names in MLflow: downloaded.

MLflow takes seconds to import, so the functions import it.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.errors import MtlserError
from mtlser.tracking import tracker

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODELS, RUNS = "models:/", "runs:/"
RUN_ID = re.compile(r"[0-9a-f]{32}")
MODEL_SHA256 = "mtlser.model_sha256"
"""Tag of a registered version: digest of its model folder, see `mtlser.storage.digest_folder`."""


@dataclass(frozen=True)
class Version:
    """One version of a registered model, as the registry tells of it."""

    name: str
    number: int
    alias: str
    """By which it was asked for; empty: by its number."""
    run_id: str
    """Of the run that logged it; empty: none is named."""
    model_sha256: str
    """The tag `MODEL_SHA256`; empty: there is none."""
    recipe_hash: str

    @property
    def place(self) -> str:
        """Its address, which stays the same when an alias moves: `models:/mtlser/3`."""
        return f"{MODELS}{self.name}/{self.number}"


def is_uri(place: str) -> bool:
    """True for `models:/NAME@ALIAS`, `models:/NAME/VERSION` and `runs:/RUN_ID/PATH`."""
    return place.startswith((MODELS, RUNS))


def is_run_id(place: str) -> bool:
    """True for an id of an MLflow run that is no folder of that name, too."""
    return RUN_ID.fullmatch(place) is not None and not Path(place).exists()


def version(place: str) -> Version:
    """The version that `models:/NAME@ALIAS` or `models:/NAME/VERSION` names now.

    Raises:
        MtlserError: an unknown name, version or alias, or a registry that is away.
    """
    with _connected(place) as (client, _):
        return _version(client, place)


def download(place: str) -> Path:
    """A local folder with all that the address names.

    Raises:
        MtlserError: an unknown name, version, alias or run, or a store that is away.
    """
    from mlflow.artifacts import download_artifacts

    from mtlser.tracking import mlflow_runs

    with _connected(place) as (client, address):
        if place.startswith(MODELS):
            _check_alias(client, place)
        with mlflow_runs.fluent(address):
            return Path(download_artifacts(place))


def download_files(place: str, names: Collection[str], folder: Path) -> tuple[str, set[str]]:
    """Id of the run that the address names, and those of `names` that it holds, now in `folder`.

    Args:
        place: a run id, `runs:/RUN_ID`, or a registered model's address: the run that logged it.
        names: files at the top of the run's artifacts.
        folder: made where absent.

    Raises:
        MtlserError: an unknown name, version, alias or run, or a store that is away.
    """
    with _connected(place) as (client, _):
        run_id = _run_id(client, place)
        present = {artifact.path for artifact in client.list_artifacts(run_id)} & set(names)
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(present):
            client.download_artifacts(run_id, name, str(folder))
    return run_id, present


@contextmanager
def _connected(place: str) -> "Iterator[tuple[MlflowClient, str]]":
    """Yields a client and the store's address; what MLflow raises becomes one sentence."""
    from mlflow.exceptions import MlflowException

    from mtlser.tracking import mlflow_runs

    address = tracker.existing_uri(place)
    client = mlflow_runs.connect(address)
    try:
        yield client, address
    except (MlflowException, OSError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise MtlserError(
            f"{place}: {reason}; look it up in the MLflow UI of MLFLOW_TRACKING_URI={address}"
        ) from error


def _run_id(client: "MlflowClient", place: str) -> str:
    """The run that was named, or that logged a registered model."""
    if not place.startswith(MODELS):
        run_id = place.removeprefix(RUNS).partition("/")[0]
        client.get_run(run_id)
        return run_id
    found = _version(client, place)
    if not found.run_id:
        raise MtlserError(f"{place}: that version names no run; give the run's id instead")
    return found.run_id


def _version(client: "MlflowClient", place: str) -> Version:
    _check_alias(client, place)
    name, at, alias = place.removeprefix(MODELS).partition("@")
    if at:
        found = client.get_model_version_by_alias(name, alias)
    else:
        name, _, number = name.partition("/")
        if not number.isdigit():
            raise MtlserError(f"{place}: expected models:/NAME@ALIAS or models:/NAME/VERSION")
        found = client.get_model_version(name, number)
    return Version(
        name=name,
        number=int(found.version),
        alias=alias,
        run_id=str(found.run_id or ""),
        model_sha256=found.tags.get(MODEL_SHA256, ""),
        recipe_hash=found.tags.get("recipe_hash", ""),
    )


def _check_alias(client: "MlflowClient", place: str) -> None:
    """Refuses an unknown model or alias with the ones that are known."""
    name, at, alias = place.removeprefix(MODELS).partition("@")
    if not at:
        return
    from mlflow.exceptions import MlflowException

    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException as error:
        known = [model.name for model in client.search_registered_models()]
        raise MtlserError(
            f"{place}: no registered model {name!r}; known are {', '.join(known) or 'none'}; "
            "register one with `mtlser register`"
        ) from error
    if alias not in aliases:
        raise MtlserError(
            f"{place}: model {name!r} has no alias {alias!r}; known are "
            f"{', '.join(sorted(aliases)) or 'none'}; set one with `mtlser register`"
        )
