"""The shared encoder P of the paper (section 4.1) over four families of pre-trained models.

Every family is cut at the same two places, so that training can cache what it does not train:

`local`    one clip's samples -> local features (the CNN of wav2vec 2.0, HuBERT and WavLM; the
           log-mel spectrogram of Whisper)
`context`  local features of several clips -> the output of every transformer layer

Clips travel as `Packed`: no output depends on batch mates.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from mtlser.errors import MtlserError
from mtlser.models import declared
from mtlser.models.speech_encoder import SpeechEncoder
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
    "load_encoder",
    "locate",
]


def load_encoder(source: str, *, weights: bool = True) -> SpeechEncoder:
    """The encoder that `source` names.

    Args:
        source: `bundled`, a folder in Hugging Face layout, or a hub name.
        weights: false builds the architecture alone, for weights that are loaded next.

    Raises:
        MtlserError: no such folder or hub name, another kind of model, one that declares another
            input than it is given here, or one that lacks weights.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForAudioClassification
    from transformers.utils import logging

    logging.set_verbosity_error()  # its load report lists heads that are not used here
    logging.disable_progress_bar()
    place = locate(source)
    try:
        config = AutoConfig.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise _not_found(source, place, error) from error
    if config.model_type not in FAMILIES:
        raise MtlserError(
            f"encoder {source!r} is a {config.model_type!r} model; allowed are "
            f"{', '.join(FAMILIES)}; choose one with `--set model.encoder=...`"
        )
    normalise = declared.normalises(source, place, config)
    for name in ("layerdrop", "encoder_layerdrop", "mask_time_prob", "mask_feature_prob"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    kind: Any = AutoModelForAudioClassification if config.model_type == "whisper" else AutoModel
    how: dict[str, Any] = {
        "attn_implementation": "eager" if config.model_type == "wavlm" else "sdpa",
        "dtype": torch.float32,
    }
    if weights:
        model = _pretrained(kind, source, place, config=config, **how)
    else:
        model = kind.from_config(config, **how)
    if config.model_type == "whisper":
        from transformers import WhisperFeatureExtractor

        return WhisperEncoder(model.encoder, WhisperFeatureExtractor.from_pretrained(place))
    return Wav2Vec2Encoder(model, normalise=normalise)


def _pretrained(kind: Any, source: str, place: str, **how: Any) -> Any:
    """The model with its weights, all of those that are used."""
    try:
        model, info = kind.from_pretrained(place, output_loading_info=True, **how)
    except (OSError, SafetensorError) as error:
        raise _not_found(source, place, error) from error
    except RuntimeError as error:  # weights of another shape
        raise MtlserError(
            f"encoder {source!r}: its weights do not fit its config.json ({_first_line(error)}); "
            "copy both from one place, or choose another with `--set model.encoder=...`"
        ) from error
    missing = sorted(info["missing_keys"])
    if how["config"].model_type == "whisper":
        missing = [name for name in missing if name.startswith("encoder.")]  # no head is used
    else:
        missing = [name for name in missing if name != "masked_spec_embed"]  # no frame is masked
    declared.refuse_absent_weights(source, missing)
    return model


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
        raise _not_found(source, source)
    return source


def _not_found(source: str, place: str, reason: Exception | None = None) -> MtlserError:
    if Path(place).is_dir():
        return MtlserError(
            f"encoder {source!r}: the folder holds no model that transformers reads "
            f"({_first_line(reason)}); copy it again from where it came from, or give another "
            "with `--set model.encoder=DIR`"
        )
    return MtlserError(
        f"encoder {source!r}: no such folder, and not to be had from the hub; allowed are "
        "`bundled`, a folder in Hugging Face layout or a hub name such as facebook/wav2vec2-base; "
        "give one with `--set model.encoder=...`"
    )


def _first_line(error: Exception | None) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")[:200]
