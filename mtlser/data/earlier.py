"""What an earlier ingest of the same recordings has measured, so that it is not decoded again.

A recording is unchanged where its path, size and time of change are, and it would be decoded by
the same code with the same settings. `.sources.jsonl` holds a stamp of all that for each utterance;
what was measured lies in the corpus folder beside it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import ConfigDict
from pydantic import dataclasses as records

from mtlser.data import clip_facts, fingerprints
from mtlser.data.clip_facts import ClipFacts
from mtlser.data.corpora import Item
from mtlser.errors import MtlserError
from mtlser.records import Name, Utterance, read_jsonl

SOURCES = ".sources.jsonl"
"""Hidden, since times of change are of this machine and no part of the corpus."""
DECODERS = (
    "audio.py", "audio_file.py", "clip_facts.py", "clips.py", "decoding", "embedded.py",
    "fingerprints/words.py", "lengths", "resampling.py", "signal_checks.py",
    "soundfile_internals.py",
)  # fmt: skip
"""Code that a clip, its facts and its fingerprint come from."""
LIBRARIES = ("numpy", "scipy", "soundfile", "av")

log = logging.getLogger(__name__)


@records.dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Source:
    """One line of `.sources.jsonl`."""

    id: Name
    """Of the utterance."""
    stamp: str
    """SHA-256 of the recording's path, size and time of change, the piece of it, and the code."""
    length_known: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one clip, should its recording not have changed."""

    source: Source
    utterance: Utterance
    facts: ClipFacts | None


class Earlier:
    """The clips of an earlier corpus folder; none where it does not say when it was read.

    Args:
        folder: the corpus folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        prints = folder / fingerprints.FINGERPRINTS
        there = (folder / SOURCES).is_file()
        self._prints = fingerprints.read(prints) if there else None

    def known(self) -> Iterator[Known]:
        """Yields what is known of each clip, one by one.

        Nothing is known from the first line of `.sources.jsonl` on that is damaged.
        """
        if self._prints is None:
            return
        utterance_of = InStep(read_jsonl(self.folder / "manifest.jsonl", Utterance))
        facts_of = InStep(clip_facts.read(self.folder) or ())
        try:
            for source in read_jsonl(self.folder / SOURCES, Source):
                utterance = utterance_of(source.id)
                if utterance is not None and self._has_words(utterance):
                    yield Known(source, utterance, facts_of(source.id))
        except MtlserError as error:
            log.warning("%s: recordings from there on are decoded again", error)

    def words(self, audio_sha256: str) -> fingerprints.Words:
        """The fingerprint of a known clip."""
        assert self._prints is not None, audio_sha256
        return self._prints.read(audio_sha256)

    def _has_words(self, clip: Utterance) -> bool:
        return self._prints is not None and self._prints.audio.place(clip.audio_sha256) is not None


class Named(Protocol):
    """A record that has an id."""

    @property
    def id(self) -> str:
        """Its id."""


NamedT = TypeVar("NamedT", bound=Named)


class InStep(Generic[NamedT]):
    """Finds records by their ids while it reads them, as far as they are asked for.

    Where they come in the order in which they are asked for, memory holds none of them; else those
    that were passed over.

    Args:
        records: no two of one id.
    """

    def __init__(self, records: Iterable[NamedT]) -> None:
        self._rest = iter(records)
        self._passed: dict[str, NamedT] = {}

    def __call__(self, identity: str) -> NamedT | None:
        """The record of that id; each is given once. `None`: there is none."""
        if identity in self._passed:
            return self._passed.pop(identity)
        for record in self._rest:
            if record.id == identity:
                return record
            self._passed[record.id] = record
        return None


def stamp(item: Item, root: Path, channels: str) -> str | None:
    """The stamp of an item's recording as it is now; `None`: it is not there.

    Args:
        item: with a recording.
        root: folder of the corpus.
        channels: `data.channels` of the recipe.
    """
    assert item.path is not None
    try:
        now = item.path.stat()
    except OSError:
        return None
    place = os.path.relpath(item.path, root)
    content = (
        place, now.st_size, now.st_mtime_ns, item.start_s, item.end_s, channels, decoder_digest(),
    )  # fmt: skip
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@cache
def decoder_digest() -> str:
    """SHA-256 of the code and libraries that clips are decoded with."""
    here, sha = Path(__file__).parent, hashlib.sha256()
    for name in DECODERS:
        for path in sorted(_sources_of(here / name)):
            sha.update(path.name.encode())
            sha.update(path.read_bytes())
    for library in LIBRARIES:
        sha.update(f"{library}=={version(library)}".encode())
    return sha.hexdigest()


def _sources_of(place: Path) -> Iterable[Path]:
    return [place] if place.is_file() else place.rglob("*.py")
