"""One waveform of a recording's channels, by the recipe's policy."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.data.audio import AudioError, Policy
from mtlser.records import SAMPLE_RATE_HZ

POLICIES: tuple[Policy, ...] = ("mix", "left", "right", "loudest")
RNG = np.random.default_rng(0)
ONE = RNG.integers(-8_000, 8_000, 4_000)
OTHER = RNG.integers(-2_000, 2_000, 4_000)


def written(path: Path, *channels: NDArray[np.integer]) -> Path:
    soundfile.write(path, np.stack(channels, axis=1).astype(np.int16), SAMPLE_RATE_HZ)
    return path


@pytest.mark.parametrize("policy", POLICIES)
def test_mono_is_mono_for_every_policy(tmp_path: Path, policy: Policy) -> None:
    clip = audio.decode(written(tmp_path / "a.wav", ONE), channels=policy)
    np.testing.assert_array_equal(clip.samples_n, ONE)
    assert clip.facts is not None and clip.facts.channels == 1


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("more", [0, 3])
def test_a_policy_takes_its_channel_bit_for_bit(tmp_path: Path, policy: Policy, more: int) -> None:
    path = written(tmp_path / "a.wav", OTHER, ONE, *[OTHER // 2] * more)
    mean = np.rint(np.mean([OTHER, ONE, *[OTHER // 2] * more], axis=0))
    expected = {"mix": mean, "left": OTHER, "right": ONE, "loudest": ONE}[policy]
    assert np.abs(audio.decode(path, channels=policy).samples_n - expected).max() == 0


def test_channels_that_cancel_are_refused_in_the_mean_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", ONE, -ONE)
    with pytest.raises(AudioError, match="2 channels cancel each other"):
        audio.decode(path)
    signs: dict[Policy, int] = {"left": 1, "right": -1, "loudest": 1}
    for policy, sign in signs.items():
        clip = audio.decode(path, channels=policy)
        np.testing.assert_array_equal(clip.samples_n, sign * ONE)


def test_a_channel_beyond_full_scale_counts_where_it_is_taken(tmp_path: Path) -> None:
    wav = np.stack([ONE / 32_768, ONE.astype(float)], axis=1)
    soundfile.write(tmp_path / "a.wav", wav, SAMPLE_RATE_HZ, "FLOAT")
    beyond: tuple[Policy, ...] = ("mix", "right", "loudest")
    for policy in beyond:
        with pytest.raises(AudioError, match="beyond full scale"):
            audio.decode(tmp_path / "a.wav", channels=policy)
    np.testing.assert_array_equal(audio.decode(tmp_path / "a.wav", channels="left").samples_n, ONE)


@pytest.mark.parametrize("silent", [0, 1])
@pytest.mark.parametrize("constant", [0, 300])
def test_a_channel_without_sound_is_noticed(tmp_path: Path, silent: int, constant: int) -> None:
    channels = [ONE, ONE]
    channels[silent] = np.full(len(ONE), constant)
    path = written(tmp_path / "a.wav", *channels)
    mix, loudest = audio.decode(path), audio.decode(path, channels="loudest")
    assert mix.facts is not None and mix.facts.silent_channels == 1
    assert loudest.level_dbfs - mix.level_dbfs == pytest.approx(6.02, abs=0.05)
    np.testing.assert_array_equal(loudest.samples_n, ONE)
    with pytest.raises(AudioError) as refused:
        audio.decode(path, channels="right" if silent else "left")
    assert refused.value.fault == "silent"


def test_two_channels_with_sound_and_one_silent_channel_alone_are_not_noticed(
    tmp_path: Path,
) -> None:
    facts = audio.decode(written(tmp_path / "a.wav", ONE, OTHER)).facts
    assert facts is not None and facts.silent_channels == 0
