"""Clips of a corpus folder: 16-bit samples at 16 kHz, packed into shards, found by their digest.

A shard is one safetensors file of at most some hundred MB below `audio/`, which is mapped into
memory; each tensor is a clip, named by the SHA-256 of its samples. An utterance names its shard
(`audio`) and its clip (`audio_sha256`), so a step needs no further index and opens only the shards
that it reads. A clip is compared with its digest whenever it is read.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Set
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.data import audio, tensors
from mtlser.errors import MtlserError
from mtlser.files import atomic_file
from mtlser.records import Utterance, paths
from mtlser.storage import shards
from mtlser.storage.links import link
from mtlser.storage.shards import SUFFIX

SHARD_BYTES = 192 << 20
"""Of samples in one shard, 1.7 h; a writer holds as much."""
FORMAT = {"format": "1"}
"""One entry: of several, safetensors writes the order anew in each process."""
OPEN = 64
"""Shards that one process keeps mapped."""
PLACES = 4_096
"""Files whose place is remembered; a link may be exchanged meanwhile, and clips are compared with
their digests in any case."""

Samples = NDArray[np.int16]


def load(corpus: Path, utterance: Utterance) -> NDArray[np.float32]:
    """The clip of an utterance as (n,) samples between -1 and 1, exactly those that were stored.

    Args:
        corpus: the corpus folder.
        utterance: of its manifest. One whose `audio` is a recording, as in a folder that was made
            by hand or by an earlier version, is decoded.

    Raises:
        MtlserError: the shard or the recording is not there, damaged, outside of the corpus folder,
            or has no such clip.
        AudioError: see `audio.decode`.
    """
    return audio.scaled(samples(corpus, utterance))


def samples(corpus: Path, utterance: Utterance) -> Samples:
    """The stored samples of an utterance's clip, (n,).

    Raises:
        MtlserError: see `load`.
    """
    if not utterance.audio.endswith(SUFFIX):
        return _recorded(place(corpus, utterance.audio), utterance.audio_sha256)
    return _clip(_at(corpus, utterance.audio), utterance.audio_sha256)


def _at(corpus: Path, shard: str) -> Path:
    """Where a shard of the folder is on this machine, fetched where it lies on S3."""
    path = place(corpus, shard)
    return path if path.is_file() else shards.fetched(corpus, shard) or path


@lru_cache(PLACES)
def place(corpus: Path, name: str) -> Path:
    """The file that utterances name as their `audio`.

    Raises:
        MtlserError: a link leads out of the corpus folder.
    """
    return paths.within(corpus, name)


def _recorded(path: Path, sha256: str) -> Samples:
    clip = audio.decode(path)
    if clip.sha256 != sha256:
        raise MtlserError(
            f"{path}: has audio {clip.sha256[:12]}, which is not the recording of the manifest "
            f"({sha256[:12]}); put that one back, or run `mtlser ingest` again"
        )
    return clip.samples_n


def _clip(path: Path, sha256: str) -> Samples:
    from safetensors import SafetensorError

    try:
        found = path.stat()
        clip_n: Samples = _shard(path, found.st_mtime_ns, found.st_size).get_tensor(sha256)
    except (SafetensorError, OSError) as error:
        raise MtlserError(
            f"{path}: no clip {sha256[:12]} that can be read ({error}); run `mtlser ingest` again"
        ) from None
    if digest(clip_n) != sha256:
        raise MtlserError(
            f"{path}: the samples of clip {sha256[:12]} are not those that were stored; delete "
            "the file, and run `mtlser ingest` again"
        )
    return clip_n


def digest(samples_n: Samples) -> str:
    """SHA-256 of samples: the same for the same sound, however it was stored."""
    return hashlib.sha256(samples_n.astype("<i2", copy=False).tobytes()).hexdigest()


@lru_cache(OPEN)
def _shard(path: Path, changed_ns: int, size: int) -> Any:
    """An open shard; another one where the file was replaced."""
    from safetensors import safe_open

    return safe_open(path, framework="numpy")


@lru_cache(OPEN)
def _keys(path: Path, changed_ns: int, size: int) -> frozenset[str]:
    return frozenset(_shard(path, changed_ns, size).keys())


def _names(path: Path) -> frozenset[str]:
    """Digests of the clips of a shard; none of one that cannot be read."""
    from safetensors import SafetensorError

    try:
        found = path.stat()
        return _keys(path, found.st_mtime_ns, found.st_size)
    except (SafetensorError, OSError):
        return frozenset()


def holds(corpus: Path, utterance: Utterance) -> bool:
    """Whether a shard of the corpus folder has the utterance's clip.

    A shard at hand says so in its header; one on S3 is not fetched for that.
    """
    path = place(corpus, utterance.audio)
    if path.suffix != SUFFIX:
        return False
    return utterance.audio_sha256 in _names(path) or shards.lists(corpus, utterance.audio)


class _Read:
    """A shard that is read clip by clip and not mapped; one that is damaged has no clips.

    Args:
        path: the shard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                self._places = tensors.places(file)
        except (OSError, ValueError):
            self._places = {}

    @property
    def names(self) -> Set[str]:
        """Digests of the clips."""
        return self._places.keys()

    def clips(self, digests: Iterable[str]) -> Iterator[tuple[str, Samples]]:
        """Yields those of the clips that have the samples that were stored."""
        with self._path.open("rb") as file:
            for sha256 in digests:
                start, end = self._places.get(sha256, (0, 0))
                file.seek(start)
                content = file.read(max(0, end - start))
                if hashlib.sha256(content).hexdigest() == sha256:
                    yield sha256, np.frombuffer(content, "<i2")


class Writer:
    """Packs clips into shards as they come; the same clips in the same order give the same files.

    Args:
        corpus: the corpus folder that is written.
        most_bytes: of samples in one shard; `None`: `SHARD_BYTES`.
        places: an empty dictionary for the shard of each clip; `None`: one in memory.
    """

    def __init__(
        self,
        corpus: Path,
        most_bytes: int | None = None,
        places: MutableMapping[str, str] | None = None,
    ) -> None:
        self._corpus = corpus
        self._most_bytes = SHARD_BYTES if most_bytes is None else most_bytes
        self._places = {} if places is None else places
        self._clips: dict[str, Samples] = {}
        self._bytes = 0

    @property
    def places(self) -> Mapping[str, str]:
        """The shard of each clip that is on the disk, as a path below the corpus folder."""
        return self._places

    def add(self, sha256: str, samples_n: Samples) -> bool:
        """Takes a clip; true where a shard was full before, and is on the disk now.

        One that it has already costs nothing.
        """
        if sha256 in self._places or sha256 in self._clips:
            return False
        full = bool(self._clips) and self._bytes + samples_n.nbytes > self._most_bytes
        if full:
            self._flush()
        self._clips[sha256] = samples_n
        self._bytes += samples_n.nbytes
        return full

    def reuse(self, corpus: Path, place: str, digests: Iterable[str]) -> frozenset[str]:
        """Takes clips from a shard of an earlier corpus folder; digests of those that are whole.

        A shard of which every clip is wanted is linked, so that its bytes stay once on the disk.

        Args:
            corpus: the earlier folder.
            place: the shard; of a recording nothing is taken.
            digests: of the clips that are wanted.
        """
        if not place.endswith(SUFFIX):
            return frozenset()
        path = _at(corpus, place)
        shard = _Read(path)
        wanted = [sha256 for sha256 in dict.fromkeys(digests) if sha256 in shard.names]
        if not wanted:
            return frozenset()
        whole = dict.fromkeys(sha256 for sha256, _ in shard.clips(wanted))
        if whole.keys() == shard.names:
            self._link(path, place, whole)
        else:
            for sha256, samples_n in shard.clips(whole):
                self.add(sha256, samples_n)
        return frozenset(whole)

    def close(self) -> Mapping[str, str]:
        """Writes what is left; `places`."""
        self._flush()
        return self._places

    def _link(self, shard: Path, place: str, clips: Iterable[str]) -> None:
        if not (self._corpus / place).exists():
            link(shard, self._corpus / place)
        self._places.update(dict.fromkeys(clips, place))

    def _flush(self) -> None:
        if not self._clips:
            return
        names = sorted(self._clips)
        name = hashlib.sha256("".join(names).encode()).hexdigest()[:24]
        place = f"audio/{name}{SUFFIX}"
        shapes = {
            each: ("I16", list(clip_n.shape), clip_n.nbytes)
            for each, clip_n in sorted(self._clips.items())
        }
        (self._corpus / "audio").mkdir(parents=True, exist_ok=True)
        with (
            atomic_file(self._corpus / place, durable=False) as temporary,
            temporary.open("wb") as file,
        ):
            file.write(tensors.header(FORMAT, shapes))
            for each in names:
                file.write(np.ascontiguousarray(self._clips[each], dtype="<i2").data)
        self._places.update(dict.fromkeys(self._clips, place))
        self._clips, self._bytes = {}, 0
