"""What training does not change, computed once and kept on disk."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlser.data import clips
from mtlser.errors import DamagedError
from mtlser.evaluation.predictor import batch_s, length_batches
from mtlser.files import atomic_file, sha256_file
from mtlser.models.bundle import encoder_digest
from mtlser.models.mtl import Cut, MtlNetwork
from mtlser.models.way import by_index
from mtlser.records import Utterance
from mtlser.storage import checked, lock
from mtlser.training.batches import Read

FEATURES = "features.f32"
INDEX = "index.json"
log = logging.getLogger(__name__)

_verified: set[tuple[str, str, int, int, int]] = set()
"""Files that this process has verified, as they were then: path, digest, inode, size, time."""


class FeatureCache:
    """Features (t, c) of every utterance in one memory-mapped float32 file.

    The folder is named by the encoder's weights, the layers kept and the audio, so that another
    encoder or corpus never meets it; the index is written last and holds the file's digest.

    Raises:
        DamagedError: the index or the features are others than were written.
    """

    def __init__(self, folder: Path) -> None:
        index = index_of(folder, FEATURES)
        self.width: int = index["width"]
        self._spans: dict[str, tuple[int, int]] = index["spans"]
        self._rows: NDArray[np.float32] = np.memmap(
            folder / FEATURES, dtype=np.float32, mode="r"
        ).reshape(-1, self.width)

    def __call__(self, utterance: Utterance) -> Tensor:
        """The features of one utterance, (t, c)."""
        start, stop = self._spans[utterance.audio_sha256]
        return torch.from_numpy(np.array(self._rows[start:stop]))


def reader(
    network: MtlNetwork, cut: Cut, corpus: Path, utterances: Sequence[Utterance], work: Path
) -> Read:
    """What training reads of each utterance: samples, or cached features before `cut`.

    Args:
        network: before training; its frozen part makes the features.
        cut: `wav`, `local` or `encoded`.
        corpus: the corpus folder.
        utterances: all that will be read.
        work: folder that keeps the cache.
    """
    if cut == "wav":
        return lambda utterance: torch.from_numpy(clips.load(corpus, utterance))
    kind = f"{cut}:{network.layers}:{encoder_digest(network.encoder)}"
    folder = work / "features" / corpus_key(kind, utterances)
    return opened(folder, FeatureCache, lambda: _build(network, cut, corpus, utterances, folder))


def corpus_key(kind: str, utterances: Sequence[Utterance]) -> str:
    """Name of a cache: of what kind its features are, and of which recordings."""
    sha = hashlib.sha256(kind.encode())
    for digest in sorted({utterance.audio_sha256 for utterance in utterances}):
        sha.update(digest.encode())
    return sha.hexdigest()[:16]


CacheT = TypeVar("CacheT")


def opened(folder: Path, read: Callable[[Path], CacheT], build: Callable[[], None]) -> CacheT:
    """A cache in `folder`, built unless it is there and whole; of cells side by side one builds.

    Args:
        folder: made where absent.
        read: opens the cache; raises `DamagedError` for one that is not as it was built.
        build: writes the cache, `INDEX` last, so that a killed one is built again.
    """
    if (folder / INDEX).is_file():
        with suppress(DamagedError):  # looked at again once no other process writes it
            return read(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with lock.held(folder / ".lock"):
        if (folder / INDEX).exists():
            try:
                return read(folder)
            except DamagedError as error:
                log.warning("%s: damaged (%s); it is computed again", error.path, error.problem)
        (folder / INDEX).unlink(missing_ok=True)
        build()
    return read(folder)


def write_index(folder: Path, name: str, content: dict[str, Any]) -> None:
    """Writes the index of the file `name`, which is whole, with the digest of that file."""
    checked.write_json(folder / INDEX, {**content, "sha256": sha256_file(folder / name)})


def index_of(folder: Path, name: str) -> dict[str, Any]:
    """The index of the file `name`, which is as it was written.

    One process reads the file to the end once, at 1 to 2 GB/s, for as long as its inode, size and
    time stay.

    Raises:
        DamagedError: the index or the file is another one.
    """
    index: dict[str, Any] = checked.read_json(folder / INDEX)
    path = folder / name
    if not path.is_file():
        raise DamagedError(path, "missing")
    is_now = path.stat()
    key = (str(path), index["sha256"], is_now.st_ino, is_now.st_size, is_now.st_mtime_ns)
    if key not in _verified:
        checked.verify_file(path, index["sha256"])
        _verified.add(key)
    return index


def _build(
    network: MtlNetwork, cut: Cut, corpus: Path, utterances: Sequence[Utterance], folder: Path
) -> None:
    spans: dict[str, tuple[int, int]] = {}
    position = width = 0
    network.eval()
    with (
        atomic_file(folder / FEATURES, flag="--work") as temporary,
        temporary.open("wb") as file,
        torch.inference_mode(),
    ):
        for batch in _batches(utterances, next(network.parameters()).device):
            wavs = [torch.from_numpy(clips.load(corpus, utterance)) for utterance in batch]
            for utterance, features_tc in zip(batch, _features(network, cut, wavs), strict=True):
                width = features_tc.shape[1]
                file.write(features_tc.tobytes())
                spans[utterance.audio_sha256] = (position, position + len(features_tc))
                position += len(features_tc)
    write_index(folder, FEATURES, {"width": width, "spans": spans})


def _batches(utterances: Sequence[Utterance], device: torch.device) -> Iterator[list[Utterance]]:
    """Yields each recording once: one by one on a CPU, as many as fit at once on a GPU."""
    first: dict[str, Utterance] = {}
    for utterance in utterances:
        first.setdefault(utterance.audio_sha256, utterance)
    once = list(first.values())
    if not by_index(device):
        yield from ([utterance] for utterance in once)
        return
    for indices in length_batches([each.duration_s for each in once], batch_s(device)):
        yield [once[i] for i in indices]


def _features(network: MtlNetwork, cut: Cut, wavs: list[Tensor]) -> list[NDArray[np.float32]]:
    """The features of each clip, (t, c)."""
    rows = network.encoder.local_rows(wavs)
    if cut == "encoded":
        rows = network.encode(rows)
    on_host = rows.rows_nd.float().cpu().contiguous()
    return [clip_tc.numpy() for clip_tc in on_host.split(rows.lengths)]


@dataclass(frozen=True)
class Statistics:
    """How features spread over the training utterances, (c,) each; an utterance counts once."""

    mean_c: Tensor
    pooled_sd_c: Tensor
    """Of the utterances' mean vectors."""
    frame_sd_c: Tensor
    """Of single frames around `mean_c`."""


def statistics(read: Read, utterances: Sequence[Utterance]) -> Statistics:
    """Mean of the features, SD of pooled vectors and SD of frames, over the utterances."""
    features = [read(utterance) for utterance in utterances]
    pooled_nc = torch.stack([feature_tc.double().mean(0) for feature_tc in features])
    mean_c = pooled_nc.mean(0)
    squares_nc = torch.stack([(f_tc.double() - mean_c).square().mean(0) for f_tc in features])
    return Statistics(
        mean_c.float(),
        pooled_nc.std(0, correction=min(1, len(features) - 1)).clamp(min=1e-5).float(),
        squares_nc.mean(0).sqrt().clamp(min=1e-5).float(),
    )
