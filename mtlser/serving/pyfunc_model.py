"""The registered model as MLflow loads it: models from code, weights as safetensors, no pickle.

MLflow copies this one file next to the weights and runs it, so it imports everything by its full
name. `mlflow models serve` answers the same calls over HTTP.
"""

import base64
import binascii
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.data.decoding.channels import Policy
from mtlser.errors import MtlserError
from mtlser.evaluation.predictor import predict_wavs
from mtlser.models import bundle
from mtlser.serving.load import WEIGHTS_ARTIFACT


class SpeechModel(PythonModel):
    """Emotion, text and speaker of audio clips."""

    def load_context(self, context: PythonModelContext) -> None:
        """Loads the model folder among the artifacts."""
        self.model = bundle.load(Path(context.artifacts[WEIGHTS_ARTIFACT]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: object = None
    ) -> pd.DataFrame:
        """One row a clip: `emotion`, one probability a class, `text`, `speaker`.

        Args:
            context: MLflow's own.
            model_input: a column `path` of audio files, or `audio` of audio files as base64.
            params: not used.

        Raises:
            MtlserError: neither column, or a clip that is no audio.
        """
        outputs = predict_wavs(self.model, clips(model_input, self.model.description.channels))
        rows = [
            {
                "emotion": max(
                    output.emotion_probabilities, key=output.emotion_probabilities.__getitem__
                ),
                **output.emotion_probabilities,
                "text": output.text,
                "speaker": output.speaker,
            }
            for output in outputs
        ]
        return pd.DataFrame(rows)


def clips(model_input: pd.DataFrame, channels: Policy = "mix") -> list[NDArray[np.float32]]:
    """The samples of each clip of a table, (n,) at 16 kHz.

    Args:
        model_input: a column `path` of audio files, or `audio` of audio files as base64.
        channels: what becomes of the channels of a file, as in the model's training.

    Raises:
        MtlserError: neither column, or a clip that is no audio.
    """
    for column, read in (("audio", _in_memory), ("path", _file)):
        if column in model_input and model_input[column].notna().all():
            return [read(str(value), channels) for value in model_input[column]]
    raise MtlserError(
        f"columns {', '.join(map(str, model_input.columns))}: expected `path` (audio files) or "
        "`audio` (audio files as base64)"
    )


def _file(place: str, channels: Policy) -> NDArray[np.float32]:
    return audio.load(Path(place), channels)


def _in_memory(text: str, channels: Policy) -> NDArray[np.float32]:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MtlserError(f"column `audio`: not base64 ({error}); encode a whole file") from None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        path.write_bytes(content)
        return audio.load(path, channels)


set_model(SpeechModel())
