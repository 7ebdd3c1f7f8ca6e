"""The SVM's features, computed once for each recording and shared by all folds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.data import clips
from mtlser.files import atomic_file
from mtlser.models.baselines import mel_statistics
from mtlser.records import Utterance
from mtlser.training import features as caches

FEATURES = "features.npy"
VERSION = 1
"""Of the features; another one never meets a cache of this one."""


class SvmFeatures:
    """One row of 720 numbers for each recording of a corpus, on disk, found by its audio's hash.

    Raises:
        DamagedError: the index or the rows are others than were written.
    """

    def __init__(self, folder: Path) -> None:
        self._row_of: dict[str, int] = caches.index_of(folder, FEATURES)["rows"]
        self._rows_nd: NDArray[np.float64] = np.load(folder / FEATURES, mmap_mode="r")

    def __call__(self, utterances: Sequence[Utterance]) -> NDArray[np.float64]:
        """The features of the utterances, (n, 720), in their order."""
        wanted = [self._row_of[utterance.audio_sha256] for utterance in utterances]
        return np.array(self._rows_nd[wanted])


def reader(corpus: Path, utterances: Sequence[Utterance], work: Path) -> SvmFeatures:
    """The features of all utterances; computed by the first call in a work folder, then read.

    Args:
        corpus: the corpus folder.
        utterances: all that will be asked for.
        work: folder that outlives a killed step and that cells side by side share.
    """
    folder = work / "svm-features" / caches.corpus_key(f"mel statistics {VERSION}", utterances)
    return caches.opened(folder, SvmFeatures, lambda: _compute(corpus, utterances, folder))


def _compute(corpus: Path, utterances: Sequence[Utterance], folder: Path) -> None:
    """Writes the rows, then the index, each whole."""
    clip_of = {utterance.audio_sha256: utterance for utterance in utterances}
    rows: list[NDArray[Any]] = [
        mel_statistics.features(clips.load(corpus, each)) for each in clip_of.values()
    ]
    with (
        atomic_file(folder / FEATURES, flag="--work") as temporary,
        temporary.open("wb") as file,
    ):
        np.save(file, np.stack(rows))
    caches.write_index(folder, FEATURES, {"rows": {key: row for row, key in enumerate(clip_of)}})
