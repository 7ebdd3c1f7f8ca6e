"""Pre-training: the exported backbone is what was trained, and starts a new network."""

from pathlib import Path

import pytest
import torch

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.models import bundle, tiny
from mtlser.models.encoder import BUNDLED
from mtlser.models.packed import Packed
from mtlser.recipe import ModelRecipe
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import pretrain
from mtlser.training.inputs import Inputs
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.networks import clips, write_encoder


def test_the_export_is_the_trained_network_for_transformers(tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForCTC

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    utterances = write_corpus(corpus)
    inputs = Inputs(corpus, utterances, one_fold(utterances))
    recipe = recipes.load("backbone", ("train.epochs=1", "train.precision=fp32"))
    out = tmp_path / "backbone"
    out.mkdir()
    pretrain.pretrain(inputs, recipe, out, WorkFolder(tmp_path / "work"), NullRun())
    assert (out / "model.safetensors").stat().st_size < 6_000_000
    assert "There | WER" in (out / "README.md").read_text(encoding="utf-8")

    network = bundle.build(ModelRecipe(encoder=str(out), ctc_head="pretrained"), 4, 2).eval()
    reference = Wav2Vec2ForCTC.from_pretrained(out, dtype=torch.float32).eval()
    (wav,) = clips(0.8)
    scaled = (wav - wav.mean()) / (wav.std() + 1e-7)
    with torch.inference_mode():
        (local,) = network.encoder.local([torch.from_numpy(wav)])
        logits = network(Packed.of([local]), "local")
        expected = reference(torch.from_numpy(scaled)[None]).logits
    torch.testing.assert_close(logits.characters.rows_nd[None], expected, atol=2e-4, rtol=2e-4)


def test_an_encoder_without_a_ctc_layer_cannot_give_one(tmp_path: Path) -> None:
    model = ModelRecipe(encoder=write_encoder(tmp_path), ctc_head="pretrained")
    with pytest.raises(MtlserError, match="no CTC layer over these 32 symbols"):
        bundle.build(model, 4, 2)


def test_one_seed_gives_one_untrained_backbone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        tiny.write_untrained(tmp_path / name, 7)
    first, second = (tmp_path / n / "model.safetensors" for n in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_the_bundled_backbone_fits_its_limits() -> None:
    assert (BUNDLED / "model.safetensors").stat().st_size < 6_000_000
    network = bundle.build(ModelRecipe(encoder="bundled", ctc_head="pretrained"), 4, 2)
    parameters = sum(p.numel() for p in network.encoder.parameters())
    assert 1_500_000 < parameters < 2_500_000
