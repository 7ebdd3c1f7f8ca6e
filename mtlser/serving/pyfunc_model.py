"""The registered model as MLflow loads it: models from code, weights as safetensors, no pickle.

MLflow copies this one file next to the weights and runs it, so it imports everything by its full
name. `mlflow models serve` answers the same calls over HTTP: whoever calls may be a stranger, so a
clip comes as bytes and never as a path, and an answer holds no path and no trace.
"""

import base64
import binascii
import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.data.decoding.channels import Policy
from mtlser.data.decoding.limits import Most
from mtlser.evaluation.predictor import predict_wavs
from mtlser.models import bundle
from mtlser.records import SAMPLE_RATE_HZ
from mtlser.serving.load import WEIGHTS_ARTIFACT, check_digest, file_prediction
from mtlser.tracking import mlflow_uris

AUDIO = "audio"
"""The column of audio files as base64."""
MOST_CLIPS = 64
"""In one request."""
MOST_BYTES = 32 << 20
"""Of one audio file: 17 minutes of 16 kHz WAV."""
MOST = Most(values=1 << 25, seconds=600.0)
"""Of one clip as it is decoded, 256 MiB: a small file may hold hours."""
MOST_SECONDS = 1200.0
"""Of all clips of one request."""

log = logging.getLogger(__name__)


class SpeechModel(PythonModel):
    """Emotion, text and speaker of audio clips."""

    def load_context(self, context: PythonModelContext) -> None:
        """Loads the model folder among the artifacts.

        Raises:
            MtlserError: it is damaged, or another one than was registered.
        """
        folder = Path(context.artifacts[WEIGHTS_ARTIFACT])
        compare_with_registry(folder)
        self.model = bundle.load(folder)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: object = None
    ) -> pd.DataFrame:
        """One row a clip: `emotion`, one probability a class, `text`, `speaker`.

        Args:
            context: MLflow's own.
            model_input: a column `audio` of audio files as base64.
            params: not used.

        Raises:
            MlflowException: no such column, too many or too large clips, or one that is no audio;
                in one sentence that a stranger may read.
        """
        try:
            wavs = clips(model_input, self.model.description.channels)
            outputs = predict_wavs(self.model, wavs)
        except MlflowException:
            raise
        except Exception:
            log.exception("a request of %d rows failed", len(model_input))
            raise MlflowException(
                "the clips could not be predicted; the server's log says why", INTERNAL_ERROR
            ) from None
        found = [file_prediction("", output) for output in outputs]
        return pd.DataFrame(
            [
                {"emotion": one.emotion, **one.probabilities, "text": one.text,
                 "speaker": one.speaker}
                for one in found
            ]
        )  # fmt: skip


def compare_with_registry(folder: Path) -> None:
    """Returns if a downloaded model folder is the one that its registry has a digest of.

    MLflow notes beside a model which version it downloaded. A copy that was not downloaded from a
    registry, or is loaded where `MLFLOW_TRACKING_URI` and `MLFLOW_REGISTRY_URI` name none, is
    compared with its own record alone.

    Args:
        folder: the weights, in `artifacts/` of MLflow's model.

    Raises:
        MtlserError: it is another one, or the registry is away.
    """
    note = folder.parents[1] / REGISTERED_MODEL_META_FILE_NAME
    if not note.is_file():
        return
    if not (os.environ.get("MLFLOW_TRACKING_URI") or os.environ.get("MLFLOW_REGISTRY_URI")):
        log.warning("%s: no registry is named, so its digest is not compared", folder)
        return
    said = yaml.safe_load(note.read_bytes())
    place = f"{mlflow_uris.MODELS}{said['model_name']}/{said['model_version']}"
    check_digest(folder, mlflow_uris.version(place))


def clips(model_input: pd.DataFrame, channels: Policy = "mix") -> list[NDArray[np.float32]]:
    """The samples of each clip of a table, (n,) at 16 kHz.

    Args:
        model_input: a column `audio` of audio files as base64.
        channels: what becomes of the channels of a file, as in the model's training.

    Raises:
        MlflowException: no such column, too many or too large clips, or one that is no audio.
    """
    if AUDIO not in model_input or not model_input[AUDIO].notna().all():
        names = ", ".join(map(str, model_input.columns))
        raise _refusal(f"columns {names}: expected `{AUDIO}`, audio files as base64, in every row")
    if len(model_input) > MOST_CLIPS:
        raise _refusal(f"{len(model_input)} clips, allowed are {MOST_CLIPS} in one request")
    wavs: list[NDArray[np.float32]] = []
    for row, text in enumerate(model_input[AUDIO]):
        wavs.append(_clip(row, str(text), channels))
        if sum(map(len, wavs)) > MOST_SECONDS * SAMPLE_RATE_HZ:
            raise _refusal(f"over {MOST_SECONDS:g} s of audio in one request; send fewer clips")
    return wavs


def _clip(row: int, text: str, channels: Policy) -> NDArray[np.float32]:
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        raise _refusal(f"row {row}: a file of over {MOST_BYTES >> 20} MiB; send a shorter clip")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refusal(f"row {row}: not base64 ({error}); encode a whole audio file") from None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        path.write_bytes(content)
        try:
            return audio.load(path, channels, MOST)
        except audio.AudioError as error:
            raise _refusal(f"row {row}: {error.fault}: {error.detail}") from None


def _refusal(sentence: str) -> MlflowException:
    return MlflowException(sentence, INVALID_PARAMETER_VALUE)


set_model(SpeechModel())
