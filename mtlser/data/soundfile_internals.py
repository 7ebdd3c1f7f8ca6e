"""What is used of soundfile beyond its public interface; a new version is checked here first.

Its own `read` asks for all frames that the header states at once, and seeks after each block: a
FLAC file that states no length can be read neither way, and an MP3 changes by rounding.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from soundfile import _ffi, _snd

BLOCK = 1 << 16
"""Sample frames."""


def blocks(file: soundfile.SoundFile) -> Iterator[NDArray[np.float64]]:
    """Yields the samples of a file just opened, (n, channel) at a time.

    It ends where libsndfile says that the file does, since garbage may follow.

    Raises:
        soundfile.LibsndfileError: it cannot be decoded.
    """
    handle: Any = file._file
    left = int(file.frames)
    while left > 0:
        block_nc = np.empty((min(BLOCK, left), file.channels))
        target = _ffi.cast("double*", block_nc.ctypes.data)
        count = _snd.sf_readf_double(handle, target, len(block_nc))
        fault = _snd.sf_error(handle)
        if fault:
            raise soundfile.LibsndfileError(fault)
        if count <= 0:
            return
        left -= count
        yield block_nc[:count]
