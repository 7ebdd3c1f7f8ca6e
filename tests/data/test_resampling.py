"""Any rate to 16 kHz: torchaudio's filter, its lengths and samples, in bounded memory."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.transforms import Resample

from mtlser.data import audio, resampling
from mtlser.errors import MtlserError
from mtlser.records import SAMPLE_RATE_HZ
from tests.data.test_audio import tone

USUAL_HZ = (8_000, 11_025, 12_000, 19_980, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)


def of_16_bits(wav_n: np.ndarray) -> np.ndarray:
    return np.rint(wav_n * audio.FULL_SCALE).clip(-audio.FULL_SCALE, audio.FULL_SCALE - 1)


@pytest.mark.parametrize("rate_hz", USUAL_HZ)
def test_usual_rates_give_the_very_samples_of_torchaudio(rate_hz: int) -> None:
    transform = Resample(rate_hz, SAMPLE_RATE_HZ, dtype=torch.float64)
    for samples in (1, 2, 441, rate_hz // 3, rate_hz + 7):
        wav_n = 0.3 * np.random.default_rng(samples).standard_normal(samples)
        ours_n = resampling.resample(wav_n, rate_hz)
        theirs_n = transform(torch.from_numpy(wav_n)).numpy()
        assert len(ours_n) == len(theirs_n)
        assert np.abs(ours_n - theirs_n).max() < 1e-12
        np.testing.assert_array_equal(of_16_bits(ours_n), of_16_bits(theirs_n))


def test_resampling_agrees_with_scipy() -> None:
    wav_n = tone(48_000) + tone(48_000, pitch_hz=3_000) / 4
    ours_n = audio.resample(wav_n, 48_000)
    theirs_n = scipy.signal.resample_poly(wav_n, 1, 3)
    assert np.abs(ours_n - theirs_n)[200:-200].max() < 2e-3


def test_resampling_removes_what_16_khz_cannot_hold() -> None:
    assert np.abs(audio.resample(tone(48_000, pitch_hz=12_000), 48_000))[200:-200].max() < 0.01


@given(
    st.integers(resampling.LOWEST_HZ, resampling.HIGHEST_HZ),
    st.floats(0.01, 0.3),
    st.floats(0.1, 0.6),
)
@settings(max_examples=25)
def test_any_rate_keeps_length_level_and_pitch(
    rate_hz: int, duration_s: float, share: float
) -> None:
    wav_n = tone(rate_hz, duration_s, pitch := share * min(rate_hz, SAMPLE_RATE_HZ) / 2)
    ours_n = resampling.resample(wav_n, rate_hz)
    assert len(ours_n) == math.ceil(len(wav_n) * SAMPLE_RATE_HZ / rate_hz)
    edge = math.ceil(8 * SAMPLE_RATE_HZ / min(rate_hz, SAMPLE_RATE_HZ))
    expected_n = tone(SAMPLE_RATE_HZ, len(ours_n) / SAMPLE_RATE_HZ, pitch)
    if len(ours_n) > 2 * edge:
        assert np.abs(ours_n - expected_n)[edge:-edge].max() < 0.01


@given(st.integers(resampling.LOWEST_HZ, resampling.HIGHEST_HZ))
def test_the_filter_is_as_long_as_the_rates_and_no_longer(rate_hz: int) -> None:
    up, down = resampling.ratio(rate_hz)
    assert math.gcd(up, down) == 1 and rate_hz * up == SAMPLE_RATE_HZ * down
    assert resampling.taps(up, down) <= 12.2 * max(rate_hz, SAMPLE_RATE_HZ) + 3


def test_few_filters_are_kept() -> None:
    for rate_hz in range(16_001, 16_012):
        resampling.resample(np.ones(10), rate_hz)
    kept = resampling.kernel.cache_info()
    assert kept.maxsize == kept.currsize == resampling.FILTERS
    assert resampling.taps(16_000, 384_000 - 1) * 8 < 38e6


@pytest.mark.parametrize("rate_hz", [0, 999, 384_001])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(MtlserError, match="allowed are 1000 to 384000 Hz; convert"):
        resampling.resample(np.ones(10), rate_hz)
