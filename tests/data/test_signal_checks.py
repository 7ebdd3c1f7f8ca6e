"""Files that decode without an error, and hold no speech as they stand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtlser.data import audio, noise, signal_checks
from mtlser.records import SAMPLE_RATE_HZ

Wav = NDArray[np.float64]


def tone(peak: float = 0.3, seconds: float = 0.25) -> Wav:
    time_s = np.arange(int(SAMPLE_RATE_HZ * seconds)) / SAMPLE_RATE_HZ
    return np.asarray(peak * np.sin(2 * np.pi * 200 * time_s))


def written(path: Path, wav: NDArray[Any], subtype: str = "PCM_16") -> Path:
    soundfile.write(path, wav, SAMPLE_RATE_HZ, subtype=subtype)
    return path


def fault_of(path: Path) -> audio.AudioError:
    with pytest.raises(audio.AudioError) as caught:
        audio.decode(path)
    return caught.value


def test_integers_written_as_floats_are_refused_and_not_clipped_to_a_square_wave(
    tmp_path: Path,
) -> None:
    error = fault_of(written(tmp_path / "a.wav", 32_768 * tone(), "FLOAT"))
    assert error.fault == "unreadable"
    assert "beyond full scale, the largest is 9830" in str(error)


def test_a_few_samples_beyond_full_scale_are_clipped_as_a_lossy_codec_leaves_them(
    tmp_path: Path,
) -> None:
    wav = tone()
    wav[::200] = 1.5
    clip = audio.decode(written(tmp_path / "a.wav", wav, "FLOAT"))
    assert clip.samples_n.max() == 32_767


@pytest.mark.parametrize("second", [-1.0, -0.99, -1.01])
def test_channels_of_opposite_sign_are_named_and_not_taken_for_silence(
    tmp_path: Path, second: float
) -> None:
    wav = np.stack([tone(), second * tone()], axis=1)
    error = fault_of(written(tmp_path / "a.wav", wav))
    assert error.fault == "unreadable"
    assert "2 channels cancel each other" in str(error)


def test_a_constant_offset_does_not_hide_that_channels_cancel(tmp_path: Path) -> None:
    wav = np.stack([0.2 + tone(), 0.2 - tone()], axis=1)
    assert "cancel each other" in str(fault_of(written(tmp_path / "a.wav", wav)))


@settings(max_examples=50)
@given(st.integers(1, 8), st.integers(0, 7), st.floats(-0.3, 1.0))
def test_speech_in_one_channel_or_in_all_is_never_refused(
    channels: int, loud: int, share: float
) -> None:
    """The others hold any share of the loudest channel, short of most of it turned over."""
    factors = np.full(channels, share / channels if share < 0 else share)
    factors[loud % channels] = 1.0
    assert signal_checks.channel_fault(tone()[:, None] * factors) is None


@settings(max_examples=50)
@given(st.floats(2.0, 40_000.0), st.sampled_from([16_000, 8_000, 22_050]))
def test_no_loud_float_signal_passes(peak: float, length: int) -> None:
    assert signal_checks.scale_fault(tone(peak)[:length, None]) is not None


def test_samples_that_are_all_the_same_are_silent_whatever_their_level(tmp_path: Path) -> None:
    assert fault_of(written(tmp_path / "a.wav", np.full(4_000, 0.3))).fault == "silent"


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.1, 0.5, -0.5])
def test_noise_is_mixed_at_its_snr_whatever_constant_the_recording_has(
    tmp_path: Path, offset: float
) -> None:
    speech, drawn = tone(0.05), np.random.default_rng(0)
    plain = audio.load(written(tmp_path / "plain.wav", speech, "FLOAT"))
    wav = audio.load(written(tmp_path / "a.wav", speech + offset, "FLOAT"))
    mixed = noise.mix(wav, drawn.standard_normal(len(wav)).astype(np.float32), 5.0)
    snr_db = 20 * np.log10(plain.std() / (mixed - wav).std())
    assert snr_db == pytest.approx(5.0, abs=0.2)


def test_a_small_offset_leaves_every_sample_as_it_is(tmp_path: Path) -> None:
    samples = (32_768 * (tone(0.3) + 0.02)).astype(np.int16)
    assert np.array_equal(audio.decode(written(tmp_path / "a.wav", samples)).samples_n, samples)


@settings(max_examples=50)
@given(st.floats(-1, 1), st.floats(0.001, 1), st.integers(1, 400))
def test_a_waveform_without_its_offset_has_none_left(offset: float, peak: float, n: int) -> None:
    wav_n = offset + tone(peak)[:n]
    once = wav_n - signal_checks.offset(wav_n)
    assert signal_checks.offset(once) == 0 or np.abs(once.mean()) < 1e-12


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_24", "PCM_32", "ULAW", "ALAW", "DOUBLE", "G721_32"]
)
def test_every_common_coding_of_a_wav_decodes_to_the_same_level(
    tmp_path: Path, subtype: str
) -> None:
    clip = audio.decode(written(tmp_path / "a.wav", tone(), subtype))
    assert clip.level_dbfs == pytest.approx(-13.47, abs=0.1)


def test_a_wav_coded_for_telephones_is_read_though_it_cannot_seek(tmp_path: Path) -> None:
    clip = audio.decode(written(tmp_path / "a.wav", tone(), "GSM610"))
    assert clip.level_dbfs == pytest.approx(-13.47, abs=1.0)
    assert clip.duration_s == pytest.approx(0.25, abs=0.05)
