"""What ingest has measured of clips, on the disk: of a whole corpus, or of an ingest under way.

An ingest that is killed leaves what it has decoded: with each full shard, the utterances in it go
to a folder of their own, which is laid out as a corpus folder is. The next ingest takes the clips
from there as it takes them from an earlier corpus folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mtlser.data import clip_facts, fingerprints
from mtlser.data.earlier import SOURCES
from mtlser.data.outcome import Outcome
from mtlser.files import atomic_folder
from mtlser.records import Utterance, write_jsonl
from mtlser.storage.links import link

MANIFEST = "manifest.jsonl"


def write(
    folder: Path,
    outcomes: Sequence[Outcome],
    shards: Mapping[str, str],
    words: fingerprints.Spilled,
) -> list[Utterance]:
    """Writes manifest, facts, fingerprints and stamps of the clips that were kept; the utterances.

    Args:
        folder: the corpus folder.
        outcomes: in any order.
        shards: where each clip is, by its SHA-256.
        words: of all clips.
    """
    kept = [o.utterance for o in outcomes if o.utterance is not None]
    placed = (replace(each, audio=shards[each.audio_sha256]) for each in kept)
    utterances = sorted(placed, key=lambda each: each.id)
    sources = {o.source.id: o.source for o in outcomes if o.source is not None}
    write_jsonl(folder / MANIFEST, utterances)
    words.write(folder / fingerprints.FINGERPRINTS, {each.audio_sha256 for each in utterances})
    write_jsonl(folder / clip_facts.CLIPS, clip_facts.in_order(o.facts for o in outcomes))
    write_jsonl(folder / SOURCES, [sources[name] for name in sorted(sources)])
    return utterances


class UnderWay:
    """The clips of an ingest that is not over, shard by shard.

    Args:
        place: folder that outlives a killed ingest; `None`: nothing is kept.
        corpus: the corpus folder that is written.
        words: of all clips that are added.
    """

    def __init__(self, place: Path | None, corpus: Path, words: fingerprints.Spilled) -> None:
        self._place, self._corpus, self._words = place, corpus, words
        self._waiting: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Takes an utterance whose clip is in the open shard, or in an earlier one."""
        if self._place is not None:
            self._waiting.append(outcome)

    def keep(self, shards: Mapping[str, str]) -> None:
        """Keeps what was added, now that its shard is on the disk."""
        if self._place is None or not self._waiting:
            return
        last = self._waiting[-1].utterance
        assert last is not None
        self._place.mkdir(parents=True, exist_ok=True)
        with atomic_folder(self._place / Path(shards[last.audio_sha256]).stem) as folder:
            utterances = write(folder, self._waiting, shards, self._words)
            for place in {each.audio for each in utterances}:
                link(self._corpus / place, folder / place)
        self._waiting = []


def left_by(place: Path | None) -> list[Path]:
    """The folders that a killed ingest has left."""
    if place is None or not place.is_dir():
        return []
    return sorted(folder for folder in place.iterdir() if (folder / MANIFEST).is_file())
