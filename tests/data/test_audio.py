"""Decoding to 16 kHz mono, the cache, and the three faults."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser.data import audio
from mtlser.data.audio import AudioError
from mtlser.records import SAMPLE_RATE_HZ


def tone(rate_hz: int, duration_s: float = 1.0, pitch_hz: float = 440.0) -> np.ndarray:
    time_n = np.arange(round(rate_hz * duration_s)) / rate_hz
    return 0.5 * np.sin(2 * np.pi * pitch_hz * time_n)


def test_16_bit_16_khz_keeps_its_very_samples(tmp_path: Path) -> None:
    samples_n = np.random.default_rng(0).integers(-32768, 32768, 4000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples_n, SAMPLE_RATE_HZ)
    clip = audio.decode(tmp_path / "a.wav")
    np.testing.assert_array_equal(clip.samples_n, samples_n)
    wav_n = audio.load(tmp_path / "a.wav")
    assert wav_n.dtype == np.float32
    np.testing.assert_array_equal(wav_n, (samples_n / 32768).astype(np.float32))


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_other_rates_and_formats_come_out_at_16_khz(
    tmp_path: Path, rate_hz: int, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.stack([tone(rate_hz), tone(rate_hz)], axis=1), rate_hz)
    wav_n = audio.load(path)
    assert len(wav_n) == SAMPLE_RATE_HZ
    inside = slice(400, -400)
    assert np.abs(wav_n - tone(SAMPLE_RATE_HZ))[inside].max() < (0.05 if ending == "ogg" else 0.005)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left_n = tone(SAMPLE_RATE_HZ)
    soundfile.write(
        tmp_path / "a.wav", np.stack([left_n, 0 * left_n], axis=1), SAMPLE_RATE_HZ, "FLOAT"
    )
    assert np.abs(audio.load(tmp_path / "a.wav") - left_n / 2).max() < 1e-4


def test_level() -> None:
    assert audio.level_dbfs(np.sin(np.arange(16_000) * 0.1)) == pytest.approx(-3.01, abs=0.01)
    assert audio.level_dbfs(np.zeros(5)) == -math.inf
    assert audio.level_dbfs(np.zeros(0)) == -math.inf


def test_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    wav = np.resize([0.5, -0.5], 400)
    wav[:2] = 2.0, -2.0
    soundfile.write(tmp_path / "a.wav", wav, SAMPLE_RATE_HZ, "FLOAT")
    assert audio.decode(tmp_path / "a.wav").samples_n[:3].tolist() == [32767, -32768, 16384]


def test_one_hash_for_one_sound(tmp_path: Path) -> None:
    for name in ("a.wav", "b.flac"):
        soundfile.write(
            tmp_path / name, (tone(SAMPLE_RATE_HZ) * 2**15).astype(np.int16), SAMPLE_RATE_HZ
        )
    first, second = (audio.decode(tmp_path / name) for name in ("a.wav", "b.flac"))
    assert first.sha256 == second.sha256


def cut_short(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "whole.wav", tone(SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    path = tmp_path / "half.wav"
    path.write_bytes((tmp_path / "whole.wav").read_bytes()[:9_000])
    return path


def test_streamed_header_without_a_length_is_no_fault_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = cut_short(tmp_path)
    content = bytearray(path.read_bytes())
    content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(audio.load(path)) == (9_000 - 44) // 2
    assert f"{path}: length unknown, the file states none" in caplog.text
    assert not audio.decode(path).length_known
    caplog.clear()
    assert len(audio.load(tmp_path / "whole.wav")) == SAMPLE_RATE_HZ
    assert not caplog.records


@pytest.mark.parametrize("rate_hz", [999, 384_001])
def test_a_rate_outside_the_limits_is_one_sentence(tmp_path: Path, rate_hz: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1_000), rate_hz)
    with pytest.raises(AudioError, match=rf"{rate_hz} Hz, allowed are 1000 to 384000 Hz") as fault:
        audio.decode(tmp_path / "a.wav")
    assert fault.value.fault == "unreadable"


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        ("unreadable", b"RIFF and then something else" * 10),
        ("empty", b""),
        ("empty", np.zeros(0)),
        ("silent", np.zeros(SAMPLE_RATE_HZ)),
        ("silent", np.full(SAMPLE_RATE_HZ, 10 ** (-85 / 20))),
        ("unreadable", np.array([0.1, np.nan, 0.1])),
        ("unreadable", None),
    ],
)
def test_each_fault_has_its_own_name(
    tmp_path: Path, fault: str, content: bytes | np.ndarray
) -> None:
    path = tmp_path / "a.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        soundfile.write(path, content, SAMPLE_RATE_HZ, "FLOAT")
    with pytest.raises(AudioError, match=str(path)) as refused:
        audio.decode(path)
    assert refused.value.fault == fault


def test_a_file_cut_short_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(
        AudioError, match=r"the header states 1 s, the file has 0\.279875 s"
    ) as refused:
        audio.decode(cut_short(tmp_path))
    assert refused.value.fault == "unreadable"


def test_quiet_speech_is_not_silent(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(SAMPLE_RATE_HZ) * 10 ** (-65 / 20), SAMPLE_RATE_HZ)
    assert audio.decode(tmp_path / "a.wav").level_dbfs == pytest.approx(-74, abs=1)
