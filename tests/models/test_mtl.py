"""The network: masked pooling, cuts that agree, what is frozen."""

from pathlib import Path

import pytest
import torch

from mtlser.models.encoder import load_encoder
from mtlser.models.mtl import MtlNetwork
from mtlser.models.packed import Packed
from mtlser.recipe import ModelRecipe
from tests.helpers.heads import words_of
from tests.helpers.networks import clips, write_encoder


def network(folder: Path, **model: object) -> MtlNetwork:
    recipe = ModelRecipe.model_validate({"encoder": "unused", **model})
    torch.manual_seed(0)
    return MtlNetwork(load_encoder(write_encoder(folder)), recipe, 4, 3, 32)


def test_packed_clips_come_back_as_they_went_in() -> None:
    clips_td = [torch.randn(3, 2), torch.randn(1, 2)]
    packed = Packed.of(clips_td)
    assert packed.lengths == (3, 1)
    for given, result in zip(clips_td, packed.clips(), strict=True):
        torch.testing.assert_close(result, given)
    padded = packed.padded()
    assert padded.shape == (2, 3, 2)
    assert not padded[1, 1:].any()
    torch.testing.assert_close(packed.unpad(padded).rows_nd, packed.rows_nd)
    torch.testing.assert_close(packed.mean(), torch.stack([clip.mean(0) for clip in clips_td]))


@pytest.mark.parametrize("layers", ["last", "weighted", "concat"])
def test_cached_cuts_give_the_logits_of_the_whole_way(tmp_path: Path, layers: str) -> None:
    net = network(tmp_path, layers=layers).eval()
    wavs = [torch.from_numpy(wav) for wav in clips(0.8, 0.5)]
    with torch.inference_mode():
        local = Packed.of(net.encoder.local(wavs))
        whole = net(local, "local")
        heads = net(net.encode(local), "encoded")
    assert whole.emotion_be.shape == (2, 4)
    assert whole.speaker_bs.shape == (2, 3)
    assert whole.characters.rows_nd.shape == (sum(local.lengths), 32)
    torch.testing.assert_close(whole.emotion_be, heads.emotion_be)
    torch.testing.assert_close(whole.characters.rows_nd, heads.characters.rows_nd)


def test_weighted_layers_start_as_their_plain_mean(tmp_path: Path) -> None:
    net = network(tmp_path, layers="weighted").eval()
    layers = [torch.randn(5, 32), torch.randn(5, 32)]
    mixed = net.heads(Packed(torch.cat(layers, -1), (5,)))
    mean = (layers[0] + layers[1]) / 2
    torch.testing.assert_close(mixed.emotion_be, net.emotion_head(mean.mean(0))[None])


@pytest.mark.parametrize("layers", ["last", "weighted", "concat"])
def test_heads_are_those_of_features_standardised_frame_by_frame(
    tmp_path: Path, layers: str
) -> None:
    net = network(tmp_path, layers=layers).eval()
    if layers == "weighted":
        net.layer_logits_l.data = torch.tensor([0.5, -1.0])
    encoded = Packed(torch.randn(10, len(net.mean_d)) + 3, (6, 4))
    net.mean_d = torch.randn_like(net.mean_d)
    net.pooled_sd_d = torch.rand_like(net.mean_d) + 0.5
    net.frame_sd_d = torch.rand_like(net.mean_d) + 0.5

    def mixed(features_nd: torch.Tensor) -> torch.Tensor:
        if layers != "weighted":
            return features_nd
        shares = torch.softmax(net.layer_logits_l, 0)
        return features_nd[:, :32] * shares[0] + features_nd[:, 32:] * shares[1]

    for_words = mixed((encoded.rows_nd - net.mean_d) / net.frame_sd_d)
    for_pooling = mixed((encoded.rows_nd - net.mean_d) / net.pooled_sd_d)
    output = net.heads(encoded)
    pooled = torch.stack([for_pooling[:6].mean(0), for_pooling[6:].mean(0)])
    assert net.ctc_head is not None
    assert net.speaker_head is not None
    expected = net.ctc_head(for_words)
    torch.testing.assert_close(words_of(output).rows_nd, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(output.emotion_be, net.emotion_head(pooled), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(output.speaker_bs, net.speaker_head(pooled), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("trainable", "frozen"), [("all", ()), ("transformer", ("cnn",)), ("heads", ("encoder",))]
)
def test_only_what_the_recipe_names_gets_gradients(
    tmp_path: Path, trainable: str, frozen: tuple[str, ...]
) -> None:
    net = network(tmp_path, trainable=trainable)
    net.freeze(trainable)
    local = net.encoder.local([torch.from_numpy(wav) for wav in clips(0.5)])
    logits = net(Packed.of(local), "local")
    sums = (logits.emotion_be.sum(), logits.speaker_bs.sum(), logits.characters.rows_nd.sum())
    sum(sums).backward()
    for name, parameter in net.named_parameters():
        if any(part in name for part in frozen):
            assert parameter.grad is None, name
        elif "masked_spec_embed" not in name:
            assert parameter.grad is not None, name
