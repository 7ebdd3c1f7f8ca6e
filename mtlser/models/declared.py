"""What an encoder's files say of its input, checked against what is fed to it.

An encoder that was trained on another sampling rate, on scaled samples or on other channels gives
features without an error, and they are wrong ones: what is fed here is 16 kHz mono.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mtlser.errors import MtlserError
from mtlser.models.origin import Origin
from mtlser.models.speech_encoder import SHORTEST
from mtlser.records import SAMPLE_RATE_HZ

FILES = ("config.json", "preprocessor_config.json", "processor_config.json")
"""What is read of an encoder besides its weights."""
HOP = 160
"""Samples between two frames of a log-mel spectrogram."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Need:
    """One value that an encoder may declare."""

    key: str
    value: Any
    """What it declares, or what stands for it where it declares nothing."""
    fits: bool
    allowed: str


def normalises(origin: Origin, config: Any) -> bool:
    """Whether clips are to be scaled to zero mean and unit variance, after all else is checked.

    Args:
        origin: the encoder's files.
        config: the encoder's configuration, of transformers.

    Raises:
        MtlserError: the encoder declares an input that it is not given here.
    """
    declared, source = preprocessing(origin), origin.source
    whisper = config.model_type == "whisper"
    if whisper and declared is None:
        raise MtlserError(
            f"encoder {source!r}: no preprocessor_config.json says how its log-mel is computed; "
            "copy the file from where the encoder came from"
        )
    known = declared or {}
    needs = _of_whisper(known, config) if whisper else _of_wav2vec2(known, config)
    for need in (*_of_all(known, whisper), *needs):
        if not need.fits:
            raise MtlserError(
                f"encoder {source!r} declares {need.key} = {json.dumps(need.value)}; fed here is "
                f"{SAMPLE_RATE_HZ} Hz mono, so {need.allowed} is needed; choose another with "
                "`--set model.encoder=...`, or correct its files"
            )
    if whisper:
        return False
    if declared is None:
        _say_assumed(source)
    return bool(known.get("do_normalize", True))


@cache
def _say_assumed(source: str) -> None:
    """Logged once for an encoder, which a run loads many times."""
    log.warning(
        "encoder %s: no preprocessor_config.json says how its input is scaled; clips are scaled "
        "to zero mean and unit variance, as transformers does without one",
        source,
    )


def preprocessing(origin: Origin) -> dict[str, Any] | None:
    """The feature extractor's declaration; `None` where the encoder has no such file.

    Raises:
        MtlserError: a file is no JSON object.
    """
    for name in FILES[1:]:
        file = origin.file(name)
        if file is None:
            continue
        try:
            content = json.loads(file.read_text(encoding="utf-8-sig"))
        except ValueError as error:  # not UTF-8 included
            raise MtlserError(_damaged(origin.source, name, str(error))) from None
        if not isinstance(content, dict):
            raise MtlserError(_damaged(origin.source, name, "no JSON object"))
        inner = content.get("feature_extractor", content)
        if isinstance(inner, dict) and (name == FILES[1] or "feature_extractor" in content):
            return inner
    return None


def _damaged(source: str, name: str, reason: str) -> str:
    return (
        f"encoder {source!r}: {name} cannot be read: {reason}; copy it again from where the "
        "encoder came from"
    )


def _of_all(known: dict[str, Any], whisper: bool) -> list[Need]:
    """Rate and kind of the feature extractor."""
    kind = "WhisperFeatureExtractor" if whisper else "Wav2Vec2FeatureExtractor"
    rate, named = known.get("sampling_rate", SAMPLE_RATE_HZ), known.get("feature_extractor_type")
    return [
        Need("sampling_rate", rate, rate == SAMPLE_RATE_HZ, str(SAMPLE_RATE_HZ)),
        Need("feature_extractor_type", named, named in {None, kind}, kind),
    ]


def _of_wav2vec2(known: dict[str, Any], config: Any) -> list[Need]:
    channels, scaled = known.get("feature_size", 1), known.get("do_normalize", True)
    adapter = bool(getattr(config, "add_adapter", False))
    field = receptive_field(config.conv_kernel, config.conv_stride)
    return [
        Need("feature_size", channels, channels == 1, "1, the samples of one channel,"),
        Need("do_normalize", scaled, isinstance(scaled, bool), "true or false"),
        Need("add_adapter", adapter, not adapter, "false, an encoder without a layer on top,"),
        Need(
            "conv_kernel",
            list(config.conv_kernel),
            field <= SHORTEST,
            f"a CNN whose frame covers at most {SHORTEST} samples",
        ),
    ]


def _of_whisper(known: dict[str, Any], config: Any) -> list[Need]:
    mels, hop = known.get("feature_size", 80), known.get("hop_length", HOP)
    dither, scaled = known.get("dither", 0.0), known.get("do_normalize")
    return [
        Need(
            "feature_size", mels, mels == config.num_mel_bins, f"{config.num_mel_bins} (its mels)"
        ),
        Need("hop_length", hop, hop == HOP, f"{HOP} (10 ms)"),
        Need("dither", dither, not dither, "0 (no random noise)"),
        Need("do_normalize", scaled, not scaled, "false (its log-mel alone is scaled)"),
    ]


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Samples under one output frame of convolutions without padding.

    >>> receptive_field((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))
    400
    """
    samples, step = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        samples += (kernel - 1) * step
        step *= stride
    return samples


def refuse_absent_weights(source: str, missing: Sequence[str]) -> None:
    """Returns if no weight that is used is missing in the encoder's files.

    transformers fills such ones with random numbers, and says so in a report that is easily missed.

    Args:
        source: what the recipe calls the encoder.
        missing: names of weights, in order.

    Raises:
        MtlserError: names some that are not there.
    """
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise MtlserError(
            f"encoder {source!r}: {len(missing)} of its weights are not in its files ({shown}), "
            "and random ones would take their place; copy it again from where it came from, or "
            "choose another with `--set model.encoder=...`"
        )
