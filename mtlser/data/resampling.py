"""Any sample rate to 16 kHz, in time and memory that grow with the clip alone."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.records import SAMPLE_RATE_HZ

LOWEST_HZ, HIGHEST_HZ = 1_000, 384_000
"""Sample rates that are read."""
ZERO_CROSSINGS = 6
"""Of the sinc, on each side of its middle, that the filter keeps."""
ROLLOFF = 0.99
"""Cut-off of the filter, as a share of the lower of the two Nyquist frequencies."""
FILTERS = 4
"""Filters kept in memory: 37 MB each at most, 8 kB for 44,100 Hz."""


def is_read(rate_hz: float) -> bool:
    """Whether audio at this sample rate is read."""
    return LOWEST_HZ <= rate_hz <= HIGHEST_HZ


def refusal(rate_hz: float) -> str:
    """That a sample rate is not read, and which are."""
    return f"a sample rate of {rate_hz} Hz, allowed are {LOWEST_HZ} to {HIGHEST_HZ} Hz"


def resample(wav_n: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """The waveform at 16 kHz, ceil(n x 16000 / rate) samples; itself where it is at 16 kHz.

    The filter is torchaudio's default (sinc under a Hann window, 6 zero crossings, roll-off
    0.99), computed in polyphase form: an output takes 12 to 291 products whatever the rate, and
    the filter has 2 x ceil(6 x max(up, down) / 0.99) + 1 taps.

    Args:
        wav_n: samples at `rate_hz`.
        rate_hz: 1,000 to 384,000.

    Raises:
        MtlserError: another rate.

    >>> resample(np.zeros(441), 44_100).shape
    (160,)
    """
    if not is_read(rate_hz):
        raise MtlserError(
            f"a sample rate of {rate_hz} Hz: allowed are {LOWEST_HZ} to {HIGHEST_HZ} Hz; convert "
            "the audio with `ffmpeg -i IN -ar 16000 OUT.wav`"
        )
    if rate_hz == SAMPLE_RATE_HZ or not len(wav_n):
        return wav_n
    from scipy.signal import upfirdn

    up, down = ratio(rate_hz)
    taps_k = kernel(up, down)
    early = -(-(len(taps_k) // 2) // down)  # outputs before the first sample
    lead = early * down - len(taps_k) // 2
    padded_k = np.concatenate([np.zeros(lead), taps_k]) if lead else taps_k
    filtered_n: NDArray[np.float64] = upfirdn(padded_k, wav_n, up, down)
    return filtered_n[early : early - (-len(wav_n) * up // down)]


def context(rate_hz: int) -> int:
    """Samples at `rate_hz` on each side of a piece that its resampled samples depend on."""
    up, down = ratio(rate_hz)
    return 0 if up == down else taps(up, down) // 2 // up + 1


def bounds(first: int, last: int, rate_hz: int) -> tuple[int, int]:
    """First and last of a piece's samples, of the whole recording's at 16 kHz.

    The last is not part of it, so that pieces that meet have each sample once.

    >>> bounds(441, 882, 44_100), bounds(0, 442, 44_100)
    ((160, 320), (0, 161))
    """
    up, down = ratio(rate_hz)
    return -(-first * up // down), -(-last * up // down)


def ratio(rate_hz: int) -> tuple[int, int]:
    """`up` and `down` without a common factor: 16 kHz is `rate_hz` x up / down.

    >>> ratio(44_100)
    (160, 441)
    """
    common = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    return SAMPLE_RATE_HZ // common, rate_hz // common


def taps(up: int, down: int) -> int:
    """Length of the filter on the grid of both rates.

    >>> taps(160, 441)
    5347
    """
    return 2 * math.ceil(ZERO_CROSSINGS * max(up, down) / ROLLOFF) + 1


@lru_cache(FILTERS)
def kernel(up: int, down: int) -> NDArray[np.float64]:
    """The filter's taps, (k,), at `up` times the input's rate; the middle one at no delay."""
    half = taps(up, down) // 2
    cutoff = ROLLOFF * min(up, down)
    time_k = np.arange(-half, half + 1) / (up * down) * cutoff
    time_k = time_k.clip(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window_k = np.square(np.cos(time_k * (math.pi / ZERO_CROSSINGS / 2)))
    taps_k: NDArray[np.float64] = np.sinc(time_k) * window_k * (cutoff / down)
    taps_k.setflags(write=False)
    return taps_k
