"""What becomes of each item of a corpus: an utterance with its clip, or the reason why not."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mtlser import runtime
from mtlser.data import audio, clip_facts, corpora, fingerprints, text
from mtlser.data.corpora import Item
from mtlser.recipe import DataRecipe
from mtlser.records import Utterance

DUPLICATE_ID = "duplicate id"
SHORTER, LONGER = "shorter than data.min_duration_s", "longer than data.max_duration_s"


@dataclass(frozen=True)
class Outcome:
    """Result of one item: an utterance, or the reason why it was left out."""

    item: Item
    utterance: Utterance | None
    reason: str | None = None
    detail: str | None = None
    faulty: bool = False
    words: fingerprints.Words | None = None
    length_known: bool = True
    """False where a kept file states no length, so that it may have been cut off."""
    facts: clip_facts.ClipFacts | None = None


def outcomes_of(
    items: Sequence[Item],
    classes: Mapping[str, str],
    data: DataRecipe,
    folder: Path,
    progress: runtime.Progress,
) -> list[Outcome]:
    """One outcome per item, in the items' order; recordings are decoded side by side."""
    count = runtime.Count(progress, len(items), "items")
    done = _without_audio(items, classes)
    groups: dict[Path, list[int]] = {}
    for index, item in enumerate(items):
        if index in done:
            count()
        elif item.path is not None:
            groups.setdefault(item.path, []).append(index)

    def of_recording(path: Path) -> list[Outcome]:
        """Of all items of one recording, which is decoded once."""
        group = [items[index] for index in groups[path]]
        spans = [audio.Span(item.start_s, item.end_s) for item in group]
        clips = audio.decode_spans(path, spans, channels=data.channels)
        return [
            _ingest(item, clip, classes[item.label or ""], data, folder)
            for item, clip in zip(group, clips, strict=True)
        ]

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, found in zip(groups, pool.map(of_recording, groups), strict=True):
            for index, outcome in zip(groups[path], found, strict=True):
                count()
                done[index] = outcome
    return [done[index] for index in range(len(items))]


def _without_audio(items: Sequence[Item], classes: Mapping[str, str]) -> dict[int, Outcome]:
    """Outcomes, by the item's place, that do not depend on audio."""
    done: dict[int, Outcome] = {}
    ids: set[str] = set()
    for index, item in enumerate(items):
        if item.id in ids:
            done[index] = Outcome(item, None, DUPLICATE_ID)
        elif item.label is None or item.path is None:
            done[index] = Outcome(item, None, item.left_out, item.detail)
        elif item.label not in classes:
            done[index] = Outcome(item, None, corpora.OUTSIDE_TASK)
        ids.add(item.id)
    return done


def _ingest(
    item: Item, clip: audio.Clip | audio.AudioError, emotion: str, data: DataRecipe, folder: Path
) -> Outcome:
    if isinstance(clip, audio.AudioError):
        return Outcome(item, None, clip.fault, clip.detail, faulty=True)
    if not data.min_duration_s <= clip.duration_s <= data.max_duration_s:
        reason = SHORTER if clip.duration_s < data.min_duration_s else LONGER
        limits = f"allowed are {data.min_duration_s:g} to {data.max_duration_s:g} s"
        return Outcome(item, None, reason, f"{clip.duration_s:.2f} s, {limits}")
    utterance = Utterance(
        id=item.id,
        corpus=data.corpus,
        audio=audio.store(clip, folder),
        audio_sha256=clip.sha256,
        duration_s=clip.duration_s,
        level_dbfs=clip.level_dbfs,
        emotion=emotion,
        speaker=item.speaker,
        gender=item.gender,
        session=item.session,
        dialogue=item.dialogue,
        recording=item.recording,
        style=item.style,
        text=text.normalise(item.text, item.language, data.alphabet) if item.text else None,
        language=item.language,
        label=item.label,
        partition=item.partition,
        ratings=dict(item.ratings) if item.ratings else None,
    )
    words = fingerprints.fingerprint(clip.samples_n)
    facts = clip_facts.named(item.id, clip.facts)
    return Outcome(item, utterance, words=words, length_known=clip.length_known, facts=facts)
