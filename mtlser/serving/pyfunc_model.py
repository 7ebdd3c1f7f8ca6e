"""The registered model as MLflow loads it: models from code, weights as safetensors, no pickle.

MLflow copies this one file next to the weights and runs it, so it imports everything by its full
name. `mlflow models serve` answers the same calls over HTTP: whoever calls may be a stranger, so a
clip comes as bytes and never as a path, and an answer holds no path and no trace.
"""

import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from numpy.typing import NDArray

from mtlser.data.decoding.channels import Policy
from mtlser.evaluation.predictor import predict_wavs
from mtlser.models import bundle
from mtlser.serving.load import WEIGHTS_ARTIFACT, check_digest, file_prediction
from mtlser.serving.requests import AUDIO, RefusedError, decoded, row_of
from mtlser.tracking import mlflow_uris

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
        return pd.DataFrame([row_of(file_prediction("", output)) for output in outputs])


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
    try:
        return decoded([str(text) for text in model_input[AUDIO]], channels)
    except RefusedError as error:
        raise _refusal(str(error)) from None


def _refusal(sentence: str) -> MlflowException:
    return MlflowException(sentence, INVALID_PARAMETER_VALUE)


set_model(SpeechModel())
