"""The words of a clip: signs of differences of energy between neighbouring bands and times."""

import numpy as np
from numpy.typing import NDArray

from mtlser.records import SAMPLE_RATE_HZ

FRAME, HOP, LAG = 4096, 256, 4
"""Samples of a frame and between frames; hops between the two frames that are compared."""
SLOWER = 4
"""Frames are taken of every fourth sample, at 4 kHz: no band reaches higher than 1.2 kHz."""
LOWEST_HZ, HIGHEST_HZ, BANDS = 150, 1200, 33
"""Bands narrow enough to separate harmonics: the same words said again differ in pitch."""
QUIET = 1e-3
"""A frame of this share of the loudest frame's energy or less (-30 dB) is silence."""
SILENCE = 0
"""The word of a silent frame: such frames are compared with nothing."""

Words = NDArray[np.uint32]


def fingerprint(samples_n: NDArray[np.int16]) -> Words:
    """One 32-bit word every 16 ms of 16 kHz samples; none of a clip shorter than 0.32 s.

    >>> import numpy as np
    >>> len(fingerprint(np.zeros(16_000, dtype=np.int16)))
    43
    """
    if len(samples_n) < FRAME + LAG * HOP:
        return np.zeros(0, dtype=np.uint32)
    frames = 1 + (len(samples_n) - FRAME) // HOP
    wav_n = _slower(samples_n)
    every_tf = np.lib.stride_tricks.sliding_window_view(wav_n, FRAME // SLOWER)
    window_f = np.hanning(FRAME).astype(np.float32)[::SLOWER]
    power_tf = _power(every_tf[:: HOP // SLOWER][:frames] * window_f)
    edges = np.rint(np.linspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1) * FRAME / SAMPLE_RATE_HZ)
    places = edges.astype(np.int64)
    energy_tb = np.add.reduceat(power_tf[:, : places[-1]], places[:-1], axis=1)
    slope_tb = energy_tb[:, :-1] - energy_tb[:, 1:]
    bits_tb = slope_tb[LAG:] > slope_tb[:-LAG]
    words_t = np.packbits(bits_tb, axis=1).view(">u4")[:, 0].astype(np.uint32)
    loudness_t = energy_tb.sum(axis=1)[LAG:]
    words_t[loudness_t <= QUIET * loudness_t.max()] = SILENCE
    return words_t


def _slower(samples_n: NDArray[np.int16]) -> NDArray[np.float32]:
    """The samples at 4 kHz, at least a quarter as many: their spectrum, cut at 2 kHz."""
    import scipy.fft

    length = scipy.fft.next_fast_len(-(-len(samples_n) // SLOWER), real=True)
    spectrum_f = scipy.fft.rfft(samples_n.astype(np.float32), length * SLOWER)
    return np.asarray(scipy.fft.irfft(spectrum_f[: length // 2 + 1], length), dtype=np.float32)


def _power(frames_tn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power of each frame at each frequency, (frame, frequency)."""
    import scipy.fft

    spectrum_tf = scipy.fft.rfft(frames_tn, axis=1)
    return np.square(spectrum_tf.real) + np.square(spectrum_tf.imag)
