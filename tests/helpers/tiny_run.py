"""A small release and recipe for a whole run."""

from pathlib import Path

import numpy as np
import soundfile

RECIPE = """
name = "tiny"

[data]
corpus = "emodb"
root = "release"

[split]
protocol = "loso"
max_folds = 2

[model]
encoder = "encoder"
layers = "concat"
trainable = "heads"

[train]
epochs = 2
optimizer = "adamw"
learning_rate = 1e-2

[search]
alphas = [0.1]
betas = [0.2, 0.8]

[noise]
snr_db = [5]

[baseline]
systems = ["svm"]
"""
SPEAKERS, SENTENCES, EMOTIONS = ("03", "08", "09", "10"), ("a01", "a02", "b01", "b02"), "NFWT"


def write_release(folder: Path) -> None:
    """EmoDB's file names over tones whose pitch tells the emotion."""
    rng = np.random.default_rng(0)
    (folder / "wav").mkdir(parents=True)
    for s, speaker in enumerate(SPEAKERS):
        for t, sentence in enumerate(SENTENCES):
            for e, emotion in enumerate(EMOTIONS):
                time_s = np.arange(int(16_000 * (0.6 + 0.1 * t))) / 16_000
                pitch_hz = 150 * 1.7**e * (1 + 0.05 * s)
                wav = 0.2 * np.sin(2 * np.pi * pitch_hz * time_s)
                wav += 0.01 * rng.standard_normal(len(time_s))
                place = folder / "wav" / f"{speaker}{sentence}{emotion}a.wav"
                soundfile.write(place, wav, 16_000, subtype="PCM_16")
