"""What an earlier ingest of the same recordings has measured, so that it is not decoded again.

A recording is unchanged where its path, size and time of change are, and it would be decoded by
the same code with the same settings. `.sources.jsonl` holds a stamp of all that for each utterance;
what was measured lies in the corpus folder beside it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import ConfigDict
from pydantic import dataclasses as records

from mtlser.data import clip_facts, clips, fingerprints
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
    """What is known of one unchanged clip."""

    source: Source
    utterance: Utterance
    facts: ClipFacts | None


class Earlier:
    """The clips of an earlier corpus folder; none where it does not say when it was read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sources: dict[str, Source] = {}
        self._utterances: dict[str, Utterance] = {}
        self._facts: dict[str, ClipFacts] = {}
        self._prints: fingerprints.Stored | None = None
        if not (folder / SOURCES).is_file():
            return
        try:
            self._sources = {each.id: each for each in read_jsonl(folder / SOURCES, Source)}
        except MtlserError as error:
            log.warning("%s: all recordings are decoded again", error)
            return
        self._utterances = {u.id: u for u in read_jsonl(folder / "manifest.jsonl", Utterance)}
        self._facts = clip_facts.read(folder) or {}
        self._prints = fingerprints.read(folder / fingerprints.FINGERPRINTS)

    def of(self, item: Item, stamp: str | None) -> Known | None:
        """What is known of an item's clip; `None`: it is new, changed, or its file is gone.

        Args:
            item: with a recording.
            stamp: of the recording now, from `stamp`.
        """
        source, utterance = self._sources.get(item.id), self._utterances.get(item.id)
        if source is None or utterance is None or source.stamp != stamp:
            return None
        if self.words(utterance.audio_sha256) is None or not clips.holds(self.folder, utterance):
            return None
        return Known(source=source, utterance=utterance, facts=self._facts.get(item.id))

    def words(self, audio_sha256: str) -> fingerprints.Words | None:
        """The fingerprint of a clip; `None`: there is none of it."""
        return None if self._prints is None else self._prints.named(audio_sha256)


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
