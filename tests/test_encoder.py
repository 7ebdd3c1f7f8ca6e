"""The shared encoder: four families, no sight of padding, clear refusals."""

from pathlib import Path

import pytest
import torch

from mtlser.errors import MtlserError
from mtlser.models.encoder import load_encoder
from mtlser.models.packed import Packed
from tests.networks import clips, write_encoder

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


@pytest.mark.parametrize(("family", "norm"), [("wav2vec2", "layer"), ("wav2vec2", "group")])
def test_layers_are_those_of_transformers(tmp_path: Path, family: str, norm: str) -> None:
    from transformers import Wav2Vec2Model

    place = write_encoder(tmp_path, family, norm)
    encoder = load_encoder(place).eval()
    (wav,) = clips(0.7)
    reference = Wav2Vec2Model.from_pretrained(place).eval()
    scaled = (wav - wav.mean()) / (wav.std() + 1e-7)
    with torch.inference_mode():
        expected = reference(torch.from_numpy(scaled)[None], output_hidden_states=True)
        (local,) = encoder.local([torch.from_numpy(wav)])
        layers = [layer.rows_nd[None] for layer in encoder.context(Packed.of([local]))]
    torch.testing.assert_close(layers[-1], expected.last_hidden_state, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layers[0], expected.hidden_states[1], atol=1e-4, rtol=1e-4)


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
