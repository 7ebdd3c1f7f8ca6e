"""Features of the SVM baseline: statistics of log-mel energies over an utterance."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.records import SAMPLE_RATE_HZ

WINDOW = 400
"""25 ms."""
FFT = 512
"""Samples per transform; the window sits in its middle."""
HOP = 160
"""10 ms."""
MELS = 40
FLOOR = 1e-10
"""Added to mel energies before the logarithm, so that digital silence is finite."""
STATISTICS = ("mean", "sd", "min", "max", "skewness", "kurtosis", "q25", "q50", "q75")
FEATURES = len(STATISTICS) * 2 * MELS
PIECE = 6_000
"""Frames (60 s) whose spectrum is in memory at once."""
ROWS = 8
"""Rows whose statistics are computed at once."""


def features(wav_n: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Statistics over time of 40 log-mel energies and their deltas: (n,) at 16 kHz -> (720,).

    Frames of 25 ms every 10 ms; a wav under 32 ms is padded with zeros. The order is
    that of `STATISTICS`, each over 40 energies and then 40 deltas. SD is of the population,
    kurtosis is the excess; both moments are 0 where a row does not vary. The statistics are those
    of the whole clip, however long; memory grows by 35 kB a second of audio.

    Raises:
        MtlserError: the wav is empty, has several channels or is not finite.
    """
    import torch
    from torchaudio.functional import compute_deltas

    if wav_n.ndim != 1 or not wav_n.size or not np.isfinite(wav_n).all():
        raise MtlserError(
            f"wav of shape {wav_n.shape}: expected one channel of finite samples at 16 kHz; "
            "read it from a corpus folder that `mtlser ingest` wrote"
        )
    wav = torch.zeros(max(wav_n.size, FFT))
    wav[: wav_n.size] = torch.from_numpy(np.asarray(wav_n, dtype=np.float32))
    with torch.no_grad():
        mel_mt = torch.cat([torch.log(_mel()(piece) + FLOOR) for piece in _pieces(wav)], dim=1)
        rows_rt = torch.cat([mel_mt, compute_deltas(mel_mt)]).numpy()
    parts = [
        _statistics(rows_rt[first : first + ROWS].astype(np.float64))
        for first in range(0, len(rows_rt), ROWS)
    ]
    return np.concatenate(parts, axis=1).ravel()


def _pieces(wav: Any) -> Iterator[Any]:
    """Yields the samples of `PIECE` frames at a time, and of the rest: tensors (n,)."""
    frames = (len(wav) - FFT) // HOP + 1
    for first in range(0, frames, PIECE):
        last = min(first + PIECE, frames) - 1
        yield wav[first * HOP : last * HOP + FFT]


@cache
def _mel() -> Any:
    from torchaudio.transforms import MelSpectrogram

    return MelSpectrogram(
        SAMPLE_RATE_HZ, n_fft=FFT, win_length=WINDOW, hop_length=HOP, n_mels=MELS, center=False
    )


def _statistics(rows_rt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each of `STATISTICS` of each row: (r, t) -> (s, r)."""
    mean_r1 = rows_rt.mean(axis=1, keepdims=True)
    sd_r1 = rows_rt.std(axis=1, keepdims=True)
    varies_r1 = sd_r1 > 1e-9
    scaled_rt = (rows_rt - mean_r1) / np.where(varies_r1, sd_r1, 1.0)
    return np.stack(
        [
            mean_r1[:, 0],
            sd_r1[:, 0],
            rows_rt.min(axis=1),
            rows_rt.max(axis=1),
            np.where(varies_r1[:, 0], (scaled_rt**3).mean(axis=1), 0.0),
            np.where(varies_r1[:, 0], (scaled_rt**4).mean(axis=1) - 3.0, 0.0),
            *np.quantile(rows_rt, (0.25, 0.5, 0.75), axis=1),
        ]
    )
