"""What an encoder's files declare is what it is given, or it is refused."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from mtlser.errors import MtlserError
from mtlser.models import bundle, declared
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.encoder import load_encoder
from mtlser.models.mtl import MtlNetwork
from mtlser.models.origin import Origin
from mtlser.recipe import ModelRecipe
from tests.helpers.networks import clips, write_encoder

PREPROCESSOR = "preprocessor_config.json"


def declare(folder: Path, **values: Any) -> None:
    path = folder / PREPROCESSOR
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**known, **values}), encoding="utf-8")


def configure(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")


@pytest.mark.parametrize(
    ("family", "values", "allowed"),
    [
        ("wav2vec2", {"sampling_rate": 8000}, "16000 is needed"),
        ("hubert", {"feature_size": 2}, "1, the samples of one channel, is needed"),
        ("wavlm", {"do_normalize": "yes"}, "true or false is needed"),
        ("wav2vec2", {"feature_extractor_type": "SeamlessM4TFeatureExtractor"}, "Wav2Vec2Feature"),
        ("whisper", {"sampling_rate": 48000}, "16000 is needed"),
        ("whisper", {"feature_size": 128}, r"80 \(its mels\) is needed"),
        ("whisper", {"hop_length": 320}, r"160 \(10 ms\) is needed"),
        ("whisper", {"dither": 0.0001}, "no random noise"),
        ("whisper", {"do_normalize": True}, "false"),
    ],
)
def test_an_encoder_of_another_input_is_refused(
    tmp_path: Path, family: str, values: dict[str, Any], allowed: str
) -> None:
    place = write_encoder(tmp_path, family)
    declare(tmp_path, **values)
    with pytest.raises(MtlserError, match=f"declares {next(iter(values))} = .*{allowed}") as raised:
        load_encoder(place)
    assert "\n" not in str(raised.value)


def test_the_layer_on_top_of_an_encoder_is_not_left_away(tmp_path: Path) -> None:
    place = write_encoder(tmp_path)
    configure(tmp_path, add_adapter=True)
    with pytest.raises(MtlserError, match="add_adapter = true"):
        load_encoder(place)


def test_a_cnn_whose_frames_are_too_long_is_refused(tmp_path: Path) -> None:
    place = write_encoder(tmp_path)
    configure(tmp_path, conv_kernel=[10, 3, 3, 3, 3, 2, 9])
    with pytest.raises(MtlserError, match="conv_kernel"):
        load_encoder(place)


@given(
    scaled=st.sampled_from([True, False, None]),
    nested=st.booleans(),
    level=st.floats(1e-3, 1.0),
    offset=st.floats(-0.2, 0.2),
)
@settings(max_examples=20)
def test_what_is_accepted_is_fed_as_transformers_feeds_it(
    tmp_path_factory: pytest.TempPathFactory,
    scaled: bool | None,
    nested: bool,
    level: float,
    offset: float,
) -> None:
    from transformers import Wav2Vec2FeatureExtractor

    folder = tmp_path_factory.mktemp("encoder")
    values = {"sampling_rate": 16_000} | ({} if scaled is None else {"do_normalize": scaled})
    if nested:  # as newer versions of transformers write it
        content = json.dumps({"feature_extractor": values, "processor_class": "Wav2Vec2Processor"})
        (folder / "processor_config.json").write_text(content, encoding="utf-8")
    else:
        declare(folder, **values)
    config = _config()
    wav = np.float32(level) * (clips(0.2)[0] + np.float32(offset))
    normalise = declared.normalises(Origin("mine", str(folder)), config)
    extractor = Wav2Vec2FeatureExtractor(**values)
    expected = extractor(wav, sampling_rate=16_000, return_tensors="pt").input_values[0]
    fed = torch.from_numpy(wav)
    if normalise:
        fed = (fed - fed.mean()) / torch.sqrt(fed.var(correction=0) + 1e-7)
    torch.testing.assert_close(fed, expected, atol=1e-4, rtol=1e-4)


def _config() -> Any:
    from transformers import Wav2Vec2Config

    return Wav2Vec2Config()


def test_what_stands_nowhere_is_assumed_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = write_encoder(tmp_path)
    with caplog.at_level(logging.WARNING, logger="mtlser.models.declared"):
        assert load_encoder(place).normalise
        load_encoder(place)
    said = [r for r in caplog.records if r.name == "mtlser.models.declared"]
    assert len(said) == 1
    assert "no preprocessor_config.json says how its input is scaled" in said[0].getMessage()


def test_a_whisper_without_a_declaration_is_refused(tmp_path: Path) -> None:
    place = write_encoder(tmp_path, "whisper")
    (tmp_path / PREPROCESSOR).unlink()
    with pytest.raises(MtlserError, match=r"no preprocessor_config\.json"):
        load_encoder(place)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe\x00", b'"text"'])
def test_a_damaged_declaration_is_named(tmp_path: Path, content: bytes) -> None:
    place = write_encoder(tmp_path)
    (tmp_path / PREPROCESSOR).write_bytes(content)
    with pytest.raises(MtlserError, match=r"preprocessor_config\.json cannot be read"):
        load_encoder(place)


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 40])
def test_a_damaged_configuration_is_named(tmp_path: Path, content: bytes) -> None:
    place = write_encoder(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(MtlserError, match="the folder holds no model that transformers reads"):
        load_encoder(place)


@pytest.mark.parametrize("family", ["wav2vec2", "whisper"])
def test_weights_that_are_not_there_are_not_made_up(tmp_path: Path, family: str) -> None:
    place = write_encoder(tmp_path, family)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    gone = next(name for name in weights if "layers.1" in name and name.endswith("weight"))
    del weights[gone]
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(MtlserError, match="1 of its weights are not in its files") as raised:
        load_encoder(place)
    assert gone.rpartition("layers.")[2] in str(raised.value)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    place = write_encoder(tmp_path)
    configure(tmp_path, intermediate_size=64)
    with pytest.raises(MtlserError, match=r"weights do not fit its config\.json"):
        load_encoder(place)


@pytest.mark.parametrize("content", [b"", b"\x00" * 400, None])
def test_damaged_or_missing_weights_are_named(tmp_path: Path, content: bytes | None) -> None:
    place = write_encoder(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    with pytest.raises(MtlserError, match="holds no model that transformers reads"):
        load_encoder(place)
    path.unlink()
    with pytest.raises(MtlserError, match="holds no model that transformers reads"):
        load_encoder(place)


def test_a_trained_model_keeps_the_declaration(tmp_path: Path) -> None:
    source = tmp_path / "source"
    place = write_encoder(source)
    content = {"feature_extractor": {"sampling_rate": 16_000, "do_normalize": False}}
    (source / "processor_config.json").write_text(json.dumps(content), encoding="utf-8")
    model = ModelRecipe(encoder=place)
    network = MtlNetwork(load_encoder(place), model, 4, 2, 32)
    digest = bundle.encoder_digest(network.encoder)
    description = Description(
        emotions=("a", "b", "c", "d"), speakers=("x", "y"), language="en", model=model,
        recipe_hash="0", encoder_digest=digest, whole=True,
    )  # fmt: skip
    bundle.save(TrainedModel(network, description), tmp_path / "model")
    assert not bundle.load(tmp_path / "model").network.encoder.normalise
