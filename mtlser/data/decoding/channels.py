"""One waveform of a recording's channels, by the recipe's `data.channels`."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Policy = Literal["mix", "left", "right", "loudest"]


def chosen(wav_nc: NDArray[np.float64], policy: Policy) -> slice:
    """The channels that count: all of them for `mix`, else one.

    A recording of one channel is that channel whatever the policy. Of channels of one level the
    first is the loudest; constant offsets do not count.

    >>> wav_nc = np.array([[0.1, 0.5], [-0.1, -0.5]])
    >>> [wav_nc[0, chosen(wav_nc, policy)].tolist() for policy in ("mix", "left", "loudest")]
    [[0.1, 0.5], [0.1], [0.5]]
    """
    if policy == "mix" or wav_nc.shape[1] == 1:
        return slice(None)
    if policy == "loudest":
        index = int(wav_nc.std(axis=0).argmax()) if len(wav_nc) else 0
    else:
        index = 0 if policy == "left" else 1
    return slice(index, index + 1)


def silent(wav_nc: NDArray[np.floating[Any]]) -> int:
    """Channels whose samples are all the same, beside at least one other.

    The mean of a channel with speech and of one without is 6 dB below the speech.

    >>> silent(np.array([[0.1, 0.0], [-0.1, 0.0]])), silent(np.zeros((2, 2)))
    (1, 0)
    """
    same = int((np.ptp(wav_nc, axis=0) == 0).sum()) if len(wav_nc) else 0
    return same if same < wav_nc.shape[1] else 0
