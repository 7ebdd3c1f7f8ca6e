"""Predictions of clips: batch mates, save and load, words."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mtlser.errors import MtlserError
from mtlser.evaluation import predictor
from mtlser.evaluation.predictor import predict_wavs
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.recipe import ModelRecipe
from tests.helpers.networks import clips, write_encoder


def model(folder: Path, family: str, norm: str, *, whole: bool = True) -> TrainedModel:
    torch.manual_seed(0)
    recipe = ModelRecipe(encoder=write_encoder(folder, family, norm), trainable="transformer")
    network = bundle.build(recipe, 4, 2)
    description = Description(
        emotions=("neutral", "happy", "angry", "sad"),
        speakers=("a", "b"),
        language="en",
        model=recipe,
        recipe_hash="0" * 12,
        encoder_digest=bundle.encoder_digest(network.encoder),
        whole=whole,
    )
    return TrainedModel(network, description)


@pytest.mark.parametrize(
    ("family", "norm"), [("wav2vec2", "group"), ("wav2vec2", "layer"), ("whisper", "layer")]
)
def test_a_prediction_does_not_depend_on_its_batch_mates(
    tmp_path: Path, family: str, norm: str
) -> None:
    trained = model(tmp_path, family, norm)
    wavs = clips(0.6, 2.0, 0.61, 1.1)
    together = predict_wavs(trained, wavs)
    for wav, mixed in zip(wavs, together, strict=True):
        (alone,) = predict_wavs(trained, [wav])
        assert alone.text == mixed.text
        assert alone.speaker == mixed.speaker
        assert alone.emotion_probabilities == pytest.approx(mixed.emotion_probabilities, abs=1e-5)
        assert sum(alone.emotion_probabilities.values()) == pytest.approx(1, abs=1e-9)


def test_the_clips_that_are_done_are_counted_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "BATCH_S", 1.5)
    batches: list[int] = []
    wavs = clips(0.6, 1.0, 0.6)
    predict_wavs(model(tmp_path, "wav2vec2", "group"), wavs, batches.append)
    assert batches == [2, 1]


@pytest.mark.parametrize("whole", [True, False])
def test_a_saved_model_predicts_the_same(tmp_path: Path, whole: bool) -> None:
    trained = model(tmp_path / "encoder", "wav2vec2", "layer", whole=whole)
    bundle.save(trained, tmp_path / "model")
    wavs = clips(0.6, 1.0)
    assert predict_wavs(bundle.load(tmp_path / "model"), wavs) == predict_wavs(trained, wavs)
    names = {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert names <= {".json", ".safetensors"}


def test_heads_refuse_another_encoder(tmp_path: Path) -> None:
    trained = model(tmp_path / "encoder", "wav2vec2", "layer", whole=False)
    bundle.save(trained, tmp_path / "model")
    with torch.no_grad():
        weight = next(trained.network.encoder.parameters())
        weight.add_(1)
    from transformers import Wav2Vec2Model

    changed = Wav2Vec2Model.from_pretrained(tmp_path / "encoder")
    changed.feature_projection.projection.bias.data.add_(1)
    changed.save_pretrained(tmp_path / "encoder")
    with pytest.raises(MtlserError, match="not the one that it was trained on"):
        bundle.load(tmp_path / "model")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="not a model folder"):
        bundle.load(tmp_path)


@pytest.mark.parametrize("head", ["emotion_head", "speaker_head", "ctc_head"])
def test_an_output_that_is_no_number_is_refused_and_not_called_neutral(
    tmp_path: Path, head: str
) -> None:
    trained = model(tmp_path, "wav2vec2", "group")
    with torch.no_grad():
        getattr(trained.network, head).weight[1, 0] = float("nan")
    with pytest.raises(MtlserError, match="output is not a number"):
        predict_wavs(trained, clips(0.6))


@pytest.mark.parametrize(
    ("family", "norm"), [("wav2vec2", "group"), ("wavlm", "layer"), ("whisper", "layer")]
)
def test_a_few_samples_and_digital_silence_have_probabilities(
    tmp_path: Path, family: str, norm: str
) -> None:
    """Fewer samples than the CNN sees at once, and a clip without any variance."""
    trained = model(tmp_path, family, norm)
    drawn = clips(0.1)[0]
    wavs = [drawn[:n] for n in (1, 39, 399, 400, 401, 641)] + [np.zeros(16_000, np.float32)]
    outputs = predict_wavs(trained, wavs)
    assert all(
        sum(each.emotion_probabilities.values()) == pytest.approx(1, abs=1e-9) for each in outputs
    )
