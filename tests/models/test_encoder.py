"""The shared encoder: four families, no sight of padding, clear refusals."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel

from mtlser.errors import MtlserError
from mtlser.models.encoder import Wav2Vec2Encoder, load_encoder
from mtlser.models.packed import Packed
from tests.helpers.networks import clips, write_encoder

FAMILIES = [
    ("wav2vec2", "layer"),
    ("wav2vec2", "group"),
    ("hubert", "group"),
    ("hubert", "layer"),
    ("wavlm", "group"),
    ("wavlm", "layer"),
    ("whisper", "layer"),
]


@pytest.mark.parametrize(("family", "norm"), FAMILIES)
def test_batch_mates_do_not_change_a_clip(tmp_path: Path, family: str, norm: str) -> None:
    encoder = load_encoder(write_encoder(tmp_path, family, norm)).eval()
    wavs = [torch.from_numpy(wav) for wav in clips(1.0, 0.4, 2.3)]
    with torch.inference_mode():
        local = encoder.local(wavs)
        assert [len(x) for x in local] == [encoder.local_frames(len(wav)) for wav in wavs]
        together = encoder.context(Packed.of(local))
        frames = [encoder.frames(len(x)) for x in local]
        for i, wav in enumerate(wavs):
            (alone,) = encoder.local([wav])
            outputs = encoder.context(Packed.of([alone]))
            assert len(outputs) == encoder.layer_count
            for layer, mixed in zip(outputs, together, strict=True):
                assert layer.rows_nd.shape == (frames[i], encoder.width)
                torch.testing.assert_close(layer.rows_nd, mixed.clips()[i], atol=2e-5, rtol=1e-5)
            (last,) = encoder.context(Packed.of([alone]), every=False)
            torch.testing.assert_close(last.rows_nd, outputs[-1].rows_nd)


@pytest.mark.parametrize(("family", "norm"), FAMILIES[:-1])
def test_layers_and_gradients_are_those_of_transformers(
    tmp_path: Path, family: str, norm: str
) -> None:
    place = write_encoder(tmp_path, family, norm)
    model = without_dropout(AutoModel.from_pretrained(place))
    encoder = Wav2Vec2Encoder(model, normalise=False).train()
    wavs = [torch.from_numpy(wav) for wav in clips(0.7, 0.4)]
    theirs = [model(wav[None], output_hidden_states=True) for wav in wavs]
    expected = [
        [out.hidden_states[1][0] for out in theirs],
        [out.last_hidden_state[0] for out in theirs],
    ]
    ours = encoder.context(Packed.of(encoder.local(wavs)))
    for layer, clip_by_clip in zip(ours, expected, strict=True):
        torch.testing.assert_close(layer.rows_nd, torch.cat(clip_by_clip), atol=2e-5, rtol=1e-5)
    weights = dict(model.named_parameters())
    wanted = gradients(sum(loss(torch.cat(layer)) for layer in expected), weights)
    result = gradients(sum(loss(layer.rows_nd) for layer in ours), weights)
    assert set(result) == set(wanted)
    # Some gradients are zero but for rounding, such as that of a key's bias, which softmax drops.
    largest = max(float(gradient.abs().max()) for gradient in wanted.values())
    for name, gradient in wanted.items():
        scale = max(float(gradient.abs().max()), 1e-2 * largest)
        torch.testing.assert_close(result[name], gradient, atol=2e-4 * scale, rtol=1e-3, msg=name)


def loss(rows_nd: Tensor) -> Tensor:
    """Some function of the rows that no norm makes constant."""
    return (rows_nd * torch.linspace(-1, 1, rows_nd.shape[1])).tanh().sum()


def gradients(value: Any, weights: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    result = torch.autograd.grad(value, list(weights.values()), allow_unused=True)
    return {name: g for name, g in zip(weights, result, strict=True) if g is not None}


def without_dropout(model: Any) -> Any:
    model.config.layerdrop, model.config.apply_spec_augment = 0.0, False
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(getattr(module, "dropout", None), float):
            setattr(module, "dropout", 0.0)  # noqa: B010
    return model


@pytest.mark.parametrize("family", ["wav2vec2", "whisper"])
def test_recomputing_layers_changes_no_gradient(tmp_path: Path, family: str) -> None:
    encoder = load_encoder(write_encoder(tmp_path, family)).train()
    wavs = [torch.from_numpy(wav) for wav in clips(0.7, 0.4)]
    result = []
    for encoder.recompute in (False, True):
        torch.manual_seed(1)  # of the dropout
        (last,) = encoder.context(Packed.of(encoder.local(wavs)), every=False)
        result.append(gradients(loss(last.rows_nd), dict(encoder.named_parameters())))
    for name, gradient in result[0].items():
        torch.testing.assert_close(result[1][name], gradient, msg=name)


def test_whisper_on_30_s_is_that_of_transformers(tmp_path: Path) -> None:
    from transformers import WhisperForAudioClassification

    place = write_encoder(tmp_path, "whisper")
    encoder = load_encoder(place).eval()
    (wav,) = clips(30.0)
    with torch.inference_mode():
        (mel,) = encoder.local([torch.from_numpy(wav)])
        last = encoder.context(Packed.of([mel]))[-1].rows_nd[None]
        reference = WhisperForAudioClassification.from_pretrained(place).encoder.eval()
        expected = reference(mel.T[None]).last_hidden_state
    torch.testing.assert_close(last, expected, atol=1e-4, rtol=1e-4)


def test_a_clip_shorter_than_a_frame_still_has_one(tmp_path: Path) -> None:
    for family in ("wav2vec2", "whisper"):
        encoder = load_encoder(write_encoder(tmp_path / family, family))
        (local,) = encoder.local([torch.zeros(10)])
        assert len(local) == encoder.local_frames(10)
        assert encoder.frames(len(local)) >= 1


def test_missing_folder_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match=r"no such folder.*--set model\.encoder"):
        load_encoder(str(tmp_path / "nowhere" / "encoder"))


def test_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match=r"has no config\.json"):
        load_encoder(str(tmp_path))


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(MtlserError, match="'bert' model; allowed are wav2vec2"):
        load_encoder(str(tmp_path))
