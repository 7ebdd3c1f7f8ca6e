"""Fingerprints on the disk while they are taken, in any order: memory does not hold them."""

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import IO

import numpy as np

from mtlser.data.fingerprints import store
from mtlser.data.fingerprints.words import Words


class Spilled:
    """Words of clips in a file.

    Args:
        file: empty, to write and read; open as long as this is used.
        places: an empty dictionary for the place of each clip's words; `None`: one in memory.
    """

    def __init__(
        self, file: IO[bytes], places: MutableMapping[str, list[int]] | None = None
    ) -> None:
        self._file = file
        self._places = {} if places is None else places
        self._count = 0

    def add(self, audio_sha256: str, words: Words) -> None:
        """Takes the words of a clip; of one that it has already they are the same."""
        if audio_sha256 in self._places:
            return
        self._places[audio_sha256] = [self._count, self._count + len(words)]
        self._count += len(words)
        self._file.write(words.astype("<u4", copy=False).tobytes())

    def write(self, path: Path, audio: bytes | bytearray) -> None:
        """Writes the fingerprints of some of the clips to `path`, whole.

        Args:
            path: the file.
            audio: SHA-256 of the clips' samples, each once and in order, 32 bytes each.
        """
        self._file.flush()
        clips = store.Digests(np.frombuffer(audio, np.uint8).reshape(-1, 32))
        places = np.fromiter(
            (place for name in clips for place in self._places[name]), np.int64, 2 * len(clips)
        ).reshape(-1, 2)
        store.write_streamed(
            path, clips, np.diff(places, axis=1).ravel(), (self._words(*each) for each in places)
        )

    def _words(self, start: int, end: int) -> Words:
        return np.frombuffer(os.pread(self._file.fileno(), 4 * (end - start), 4 * start), "<u4")
