"""Fingerprints on the disk while they are taken, in any order: memory does not hold them."""

import os
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from mtlser.data.fingerprints import store
from mtlser.data.fingerprints.words import Words


class Spilled:
    """Words of clips in a file.

    Args:
        file: empty, to write and read; open as long as this is used.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._clips: dict[str, int] = {}
        self._starts = array("q", [0])

    def add(self, audio_sha256: str, words: Words) -> None:
        """Takes the words of a clip; of one that it has already they are the same."""
        if audio_sha256 in self._clips:
            return
        self._clips[audio_sha256] = len(self._clips)
        self._starts.append(self._starts[-1] + len(words))
        self._file.write(words.astype("<u4", copy=False).tobytes())

    def write(self, path: Path, audio_sha256: Iterable[str]) -> None:
        """Writes the fingerprints of some of the clips to `path`, whole."""
        self._file.flush()
        names = sorted(audio_sha256)
        lengths = (self._starts[clip + 1] - self._starts[clip] for clip in map(self._place, names))
        store.write_streamed(path, names, lengths, map(self._words, names))

    def _place(self, audio_sha256: str) -> int:
        return self._clips[audio_sha256]

    def _words(self, audio_sha256: str) -> Words:
        clip = self._clips[audio_sha256]
        start, end = self._starts[clip], self._starts[clip + 1]
        return np.frombuffer(os.pread(self._file.fileno(), 4 * (end - start), 4 * start), "<u4")
