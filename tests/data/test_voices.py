"""Pitch and silence of clips whose pitch and silence are known."""

from pathlib import Path

import numpy as np
import pytest

from mtlser.data import clips, voices
from mtlser.data.clips import Writer
from tests.helpers.utterances import utterance


def measured(folder: Path, wav_n: np.ndarray) -> voices.Voice:
    samples_n = np.rint(wav_n * 32_767).astype(np.int16)
    writer, sha = Writer(folder), clips.digest(samples_n)
    writer.add(sha, samples_n)
    return voices.measure(folder, utterance("a", audio=writer.close()[sha], audio_sha256=sha))


def voice(pitch_hz: float, seconds: float = 1.0) -> np.ndarray:
    """Twelve harmonics that fall off as a voice's do, in a little noise."""
    time_n = np.arange(int(16_000 * seconds)) / 16_000
    wav_n = sum(np.sin(2 * np.pi * pitch_hz * h * time_n + h) / h for h in range(1, 13))
    rng = np.random.default_rng(0)
    return np.asarray(0.15 * wav_n + 0.01 * rng.standard_normal(len(time_n)))


@pytest.mark.parametrize("pitch_hz", [75, 100, 123, 160, 200, 251, 320, 400])
def test_the_pitch_is_that_of_the_harmonics(tmp_path: Path, pitch_hz: float) -> None:
    found = measured(tmp_path, voice(pitch_hz)).pitch_hz
    assert found == pytest.approx(pitch_hz, rel=0.02)


def test_a_missing_fundamental_changes_nothing(tmp_path: Path) -> None:
    time_n = np.arange(16_000) / 16_000
    found = measured(tmp_path, voice(150) - 0.15 * np.sin(2 * np.pi * 150 * time_n + 1))
    assert found.pitch_hz == pytest.approx(150, rel=0.02)


def test_noise_and_short_clips_have_no_pitch(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    assert measured(tmp_path / "noise", noise).pitch_hz is None
    assert measured(tmp_path / "short", voice(150, 0.4)).pitch_hz is None


def test_the_silent_half_is_counted_and_not_heard(tmp_path: Path) -> None:
    found = measured(tmp_path, np.concatenate([voice(220), np.zeros(16_000)]))
    assert found.silence == pytest.approx(0.5, abs=0.02)
    assert found.pitch_hz == pytest.approx(220, rel=0.02)
