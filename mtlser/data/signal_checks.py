"""Samples that are not the speech that they should be, though their file is in order.

docs/decisions/0020-samples-beside-speech.md has the reasons of each limit.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_CLIPPED = 0.01
"""Share of samples that may lie beyond full scale: a lossy codec's overshoot is far below."""
LARGEST = 1_000.0
"""A single sample so far beyond full scale (60 dB) is damage: it would ring when resampled."""
CANCELLED_DB = 20.0
"""An average so far below what the loudest channel alone gives it has lost the speech."""
OFFSET_SHARE = 0.02
"""Share of a recording's power that a constant offset may have; EmoDB's clips have 0.0014 at most,
of URDU's a third has more than 0.02."""


def scale_fault(wav_nc: NDArray[np.floating[Any]]) -> str | None:
    """What is wrong where samples lie beyond full scale, 1; `None` where few or none do.

    Files of floats may hold any number: integers up to 32,767 written as floats would be clipped
    to a square wave.

    >>> scale_fault(np.array([[0.5], [-1.0]])) is None
    True
    >>> scale_fault(np.array([[3.0], [-9000.0]]))
    '100 % of its samples lie beyond full scale, the largest is 9000; divide it down to -1 ... 1'
    """
    if not len(wav_nc):
        return None
    largest = float(max(wav_nc.max(), -wav_nc.min()))
    if largest <= 1:
        return None
    beyond = float((np.abs(wav_nc) > 1).mean())
    if beyond <= MOST_CLIPPED and largest <= LARGEST:
        return None
    return (
        f"{100 * beyond:.3g} % of its samples lie beyond full scale, the largest is {largest:.4g}; "
        "divide it down to -1 ... 1"
    )


def channel_fault(wav_nc: NDArray[np.floating[Any]]) -> str | None:
    """What is wrong where the channels cancel each other in their average; `None` where not.

    Two channels of opposite sign, as a microphone wired the wrong way round gives, average to
    silence or to what little differs. Constant offsets do not count.

    >>> tone_n = np.sin(np.arange(1600) / 8)
    >>> channel_fault(np.stack([tone_n, tone_n], axis=1)) is None
    True
    >>> channel_fault(np.stack([tone_n, -tone_n], axis=1))
    'its 2 channels cancel each other in their average; write one of them to a file of its own'
    """
    channels = wav_nc.shape[1]
    if channels == 1:
        return None
    loudest = float(wav_nc.std(axis=0).max())
    average = float(wav_nc.mean(axis=1).std())
    if average >= loudest / channels * math.pow(10, -CANCELLED_DB / 20):
        return None
    return (
        f"its {channels} channels cancel each other in their average; write one of them to a file "
        "of its own"
    )


def offset(wav_n: NDArray[np.float64]) -> float:
    """The mean of a waveform where it is a large part of it, else 0.

    Some sound cards add a constant to every sample. Nobody hears it, but a level would be that of
    the constant, and noise mixed at 5 dB to speech with an offset of its own loudness has 2 dB.

    >>> offset(np.array([0.5, 0.75])), offset(np.array([0.1, -0.09]))
    (0.625, 0.0)
    """
    if not len(wav_n):
        return 0.0
    mean = float(wav_n.mean())
    power = float(np.mean(np.square(wav_n)))
    return mean if mean**2 > OFFSET_SHARE * power else 0.0
