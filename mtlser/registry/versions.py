"""The final model in MLflow's registry: logged from code, with its scores and digests as tags."""

import json
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser import serving, storage, tracking
from mtlser.errors import MtlserError
from mtlser.files import read_text
from mtlser.recipe import Recipe
from mtlser.recipes import names
from mtlser.records import LEAKING_PROTOCOLS, CellResult, Record, read_json
from mtlser.registry import lock
from mtlser.registry.gate_records import Gate
from mtlser.serving.load import DESCRIPTION, WEIGHTS_ARTIFACT
from mtlser.tracking import Run, numbers
from mtlser.tracking.mlflow_uris import MODEL_SHA256

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

CODE = Path(serving.__file__).with_name("pyfunc_model.py")
CHALLENGER = "challenger"
REASON = "mtlser.reason"
MLFLOW_WARNINGS = (
    ".*Any type hint is inferred as AnyType",  # of MLflow's own classes
    ".*An input example was not provided",  # it could only name a file that is not there
)
SCORES = ("wa_mean", "wa_sd", "ua_mean", "ua_sd")
"""Of the summary's numbers, those that a version carries; its run and its model hold the rest."""
MANIFEST = "mtlser.manifest"
"""Digest of the manifest that the model was trained on."""


class Registered(Record):
    """What became of the model (`registered.json`)."""

    name: str
    version: int | None
    """`None` where tracking is off."""
    champion_before: int | None
    champion_now: int | None
    reason: str
    gate: Gate | None = None
    """The numbers behind the reason, where two recipes were weighed on the same folds."""


def untracked(recipe: Recipe) -> Registered:
    """What becomes of a model where nothing is tracked."""
    return Registered(
        name=recipe.registry.name,
        version=None,
        champion_before=None,
        champion_now=None,
        reason="tracking is off (MTLSER_TRACKING), nothing was registered",
    )


def recorded(
    model: Path, summary: Path, recipe: Recipe, run: Run
) -> "tuple[MlflowClient, int] | None":
    """The registry and the model's version in it, found or made; `None` where nothing is tracked.

    Raises:
        MtlserError: no model, no summary, or MLflow refuses.
    """
    scores = _summary(summary)
    if not (model / DESCRIPTION).is_file():
        raise MtlserError(
            f"{model}: not a model folder (no {DESCRIPTION}); make one with `mtlser train --final`"
        )
    if run.id is None or run.uri is None:
        return None
    from mtlser.tracking import mlflow_runs

    name = recipe.registry.name
    client = mlflow_runs.connect(run.uri)
    digest = storage.digest_folder(model)
    tags = (
        _tags(scores, recipe)
        | _training_tags(model)
        | {MODEL_SHA256: digest, "run": _run_link(run)}
    )
    number = mlflow_runs.with_retries(
        lambda: (
            _registered(client, str(run.id), name, digest) or _log(run, model, name, scores, digest)
        ),
        f"register model {name}",
    )
    for key, value in tags.items():
        client.set_model_version_tag(name, str(number), key, value)
    return client, number


def _summary(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise MtlserError(f"{path}: no such file; write the scores with `mtlser report`")
    content = json.loads(read_text(path))
    if not isinstance(content, dict):
        raise MtlserError(f"{path}: not a flat JSON object; write it again with `mtlser report`")
    return content


def _tags(scores: Mapping[str, object], recipe: Recipe) -> dict[str, str]:
    protocol = str(scores.get("protocol", recipe.split.protocol))
    digest = scores.get("manifest_digest")
    return {
        **({MANIFEST: str(digest)} if digest else {}),
        **{key: repr(value) for key, value in numbers(scores).items() if key in SCORES},
        "corpus": recipe.corpus,
        "protocol": protocol,
        "leaks": str(scores.get("leaks", protocol in LEAKING_PROTOCOLS)).lower(),
        "recipe": recipe.name,
        "recipe_hash": recipe.hash,
    }


def _training_tags(model: Path) -> dict[str, str]:
    """Alpha, beta and epochs of the final fit, where its folder says so."""
    path = model.parent / "result.json"
    if not path.is_file():
        return {}
    result = read_json(path, CellResult)
    values = {"alpha": result.alpha, "beta": result.beta, "epochs": result.epochs_run}
    return {key: repr(value) for key, value in values.items() if value is not None}


def _run_link(run: Run) -> str:
    """The page of the version's run, which holds all else; its id where the store has no page."""
    experiment = getattr(run, "experiment_id", "")
    return tracking.page(str(run.uri), experiment, str(run.id)) or str(run.id)


def _registered(client: "MlflowClient", run_id: str, name: str, digest: str) -> int | None:
    """The version that an earlier try of this step made."""
    versions = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    same = [int(each.version) for each in versions if each.tags.get(MODEL_SHA256) == digest]
    return min(same, default=None)


def _log(run: Run, model: Path, name: str, scores: Mapping[str, object], digest: str) -> int:
    """The version just made: MLflow's model from code, beside the weights, without pickle."""
    from mtlser.tracking import mlflow_runs

    with warnings.catch_warnings():
        for message in MLFLOW_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        import mlflow.pyfunc

        with mlflow_runs.fluent(str(run.uri)), mlflow.start_run(run_id=run.id):
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(CODE),
                artifacts={WEIGHTS_ARTIFACT: str(model)},
                signature=signature(model),
                pip_requirements=[f"mtlser=={version('mtlser')}", f"mlflow=={mlflow.__version__}"],
                tags={MODEL_SHA256: digest},
            )
            mlflow.log_metrics(names.entities(numbers(scores)), model_id=logged.model_id)
            marks = {MODEL_SHA256: digest, lock.TURN: lock.TO_COME}
            registered = mlflow.register_model(logged.model_uri, name, tags=marks)
    return int(registered.version)


def signature(model: Path) -> "ModelSignature":
    """What goes in and comes out: a clip as base64; emotion, probabilities, text, speaker."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    emotions = json.loads(read_text(model / DESCRIPTION))["emotions"]
    text, number = DataType.string, DataType.double
    inputs = Schema([ColSpec(text, "audio")])
    outputs = Schema(
        [
            ColSpec(text, "emotion"),
            *(ColSpec(number, name) for name in emotions),
            ColSpec(text, "text", required=False),
            ColSpec(text, "speaker", required=False),
        ]
    )
    return ModelSignature(inputs=inputs, outputs=outputs)
