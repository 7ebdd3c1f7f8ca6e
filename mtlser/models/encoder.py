"""The shared encoder P of the paper (section 4.1) over four families of pre-trained models.

Every family is cut at the same two places, so that training can cache what it does not train:

`local`    one clip's samples -> local features (the CNN of wav2vec 2.0, HuBERT and WavLM; the
           log-mel spectrogram of Whisper)
`context`  local features of several clips -> the output of every transformer layer

Clips travel as `Packed`: no output depends on batch mates.
"""

from typing import Any

import torch
from safetensors import SafetensorError

from mtlser.errors import MtlserError
from mtlser.models import declared, origin
from mtlser.models.origin import BUNDLED, Origin
from mtlser.models.speech_encoder import SpeechEncoder
from mtlser.models.wav2vec2 import Wav2Vec2Encoder
from mtlser.models.whisper import WhisperEncoder

FAMILIES = ("wav2vec2", "hubert", "wavlm", "whisper")

__all__ = [
    "BUNDLED",
    "SpeechEncoder",
    "Wav2Vec2Encoder",
    "WhisperEncoder",
    "load_encoder",
]


def load_encoder(
    source: str, revision: str | None = None, *, weights: bool = True
) -> SpeechEncoder:
    """The encoder that `source` names.

    Args:
        source: `bundled`, a folder in Hugging Face layout, an `s3://` address of one, or a hub
            name.
        revision: see `origin.locate`.
        weights: false builds the architecture alone, for weights that are loaded next.

    Raises:
        MtlserError: no such folder or hub name, another revision, another kind of
            model, one that declares another input than it is given here, or one that lacks
            weights.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForAudioClassification
    from transformers.utils import logging

    logging.set_verbosity_error()  # its load report lists heads that are not used here
    logging.disable_progress_bar()
    found = origin.locate(source, revision)
    try:
        config = AutoConfig.from_pretrained(found.place, **found.options)
    except (OSError, ValueError) as error:
        raise origin.not_found(source, found.place, error) from error
    if config.model_type not in FAMILIES:
        raise MtlserError(
            f"encoder {source!r} is a {config.model_type!r} model; allowed are "
            f"{', '.join(FAMILIES)}; choose one with `--set model.encoder=...`"
        )
    normalise = declared.normalises(found, config)
    for name in ("layerdrop", "encoder_layerdrop", "mask_time_prob", "mask_feature_prob"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    kind: Any = AutoModelForAudioClassification if config.model_type == "whisper" else AutoModel
    how: dict[str, Any] = {
        "attn_implementation": "eager" if config.model_type == "wavlm" else "sdpa",
        "dtype": torch.float32,
    }
    if weights:
        model = _pretrained(kind, found, config=config, **how)
    else:
        model = kind.from_config(config, **how)
    if config.model_type == "whisper":
        from transformers import WhisperFeatureExtractor

        extractor = WhisperFeatureExtractor.from_pretrained(found.place, **found.options)
        encoder: SpeechEncoder = WhisperEncoder(model.encoder, extractor)
    else:
        encoder = Wav2Vec2Encoder(model, normalise=normalise)
    encoder.revision = found.loaded
    return encoder


def _pretrained(kind: Any, found: Origin, **how: Any) -> Any:
    """The model with its weights, all of those that are used."""
    try:
        model, info = kind.from_pretrained(
            found.place, output_loading_info=True, **found.options, **how
        )
    except (OSError, SafetensorError) as error:
        raise origin.not_found(found.source, found.place, error) from error
    except RuntimeError as error:  # weights of another shape
        raise MtlserError(
            f"encoder {found.source!r}: its weights do not fit its config.json "
            f"({origin.first_line(error)}); "
            "copy both from one place, or choose another with `--set model.encoder=...`"
        ) from error
    missing = sorted(info["missing_keys"])
    if how["config"].model_type == "whisper":
        missing = [name for name in missing if name.startswith("encoder.")]  # no head is used
    else:
        missing = [name for name in missing if name != "masked_spec_embed"]  # no frame is masked
    declared.refuse_absent_weights(found.source, missing)
    return model
