"""16 bits are trusted only where this machine computes them rightly."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from mtlser.models import positions
from mtlser.models.encoder import load_encoder
from mtlser.models.packed import Packed
from mtlser.models.speech_encoder import SpeechEncoder
from mtlser.training import precision
from mtlser.training.processes import Processes
from tests.helpers.networks import clips, write_encoder

ALONE = Processes(0, 1, torch.device("cpu"))
BF16 = torch.bfloat16
FAMILIES = [
    ("wav2vec2", "layer"), ("wav2vec2", "group"), ("hubert", "group"), ("hubert", "layer"),
    ("wavlm", "group"), ("wavlm", "layer"), ("whisper", "layer"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("MTLSER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "precision"


def outputs(encoder: SpeechEncoder, half: bool) -> Tensor:
    wavs = [torch.from_numpy(wav) for wav in clips(0.7, 0.4)]
    with torch.inference_mode(), torch.autocast("cpu", dtype=BF16, enabled=half):
        (last,) = encoder.context(Packed.of(encoder.local(wavs)), every=False)
    return last.rows_nd.float()


def difference(encoder: SpeechEncoder) -> float:
    exact = outputs(encoder, half=False)
    return float((outputs(encoder, half=True) - exact).norm() / exact.norm())


def spoil_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the positional convolution wrong by a quarter in 16 bits, as a faulty library does."""
    real = positions._convolve

    def wrong(rows_nd: Tensor, *args: Any) -> Tensor:
        result = real(rows_nd, *args)
        return result * 1.25 if rows_nd.dtype == BF16 else result

    monkeypatch.setattr(positions, "_convolve", wrong)


def spoil_grouped_conv1d(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same within torch, where transformers' own encoder meets it."""
    real = functional.conv1d

    def wrong(x: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        result = real(x, weight, *args, **kwargs)
        grouped = weight.shape[1] < x.shape[1]
        return result * 1.25 if grouped and result.dtype == BF16 else result

    monkeypatch.setattr(functional, "conv1d", wrong)


@pytest.mark.parametrize(("family", "norm"), FAMILIES)
def test_after_the_check_16_bits_are_near_on_this_machine(
    tmp_path: Path, family: str, norm: str
) -> None:
    encoder = load_encoder(write_encoder(tmp_path, family, norm)).eval()
    exact = outputs(encoder, half=False)
    precision.check(encoder, BF16, ALONE)
    assert difference(encoder) < 0.05
    assert torch.equal(outputs(encoder, half=False), exact)


@pytest.mark.parametrize(("family", "spoil"), [
    ("hubert", spoil_positions), ("wavlm", spoil_grouped_conv1d),
])  # fmt: skip
def test_what_is_wrong_in_16_bits_is_computed_in_fp32_and_reported_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    family: str,
    spoil: Any,
) -> None:
    encoder = load_encoder(write_encoder(tmp_path, family)).eval()
    spoil(monkeypatch)
    with caplog.at_level(logging.WARNING, "mtlser"):
        assert precision.check(encoder, BF16, ALONE) == {"positions"}
    assert difference(encoder) < 0.05
    (line,) = [r.getMessage() for r in caplog.records if r.name == precision.__name__]
    assert "positions" in line and "bfloat16" in line and "fp32" in line


def test_a_wrong_gradient_is_seen_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = positions._Positions.backward

    def wrong(ctx: Any, grad_nd: Tensor) -> Any:
        rows, lengths, weight, bias = real(ctx, grad_nd)
        return rows, lengths, weight * (2 if grad_nd.dtype == BF16 else 1), bias

    monkeypatch.setattr(positions._Positions, "backward", staticmethod(wrong))
    encoder = load_encoder(write_encoder(tmp_path, "wav2vec2"))
    assert precision.wrong_units(encoder, BF16) == ["positions"]


def test_the_verdict_is_remembered_by_processor_and_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    encoder = load_encoder(write_encoder(tmp_path, "wav2vec2"))
    calls: list[str] = []

    def never_right(*_: object) -> list[str]:
        calls.append("checked")
        return ["layers"]

    monkeypatch.setattr(precision, "wrong_units", never_right)
    for _ in range(2):
        assert precision.check(encoder, BF16, ALONE) == {"layers"}
    assert len(calls) == 1 and len(list(cache.glob("*.json"))) == 1
    monkeypatch.setattr(precision, "processor", lambda _: "another processor")
    precision.check(encoder, BF16, ALONE)
    assert len(calls) == 2


def test_the_check_draws_no_random_number_and_leaves_the_mode(tmp_path: Path) -> None:
    encoder = load_encoder(write_encoder(tmp_path, "wav2vec2")).train()
    before = torch.get_rng_state()
    precision.check(encoder, BF16, ALONE)
    assert torch.equal(torch.get_rng_state(), before)
    assert encoder.training
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_fp32_is_not_checked(tmp_path: Path, cache: Path) -> None:
    encoder = load_encoder(write_encoder(tmp_path, "wav2vec2"))
    assert precision.check(encoder, torch.float32, ALONE) == frozenset()
    assert not cache.exists()
