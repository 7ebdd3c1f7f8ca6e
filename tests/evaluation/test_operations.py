"""Operations counted: against hand counts, torch's own counter and a configuration's sizes."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mtlser.data.alphabets import VOCABULARY
from mtlser.evaluation.cost.operations import count
from mtlser.models.encoder import SpeechEncoder, Wav2Vec2Encoder, load_encoder
from mtlser.models.mtl import MtlNetwork
from mtlser.models.packed import Packed
from mtlser.recipe import ModelRecipe
from mtlser.records import SAMPLE_RATE_HZ
from tests.helpers.networks import SMALL, write_encoder
from tests.helpers.torch_internals import INT8_PRODUCT

PAPER_G = {1.0: 6.9, 2.0: 14.0, 3.0: 21.2, 5.0: 35.8, 10.0: 74.1}
"""Multiply-adds of wav2vec2-base by clip length, thousands of millions."""


class Doubled(torch.autograd.Function):
    """A product that only an autograd function asks for, in place."""

    @staticmethod
    def forward(ctx: object, x_nk: torch.Tensor, weight_mk: torch.Tensor) -> torch.Tensor:
        out = x_nk @ weight_mk.t()
        out.addmm_(x_nk, weight_mk.t())
        torch.mm(x_nk, weight_mk.t(), out=out)
        return out


def doubled(x_nk: torch.Tensor, weight_mk: torch.Tensor) -> object:
    return Doubled.apply(x_nk, weight_mk)  # type: ignore[no-untyped-call]


LINEAR = nn.Linear(7, 5)
CONVOLUTION = nn.Conv1d(8, 6, 3, stride=2, groups=2)
LSTM = nn.LSTM(6, 4, batch_first=True, bidirectional=True)


@pytest.mark.parametrize(
    ("work", "multiply_adds"),
    [
        (lambda: LINEAR(torch.ones(3, 7)), 3 * 7 * 5),
        (lambda: torch.einsum("bld,l->bd", torch.ones(2, 3, 4), torch.ones(3)), 2 * 3 * 4),
        (lambda: CONVOLUTION(torch.ones(1, 8, 21)), 10 * 6 * 4 * 3),
        (lambda: doubled(torch.ones(3, 7), torch.ones(5, 7)), 3 * 3 * 7 * 5),
        (lambda: torch.ones(4, 6) @ torch.ones(6), 4 * 6),
        (lambda: torch.ones(6).dot(torch.ones(6)), 6),
        (lambda: torch.ones(2, 3, 4).baddbmm_(torch.ones(2, 3, 5), torch.ones(2, 5, 4)), 120),
        (lambda: LSTM(torch.ones(2, 9, 6)), 2 * (9 * 2) * 4 * (6 + 4) * 4),
        (lambda: torch.fft.rfft(torch.ones(3, 512)), 3 * 1.25 * 512 * 9),
        (lambda: torch.ones(9).add(1).relu(), 0),
    ],
)
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_each_product_counts(work: object, multiply_adds: float, mode: type) -> None:
    assert callable(work)
    with mode():
        counted = count(work)
    assert (counted.multiply_adds, counted.uncounted) == (multiply_adds, ())
    assert counted.flops == 2 * multiply_adds


@pytest.mark.parametrize("masked", [False, True])
def test_attention_counts_scores_and_mix(masked: bool) -> None:
    q, k, v = (torch.ones(2, 4, frames, 8) for frames in (5, 9, 9))
    mask = torch.ones(5, 9, dtype=torch.bool) if masked else None
    with torch.inference_mode():
        counted = count(lambda: nn.functional.scaled_dot_product_attention(q, k, v, mask))
    assert counted.multiply_adds == 2 * (2 * 4 * 5 * 9 * 8)
    assert counted.uncounted == ()


def test_a_product_without_a_formula_is_named() -> None:
    bytes_nk = torch.ones(24, 16, dtype=torch.int8)
    counted = count(lambda: INT8_PRODUCT(bytes_nk, bytes_nk.t()))
    assert counted.uncounted == ("aten._int_mm",)


def network(encoder: SpeechEncoder) -> MtlNetwork:
    return MtlNetwork(encoder, ModelRecipe(), 4, 8, len(VOCABULARY)).eval()


def forward(model: MtlNetwork, clip_s: float) -> None:
    wav_n = torch.from_numpy(
        np.random.default_rng(0).normal(0, 0.05, round(clip_s * SAMPLE_RATE_HZ)).astype(np.float32)
    )
    model(Packed.of(model.encoder.local([wav_n])), "local")


def wav2vec2_by_hand(config: object, samples: int) -> int:
    """Multiply-adds from the sizes in a wav2vec 2.0 configuration, heads left out."""
    read = vars(config)
    channels, total = 1, 0
    for width, kernel, stride in zip(
        read["conv_dim"], read["conv_kernel"], read["conv_stride"], strict=True
    ):
        samples = (samples - kernel) // stride + 1
        total += samples * width * channels * kernel
        channels = width
    frames, d, up = samples, read["hidden_size"], read["intermediate_size"]
    total += frames * channels * d
    taps, groups = read["num_conv_pos_embeddings"], read["num_conv_pos_embedding_groups"]
    positions = frames + 1 - taps % 2  # an even kernel makes one more, which is thrown away
    total += positions * d * (d // groups) * taps
    per_layer = 4 * frames * d * d + 2 * frames * frames * d + 2 * frames * d * up
    return total + read["num_hidden_layers"] * per_layer


def heads_by_hand(width: int, frames: int) -> int:
    return width * (4 + 8) + frames * width * len(VOCABULARY) + width * len(VOCABULARY)


def test_wav2vec2_base_costs_what_is_known_of_it() -> None:
    from transformers import AutoModel, Wav2Vec2Config

    torch.manual_seed(0)
    config = Wav2Vec2Config()
    bare = AutoModel.from_config(config, attn_implementation="sdpa")
    model = network(Wav2Vec2Encoder(bare, normalise=True))
    for clip_s, known_g in PAPER_G.items():
        by_hand = wav2vec2_by_hand(config, round(clip_s * SAMPLE_RATE_HZ))
        assert by_hand / 1e9 == pytest.approx(known_g, abs=0.05)
    with torch.inference_mode():
        for clip_s in (1.0, 2.0):
            counted = count(lambda: forward(model, clip_s))  # noqa: B023 - called here
            assert counted.multiply_adds / 1e9 == pytest.approx(PAPER_G[clip_s], abs=0.05)
            assert counted.uncounted == ()


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("family", ["wav2vec2", "hubert"])
def test_a_network_costs_what_its_configuration_says(
    tmp_path: Path, family: str, norm: str
) -> None:
    from transformers import AutoConfig

    place = write_encoder(tmp_path, family, norm)
    model = network(load_encoder(place))
    config = AutoConfig.from_pretrained(place)
    for clip_s in (0.5, 3.6):
        samples = round(clip_s * SAMPLE_RATE_HZ)
        frames = model.encoder.local_frames(samples)
        by_hand = wav2vec2_by_hand(config, samples) + heads_by_hand(SMALL["hidden_size"], frames)
        with torch.inference_mode():
            counted = count(lambda: forward(model, clip_s))  # noqa: B023 - called here
        # group norm's variance may come from the covariance of the samples under each kernel
        kernel, stride = config.conv_kernel[0], config.conv_stride[0]
        beside = samples // stride * kernel**2 if norm == "group" else 0
        assert 0.97 * by_hand < counted.multiply_adds < 1.03 * by_hand + beside
        assert counted.uncounted == ()


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm", "whisper"])
def test_torchs_own_counter_agrees_but_for_what_it_lacks(tmp_path: Path, family: str) -> None:
    model = network(load_encoder(write_encoder(tmp_path, family)))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with torch.no_grad():
        ours = count(lambda: forward(model, 1.0))
        with FlopCounterMode(display=False) as theirs:
            forward(model, 1.0)
    assert ours.uncounted == ()
    assert 0.5 * ours.flops < theirs.get_total_flops() <= ours.flops


def whisper_by_hand(config: object, frames: int) -> int:
    """Multiply-adds from the sizes in a Whisper configuration: mel, convolutions, layers."""
    read = vars(config)
    d, up, mel = read["d_model"], read["encoder_ffn_dim"], read["num_mel_bins"]
    bins = 201
    spectrogram = 2 * frames * mel * bins + (2 * frames + 1) * 1.25 * 400 * np.log2(400)
    convolutions = 2 * frames * d * mel * 3 + frames * d * d * 3
    per_layer = 4 * frames * d * d + 2 * frames * frames * d + 2 * frames * d * up
    return round(spectrogram + convolutions + read["encoder_layers"] * per_layer)


def test_a_real_whisper_encoder_costs_what_its_configuration_says() -> None:
    shared = os.environ.get("MTLSER_SHARED")
    if not shared:
        pytest.skip("MTLSER_SHARED is unset: no Whisper encoder here")
    from transformers import AutoConfig

    place = str(Path(shared) / "backbones" / "whisper-base-encoder")
    model = network(load_encoder(place))
    config = AutoConfig.from_pretrained(place)
    with torch.inference_mode():
        for clip_s in (1.0, 3.6):
            counted = count(lambda: forward(model, clip_s))  # noqa: B023 - called here
            frames = round(clip_s * 50)
            by_hand = whisper_by_hand(config, frames) + heads_by_hand(config.d_model, frames)
            assert counted.multiply_adds == pytest.approx(by_hand, rel=0.01)
            assert counted.uncounted == ()
