"""The fingerprints of many clips, in one file that is mapped into memory."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mtlser.data import tensors
from mtlser.data.fingerprints.words import Words
from mtlser.errors import MtlserError
from mtlser.files import atomic_file

FINGERPRINTS = "fingerprints.safetensors"
FORMAT = {"format": "1"}
BLOCK = 10_000
"""Digests that are looked up at a time."""


class Digests(Sequence[str]):
    """SHA-256 of many clips as hexadecimal text, held as 32 bytes each.

    Args:
        digest_cb: in order, (clip, byte).
    """

    def __init__(self, digest_cb: NDArray[np.uint8]) -> None:
        self._digest_c = np.ascontiguousarray(digest_cb).view("S32").ravel()

    def __len__(self) -> int:
        return len(self._digest_c)

    @overload
    def __getitem__(self, clip: int) -> str: ...
    @overload
    def __getitem__(self, clip: slice) -> list[str]: ...
    def __getitem__(self, clip: int | slice) -> str | list[str]:
        if isinstance(clip, slice):
            return [self[each] for each in range(*clip.indices(len(self)))]
        return self._digest_c[clip].ljust(32, b"\0").hex()  # numpy takes zeros off the end

    def place(self, name: str) -> int | None:
        """Which clip has this digest; `None`: none has."""
        asked = np.frombuffer(bytes.fromhex(name), dtype="S32")
        at = int(np.searchsorted(self._digest_c, asked)[0])
        return at if at < len(self) and self._digest_c[at] == asked[0] else None

    def lacking(self, names: Iterable[str]) -> int:
        """How many of these are not here."""
        left, count = iter(names), 0
        while block := list(islice(left, BLOCK)):
            asked_c = np.frombuffer(bytes.fromhex("".join(block)), dtype="S32")
            at_c = np.searchsorted(self._digest_c, asked_c)
            here_c = at_c < len(self)
            here_c[here_c] = self._digest_c[at_c[here_c]] == asked_c[here_c]
            count += len(block) - int(here_c.sum())
        return count


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """The words of several clips, one clip after the other."""

    audio: Sequence[str]
    """SHA-256 of each clip's samples, in order."""
    starts: NDArray[np.int64]
    """Place of each clip's first word, and the end: one more than clips."""
    words: Words

    def of(self, clip: int) -> Words:
        """Words of one clip."""
        return self.words[self.starts[clip] : self.starts[clip + 1]]


@dataclass(frozen=True, eq=False)
class Stored(Fingerprints):
    """Fingerprints of a file; their words are mapped into memory."""

    audio: Digests
    path: Path
    place: int
    """Of the first word, in bytes."""

    def read(self, audio_sha256: str) -> Words:
        """Words of the clip with these samples, which must be here, read without the mapping."""
        clip = self.audio.place(audio_sha256)
        assert clip is not None, audio_sha256
        start, end = self.starts[clip : clip + 2].tolist()
        file = os.open(self.path, os.O_RDONLY)
        try:
            content = os.pread(file, 4 * (end - start), self.place + 4 * start)
        finally:
            os.close(file)
        return np.frombuffer(content, "<u4")


def gather(words: Mapping[str, Words]) -> Fingerprints:
    """The fingerprints of several clips as one.

    Args:
        words: of each clip, by the SHA-256 of its samples.
    """
    audio = tuple(sorted(words))
    lengths = [len(words[name]) for name in audio]
    return Fingerprints(
        audio=audio,
        starts=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        words=np.concatenate([np.zeros(0, np.uint32), *(words[name] for name in audio)]),
    )


def write(path: Path, prints: Fingerprints) -> None:
    """Writes fingerprints to `path`, whole; the same bytes for the same clips."""
    write_streamed(path, prints.audio, np.diff(prints.starts), [prints.words])


def write_streamed(
    path: Path, audio: Sequence[str], lengths: Iterable[int], words: Iterable[Words]
) -> None:
    """Writes fingerprints whose words are not all in memory, as a safetensors file.

    Args:
        path: the file.
        audio: SHA-256 of each clip's samples, in order; `Digests` of many.
        lengths: words of each clip.
        words: of all clips in that order, in any portions.
    """
    starts = np.zeros(len(audio) + 1, dtype="<i8")
    starts[1:] = np.cumsum(np.fromiter(lengths, np.int64, len(audio)))
    shapes = {
        "starts": ("I64", [len(starts)], starts.nbytes),
        "words": ("U32", [int(starts[-1])], 4 * int(starts[-1])),
        "audio": ("U8", [len(audio), 32], 32 * len(audio)),
    }
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(tensors.header(FORMAT, shapes))
        file.write(starts.data)
        for some in words:
            file.write(np.ascontiguousarray(some, dtype="<u4").data)
        for start in range(0, len(audio), BLOCK):
            file.write(bytes.fromhex("".join(audio[start : start + BLOCK])))


def read(path: Path) -> Stored:
    """The fingerprints that `write` wrote; the words stay on the disk and are mapped into memory.

    Raises:
        MtlserError: the file holds something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:  # checks the header and the length
            audio, starts = file.get_tensor("audio"), file.get_tensor("starts")
        prints = Stored(Digests(audio), starts, *_mapped(path))
    except (SafetensorError, KeyError, OSError, ValueError) as error:
        raise MtlserError(
            f"{path}: no fingerprints of clips ({error}); run `mtlser ingest` again"
        ) from None
    return prints


def _mapped(path: Path) -> tuple[Words, Path, int]:
    """The tensor `words` of a safetensors file, mapped into memory; the file; its place there."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        tensor = json.loads(file.read(length))["words"]
    start, end = tensor["data_offsets"]
    place = 8 + length + start
    if start == end:
        return np.zeros(0, np.uint32), path, place
    mapped = np.memmap(path, np.dtype("<u4"), "r", place, tuple(tensor["shape"]))
    return np.asarray(mapped), path, place
