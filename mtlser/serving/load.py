"""A trained model from wherever it lies, and its words on audio files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.recipes import names
from mtlser.records import most_probable
from mtlser.tracking import mlflow_uris
from mtlser.tracking.mlflow_uris import Version

if TYPE_CHECKING:
    from mtlser.evaluation.predictor import Output, System, Wav
    from mtlser.models.bundle import Description, TrainedModel

DESCRIPTION = "mtlser.json"
SVM = "svm.json"
"""In the model folder of an SVM baseline."""
WEIGHTS_ARTIFACT = "weights"
"""Name of the model folder among a registered model's artifacts."""


class FilePrediction(BaseModel):
    """What the model says of one file."""

    model_config = ConfigDict(frozen=True)

    file: str
    emotion: str
    probabilities: dict[str, float]
    """Probability of each class, in label order; sums to 1."""
    text: str | None
    speaker: str | None
    """The most alike training speaker."""


@dataclass(frozen=True)
class Located:
    """A model folder on this machine, and what it was found as."""

    folder: Path
    version: Version | None
    """What an alias named when it was looked up; `None`: the model is from no registry."""


def model_folder(place: str) -> Path:
    """The model folder that RUN_OR_MODEL names; see `located`."""
    return located(place).folder


def located(place: str) -> Located:
    """The model that RUN_OR_MODEL names.

    Args:
        place: a run or cell folder (it holds `model/`), a model folder (it holds `mtlser.json`),
            an `s3://` address of one of these, or an MLflow URI: `models:/NAME@champion`,
            `models:/NAME/3`, `runs:/RUN_ID/model`.

    Raises:
        MtlserError: nothing there, no model in it, an unknown name, version or alias, or a
            registered model that is another one than was registered.
    """
    from_mlflow = mlflow_uris.is_uri(place)
    version = mlflow_uris.version(place) if place.startswith(mlflow_uris.MODELS) else None
    source = version.place if version else place
    folder = mlflow_uris.download(source) if from_mlflow else storage.fetch(place)
    model = _described(folder)
    if model is not None:
        if version is not None:
            check_digest(model, version)
        return Located(model, version)
    if from_mlflow:
        raise MtlserError(
            f"{place}: not an mtlser model; register one with `mtlser register`, then give "
            "models:/NAME@champion"
        )
    seen = "no model in it" if folder.is_dir() else "no such folder"
    raise MtlserError(
        f"{place}: {seen}; expected a run folder such as runs/demo, a model folder with "
        f"{DESCRIPTION}, or an MLflow URI such as models:/mtlser@champion; train one with "
        "`mtlser train`"
    )


def check_digest(model: Path, version: Version) -> None:
    """Returns if the model folder is the one that was registered as this version.

    The registry's database says which it was; the files are in a store that others may write.

    Raises:
        MtlserError: it is another one, or the registry does not say.
    """
    if not version.model_sha256:
        raise MtlserError(
            f"{version.place}: the version has no tag {mlflow_uris.MODEL_SHA256} to compare its "
            "files with, so they are not loaded; register the model with `mtlser register`"
        )
    now = storage.digest_folder(model)
    if now != version.model_sha256:
        raise MtlserError(
            f"{version.place}: its files have SHA-256 {now[:12]}, the registry says "
            f"{version.model_sha256[:12]}: they were changed after they were registered; use an "
            "earlier version with `mtlser rollback`, and register the model again"
        )


def predict_files(place: str, files: Sequence[Path]) -> list[FilePrediction]:
    """What the model in `place` says of each file, in order.

    Raises:
        MtlserError: no such model, or a file that is no audio; nothing is predicted then.
    """
    from mtlser.models import bundle

    _refuse_absent(files)  # before a model is downloaded in vain
    folder = model_folder(place)
    wavs = _decoded(files, bundle.describe(folder))  # before it is loaded in vain
    return _predicted(network(folder), files, wavs)


def predict_with(model: "TrainedModel", files: Sequence[Path]) -> list[FilePrediction]:
    """What a loaded model says of each file, in order.

    Raises:
        MtlserError: a file that is absent or no audio; nothing is predicted then.
    """
    _refuse_absent(files)
    return _predicted(model, files, _decoded(files, model.description))


def _refuse_absent(files: Sequence[Path]) -> None:
    for file in files:
        if not file.is_file():
            raise MtlserError(f"{file}: no such file; give audio files, for example `clip.wav`")


def _decoded(files: Sequence[Path], model: "Description") -> "list[Wav]":
    from mtlser.data import audio

    return [audio.load(file, model.channels) for file in files]


def _predicted(
    model: "TrainedModel", files: Sequence[Path], wavs: "Sequence[Wav]"
) -> list[FilePrediction]:
    from mtlser.evaluation import predictor

    outputs = predictor.predict_wavs(model, wavs)
    shown = [names.shown(str(file)) for file in files]
    return [file_prediction(*each) for each in zip(shown, outputs, strict=True)]


def network(folder: Path) -> "TrainedModel":
    """The network in a model folder.

    Raises:
        MtlserError: it is damaged.
    """
    from safetensors import SafetensorError

    from mtlser.models import bundle

    try:
        return bundle.load(folder)
    except (SafetensorError, FileNotFoundError) as error:
        raise MtlserError(
            f"{folder}: the model is damaged ({error}); copy it again, or train it again with "
            "`mtlser train`"
        ) from error


def system(place: str, device: str = "cpu") -> "tuple[str, System]":
    """Name and system of what RUN_OR_MODEL names, as `model_folder` reads it, or of an SVM's cell.

    Args:
        place: as for `model_folder`; a folder of the SVM baseline does too.
        device: where a network computes: `cpu` or `cuda`.

    Raises:
        MtlserError: nothing there, no model in it, or a device that is not there.
    """
    from mtlser.evaluation import predictor

    folder = system_folder(place)
    if (folder / SVM).is_file():
        return "svm", predictor.load_system("svm", folder)
    _check_device(device)
    model = network(folder)
    model.network.to(device)
    return model.description.system, predictor.NetworkSystem(model)


def system_folder(place: str) -> Path:
    """The model folder of what RUN_OR_MODEL names, of a network or an SVM.

    Raises:
        MtlserError: as `model_folder`.
    """
    if not mlflow_uris.is_uri(place):
        folder = storage.fetch(place)
        for candidate in (folder, folder / "model"):
            if (candidate / SVM).is_file():
                return candidate
    return model_folder(place)


def _check_device(device: str) -> None:
    import torch

    there = ["cpu"] + ["cuda"] * torch.cuda.is_available()
    if device not in there:
        raise MtlserError(
            f"device {device!r}: allowed here are {', '.join(there)}; give one with `--device`"
        )


def file_prediction(file: str, output: "Output") -> FilePrediction:
    """One output as a record; the first class in label order wins a tie."""
    probabilities = output.emotion_probabilities
    return FilePrediction(
        file=file,
        emotion=most_probable(probabilities),
        probabilities=probabilities,
        text=output.text,
        speaker=output.speaker,
    )


def _described(folder: Path) -> Path | None:
    """The model folder in a model, cell or run folder, or in a registered model's."""
    artifacts = sorted(folder.glob("artifacts/*"))
    for candidate in (folder, folder / "model", *artifacts):
        if (candidate / DESCRIPTION).is_file():
            return candidate
    return None
