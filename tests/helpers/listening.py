"""A corpus folder with audio that can be listened to."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.records import SAMPLE_RATE_HZ, Prediction, Utterance


def make_corpus(
    folder: Path,
    predictions: list[Prediction],
    seconds: float,
    sound_n: NDArray[np.float64] | None = None,
) -> dict[str, Utterance]:
    """A corpus folder with a tone, or a sound, for each predicted utterance; its manifest by id."""
    folder.mkdir(parents=True, exist_ok=True)
    tone_n = np.sin(np.arange(int(seconds * SAMPLE_RATE_HZ)) / 20) / 3
    soundfile.write(folder / "tone.flac", tone_n if sound_n is None else sound_n, SAMPLE_RATE_HZ)
    sha256 = audio.decode(folder / "tone.flac").sha256
    return {
        p.utterance_id: Utterance(
            id=p.utterance_id, corpus="iemocap", audio="tone.flac", audio_sha256=sha256,
            duration_s=seconds, level_dbfs=-12, emotion=p.emotion_true, speaker=p.speaker_true,
            gender="F", session=None, dialogue=None, recording=None, style=None, text=None,
            language="en",
        )
        for p in predictions
    }  # fmt: skip
