"""A corpus folder with audio that can be listened to."""

from pathlib import Path

import numpy as np
import soundfile

from mtlser.records import SAMPLE_RATE_HZ, Prediction, Utterance


def make_corpus(
    folder: Path, predictions: list[Prediction], seconds: float
) -> dict[str, Utterance]:
    """A corpus folder with a tone for each predicted utterance, and its manifest by id."""
    folder.mkdir(parents=True, exist_ok=True)
    tone = np.sin(np.arange(int(seconds * SAMPLE_RATE_HZ)) / 20).astype(np.float32) / 3
    soundfile.write(folder / "tone.flac", tone, SAMPLE_RATE_HZ)
    return {
        p.utterance_id: Utterance(
            id=p.utterance_id, corpus="iemocap", audio="tone.flac", audio_sha256="0",
            duration_s=seconds, level_dbfs=-12, emotion=p.emotion_true, speaker=p.speaker_true,
            gender="F", session=None, dialogue=None, recording=None, style=None, text=None,
            language="en",
        )
        for p in predictions
    }  # fmt: skip
