"""What ingest has measured of clips, on the disk: of a whole corpus, or of an ingest under way.

An ingest that is killed leaves what it has decoded: with each full shard, the utterances in it go
to a folder of their own, which is laid out as a corpus folder is. The next ingest takes the clips
from there as it takes them from an earlier corpus folder.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mtlser.data import clip_facts, fingerprints, outcome
from mtlser.data.clip_facts import ClipFacts
from mtlser.data.earlier import SOURCES
from mtlser.data.ledger import Ledger
from mtlser.files import atomic_folder
from mtlser.records import Utterance
from mtlser.records.files import jsonl_file
from mtlser.storage.links import link

MANIFEST = "manifest.jsonl"


def write(
    folder: Path,
    ledger: Ledger,
    shards: Mapping[str, str],
    words: fingerprints.Spilled,
    numbers: Sequence[int] | None = None,
) -> Iterator[tuple[Utterance, ClipFacts | None]]:
    """Writes manifest, facts, fingerprints and stamps of the clips that were kept.

    Yields each utterance once it is written, by its id; the files are there when all were taken.

    Args:
        folder: the corpus folder.
        ledger: has the outcomes.
        shards: where each clip is, by its SHA-256.
        words: of all clips.
        numbers: of the items that are written; `None`: all.
    """
    with (
        jsonl_file(folder / MANIFEST) as add,
        jsonl_file(folder / clip_facts.CLIPS) as add_facts,
        jsonl_file(folder / SOURCES) as add_source,
    ):
        silent = clip_facts.Silent()
        for item, kept in ledger.kept(numbers):
            utterance = outcome.utterance(item, kept, shards[kept.audio_sha256])
            add(utterance)
            if kept.facts is not None:
                silent.count(kept.facts)
                add_facts(kept.facts)
            if kept.source is not None:
                add_source(kept.source)
            yield utterance, kept.facts
        silent.tell()
    words.write(folder / fingerprints.FINGERPRINTS, ledger.audio(numbers))


class UnderWay:
    """The clips of an ingest that is not over, shard by shard.

    Args:
        place: folder that outlives a killed ingest; `None`: nothing is kept.
        corpus: the corpus folder that is written.
        ledger: has the outcomes of all items that are added.
        words: of all clips that are added.
    """

    def __init__(
        self, place: Path | None, corpus: Path, ledger: Ledger, words: fingerprints.Spilled
    ) -> None:
        self._place, self._corpus, self._ledger, self._words = place, corpus, ledger, words
        self._waiting = array("q")
        self._last = ""

    def add(self, number: int, audio_sha256: str) -> None:
        """Takes an item whose clip is in the open shard, or in an earlier one."""
        if self._place is not None:
            self._waiting.append(number)
            self._last = audio_sha256

    def keep(self, shards: Mapping[str, str]) -> None:
        """Keeps what was added, now that its shard is on the disk."""
        if self._place is None or not self._waiting:
            return
        self._place.mkdir(parents=True, exist_ok=True)
        with atomic_folder(self._place / Path(shards[self._last]).stem) as folder:
            written = write(folder, self._ledger, shards, self._words, self._waiting)
            for place in {utterance.audio for utterance, _ in written}:
                link(self._corpus / place, folder / place)
        self._waiting = array("q")


def left_by(place: Path | None) -> list[Path]:
    """The folders that a killed ingest has left."""
    if place is None or not place.is_dir():
        return []
    return sorted(folder for folder in place.iterdir() if (folder / MANIFEST).is_file())
