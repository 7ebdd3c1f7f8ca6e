"""The shared encoder P of the paper (section 4.1) over four families of pre-trained models.

Every family is cut at the same two places, so that training can cache what it does not train:

`local`    one clip's samples -> local features (the CNN of wav2vec 2.0, HuBERT and WavLM; the
           log-mel spectrogram of Whisper)
`context`  local features of several clips -> the output of every transformer layer

Clips travel as `Packed`: no output depends on batch mates.
"""

import json
from pathlib import Path
from typing import Any

import torch

from mtlser.errors import MtlserError
from mtlser.models.speech_encoder import SpeechEncoder
from mtlser.models.transformers_internals import file_of
from mtlser.models.wav2vec2 import Wav2Vec2Encoder
from mtlser.models.whisper import WhisperEncoder
from mtlser.recipes.sections import names_folder

BUNDLED = Path(__file__).parent / "backbone"
FAMILIES = ("wav2vec2", "hubert", "wavlm", "whisper")

__all__ = [
    "BUNDLED",
    "SpeechEncoder",
    "Wav2Vec2Encoder",
    "WhisperEncoder",
    "from_model",
    "load_encoder",
    "locate",
]


def load_encoder(source: str, *, weights: bool = True) -> SpeechEncoder:
    """The encoder that `source` names.

    Args:
        source: `bundled`, a folder in Hugging Face layout, or a hub name.
        weights: false builds the architecture alone, for weights that are loaded next.

    Raises:
        MtlserError: no such folder or hub name, or another kind of model.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForAudioClassification
    from transformers.utils import logging

    logging.set_verbosity_error()  # its load report lists heads that are not used here
    logging.disable_progress_bar()
    place = locate(source)
    try:
        config = AutoConfig.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise _not_found(source) from error
    if config.model_type not in FAMILIES:
        raise MtlserError(
            f"encoder {source!r} is a {config.model_type!r} model; allowed are "
            f"{', '.join(FAMILIES)}; choose one with `--set model.encoder=...`"
        )
    for name in ("layerdrop", "encoder_layerdrop", "mask_time_prob", "mask_feature_prob"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    kind: Any = AutoModelForAudioClassification if config.model_type == "whisper" else AutoModel
    how: dict[str, Any] = {
        "attn_implementation": "eager" if config.model_type == "wavlm" else "sdpa",
        "dtype": torch.float32,
    }
    try:
        model = (
            kind.from_pretrained(place, config=config, **how)
            if weights
            else kind.from_config(config, **how)
        )
    except OSError as error:
        raise _not_found(source) from error
    return from_model(model, place)


def from_model(model: Any, place: str) -> SpeechEncoder:
    """The encoder of a transformers model, with the preprocessing named in `place`."""
    if model.config.model_type == "whisper":
        from transformers import WhisperFeatureExtractor

        encoder = getattr(model, "encoder", model)
        return WhisperEncoder(encoder, WhisperFeatureExtractor.from_pretrained(place))
    return Wav2Vec2Encoder(model, normalise=_normalises(place))


def locate(source: str) -> str:
    """What transformers is asked for: a folder where one exists, else a hub name.

    Raises:
        MtlserError: `source` looks like a path, and no folder is there.
    """
    if source == "bundled":
        return str(BUNDLED)
    path = Path(source).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise MtlserError(
                f"encoder {source!r}: the folder has no config.json; expected a model in Hugging "
                "Face layout; give another with `--set model.encoder=DIR`"
            )
        return str(path)
    if names_folder(source):
        raise _not_found(source)
    return source


def _not_found(source: str) -> MtlserError:
    return MtlserError(
        f"encoder {source!r}: no such folder, and not to be had from the hub; allowed are "
        "`bundled`, a folder in Hugging Face layout or a hub name such as facebook/wav2vec2-base; "
        "give one with `--set model.encoder=...`"
    )


def _normalises(place: str) -> bool:
    """Whether the encoder was trained on clips of zero mean and unit variance."""
    file = file_of(place, "preprocessor_config.json")
    if file is None:
        return True
    return bool(json.loads(file.read_text(encoding="utf-8")).get("do_normalize", True))
