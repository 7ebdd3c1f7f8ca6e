"""What became of one item of a corpus."""

from dataclasses import dataclass

from mtlser.data import clip_facts
from mtlser.data.corpora import Item
from mtlser.data.earlier import Source
from mtlser.records import Utterance


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one item: an utterance, or the reason why it was left out."""

    item: Item
    utterance: Utterance | None
    reason: str | None = None
    detail: str | None = None
    faulty: bool = False
    length_known: bool = True
    """False where a kept file states no length, so that it may have been cut off."""
    facts: clip_facts.ClipFacts | None = None
    source: Source | None = None
    """Stamp of a kept recording; `None` where its file has no time of change."""
