from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mtlser.data.synthetic import espeak
from mtlser.data.synthetic.espeak import speak
from mtlser.data.synthetic.rendering import Clip, render, resample
from mtlser.errors import MtlserError

TEXT = "The kettle is on the table."


def dominant_hz(wav_n: NDArray[np.int16], rate_hz: int = espeak.RATE_HZ) -> float:
    """Fundamental from the autocorrelation of the whole clip, between 60 and 500 Hz."""
    spectrum = np.abs(np.fft.rfft(wav_n.astype(float), 2 * len(wav_n))) ** 2
    correlation = np.fft.irfft(spectrum)
    low, high = rate_hz // 500, rate_hz // 60
    return rate_hz / (low + np.argmax(correlation[low:high]))


def test_speech_is_sound_of_a_plausible_length() -> None:
    wav_n = speak(TEXT, "en-us+f2")
    assert wav_n.dtype == np.int16
    assert wav_n.ndim == 1
    assert 0.8 < len(wav_n) / espeak.RATE_HZ < 3
    assert wav_n.std() > 300


def test_each_setting_moves_what_it_names() -> None:
    plain = speak(TEXT, "en-us+m3")
    assert len(speak(TEXT, "en-us+m3", rate_wpm=260)) < 0.8 * len(plain)
    assert speak(TEXT, "en-us+m3", volume=40).std() < 0.6 * plain.std()
    flat_low = dominant_hz(speak(TEXT, "en-us+m3", pitch=10, pitch_range=0))
    flat_high = dominant_hz(speak(TEXT, "en-us+m3", pitch=90, pitch_range=0))
    assert flat_high > 1.2 * flat_low


def test_voices_and_variants_differ() -> None:
    wavs = [speak(TEXT, voice) for voice in ("en-us+f2", "en-us+m3", "en-gb-scotland+f2")]
    assert len({wav.tobytes() for wav in wavs}) == 3


def test_text_beyond_ascii_is_spoken() -> None:
    assert speak("The café was open.", "en-us+f2").any()


@pytest.mark.parametrize("voice", ["nosuch", "nosuch+f2", "en-us+zz", "en-us+", ""])
def test_an_unknown_voice_or_variant_is_refused(voice: str) -> None:
    with pytest.raises(MtlserError, match="no voice"):
        speak(TEXT, voice)


@pytest.mark.parametrize(
    "setting", [{"rate_wpm": 79}, {"pitch": 100}, {"pitch_range": -1}, {"volume": 201}]
)
def test_a_setting_outside_its_limits_is_refused(setting: dict[str, int]) -> None:
    (name,) = setting
    with pytest.raises(MtlserError, match=f"{name} is .* allowed are"):
        speak(TEXT, "en-us+f2", **setting)


@pytest.mark.parametrize("text", ["", "  \n", "..."])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(MtlserError, match=r"the text is empty|no sound"):
        speak(text, "en-us+f2")


def test_resampling_keeps_a_tone() -> None:
    seconds = np.arange(espeak.RATE_HZ) / espeak.RATE_HZ
    tone = (10_000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    wav_n = resample(tone)
    expected = 10_000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert len(wav_n) == 16_000
    assert np.abs(wav_n - expected)[200:-200].max() < 20


def clip(path: Path, **changes: object) -> Clip:
    values = {
        "path": str(path), "text": TEXT, "voice": "en-us+f2", "rate_wpm": 160,
        "pitch": 50, "pitch_range": 50, "volume": 90, "seed": 1,
    }  # fmt: skip
    return Clip.model_validate({**values, **changes})


def test_rendering_does_not_depend_on_what_was_spoken_before(tmp_path: Path) -> None:
    first = [clip(tmp_path / f"a{n}.wav", seed=n) for n in range(3)]
    again = [clip(tmp_path / f"b{n}.wav", seed=n) for n in range(3)]
    durations_s = render(first)
    speak(TEXT, "en-us+m3")
    assert render(again) == durations_s
    for n in range(3):
        assert (tmp_path / f"a{n}.wav").read_bytes() == (tmp_path / f"b{n}.wav").read_bytes()


def test_a_clip_that_cannot_be_spoken_or_written_tells_why(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match=r"speech synthesis failed: .*no voice 'nosuch'"):
        render([clip(tmp_path / "a.wav", voice="nosuch")])
    with pytest.raises(MtlserError, match=r"speech synthesis failed: .*absent"):
        render([clip(tmp_path / "absent" / "a.wav")])
    assert list(tmp_path.iterdir()) == []
