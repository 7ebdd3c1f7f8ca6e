"""What became of one item of a corpus."""

from dataclasses import dataclass

from mtlser.data.clip_facts import ClipFacts
from mtlser.data.corpora import Item
from mtlser.data.earlier import Source
from mtlser.records import Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an item that became an utterance has beside its labels."""

    corpus: str
    emotion: str
    audio_sha256: str
    duration_s: float
    level_dbfs: float
    text: str | None
    """Transcript as normalised."""
    dropped: tuple[tuple[str, int], ...]
    """What the vocabulary cannot spell of it; see `text.Cleaned`."""
    length_known: bool
    """False where the file states no length, so that it may have been cut off."""
    facts: ClipFacts | None
    source: Source | None
    """Stamp of the recording; `None` where its file has no time of change."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one item: what is kept of it, or the reason why it was left out."""

    kept: Kept | None
    reason: str | None = None
    detail: str | None = None
    faulty: bool = False


def utterance(item: Item, kept: Kept, shard: str) -> Utterance:
    """The utterance that an item became; `shard` holds its clip, below the corpus folder."""
    return Utterance(
        id=item.id,
        corpus=kept.corpus,
        audio=shard,
        audio_sha256=kept.audio_sha256,
        duration_s=kept.duration_s,
        level_dbfs=kept.level_dbfs,
        emotion=kept.emotion,
        speaker=item.speaker,
        gender=item.gender,
        session=item.session,
        dialogue=item.dialogue,
        recording=item.recording,
        style=item.style,
        text=kept.text,
        language=item.language,
        label=item.label,
        partition=item.partition,
        ratings=dict(item.ratings) if item.ratings else None,
    )
