"""The network: masked pooling, cuts that agree, what is frozen."""

from pathlib import Path

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from mtlser.models.encoder import load_encoder
from mtlser.models.mtl import MtlNetwork, mean_over_speech
from mtlser.recipe import ModelRecipe
from tests.networks import clips, write_encoder


def network(folder: Path, **model: object) -> MtlNetwork:
    recipe = ModelRecipe.model_validate({"encoder": "unused", **model})
    torch.manual_seed(0)
    return MtlNetwork(load_encoder(write_encoder(folder)), recipe, 4, 3, 32)


def test_pooling_ignores_padding() -> None:
    hidden = torch.tensor([[[1.0], [3.0], [100.0]], [[2.0], [4.0], [6.0]]])
    pooled = mean_over_speech(hidden, torch.tensor([2, 3]))
    torch.testing.assert_close(pooled, torch.tensor([[2.0], [4.0]]))


@pytest.mark.parametrize("layers", ["last", "weighted", "concat"])
def test_cached_cuts_give_the_logits_of_the_whole_way(tmp_path: Path, layers: str) -> None:
    net = network(tmp_path, layers=layers).eval()
    wavs = [torch.from_numpy(wav) for wav in clips(0.8, 0.5)]
    with torch.inference_mode():
        local = net.encoder.local(wavs)
        lengths = torch.tensor([len(x) for x in local])
        padded = pad_sequence(local, batch_first=True)
        whole = net(padded, lengths, "local")
        encoded, frames = net.encode(padded, lengths)
        heads = net(encoded, frames, "encoded")
    assert whole.emotion_be.shape == (2, 4)
    assert whole.speaker_bs.shape == (2, 3)
    assert whole.characters_btu.shape == (2, int(lengths.max()), 32)
    torch.testing.assert_close(whole.emotion_be, heads.emotion_be)
    torch.testing.assert_close(whole.characters_btu, heads.characters_btu)


def test_weighted_layers_start_as_their_plain_mean(tmp_path: Path) -> None:
    net = network(tmp_path, layers="weighted").eval()
    layers = [torch.randn(1, 5, 32), torch.randn(1, 5, 32)]
    mixed = net.heads(torch.cat(layers, -1), torch.tensor([5]))
    mean = (layers[0] + layers[1]) / 2
    torch.testing.assert_close(mixed.emotion_be, net.emotion_head(mean.mean(1)))


@pytest.mark.parametrize("layers", ["last", "weighted", "concat"])
def test_heads_are_those_of_features_standardised_frame_by_frame(
    tmp_path: Path, layers: str
) -> None:
    net = network(tmp_path, layers=layers).eval()
    if layers == "weighted":
        net.layer_logits_l.data = torch.tensor([0.5, -1.0])
    encoded_btd, frames_b = torch.randn(2, 6, len(net.mean_d)) + 3, torch.tensor([6, 4])
    net.mean_d = torch.randn_like(net.mean_d)
    net.pooled_sd_d = torch.rand_like(net.mean_d) + 0.5
    net.frame_sd_d = torch.rand_like(net.mean_d) + 0.5

    def mixed(features_btd: torch.Tensor) -> torch.Tensor:
        if layers != "weighted":
            return features_btd
        shares = torch.softmax(net.layer_logits_l, 0)
        return features_btd[..., :32] * shares[0] + features_btd[..., 32:] * shares[1]

    for_words = mixed((encoded_btd - net.mean_d) / net.frame_sd_d)
    for_pooling = mixed((encoded_btd - net.mean_d) / net.pooled_sd_d)
    said = net.heads(encoded_btd, frames_b)
    pooled = torch.stack([for_pooling[0].mean(0), for_pooling[1, :4].mean(0)])
    torch.testing.assert_close(said.characters_btu, net.ctc_head(for_words), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(said.emotion_be, net.emotion_head(pooled), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(said.speaker_bs, net.speaker_head(pooled), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("trainable", "frozen"), [("all", ()), ("transformer", ("cnn",)), ("heads", ("encoder",))]
)
def test_only_what_the_recipe_names_gets_gradients(
    tmp_path: Path, trainable: str, frozen: tuple[str, ...]
) -> None:
    net = network(tmp_path, trainable=trainable)
    net.freeze(trainable)
    local = net.encoder.local([torch.from_numpy(wav) for wav in clips(0.5)])
    logits = net(local[0][None], torch.tensor([len(local[0])]), "local")
    (logits.emotion_be.sum() + logits.speaker_bs.sum() + logits.characters_btu.sum()).backward()
    for name, parameter in net.named_parameters():
        if any(part in name for part in frozen):
            assert parameter.grad is None, name
        elif "masked_spec_embed" not in name:
            assert parameter.grad is not None, name
