"""What becomes of each item of a corpus: an utterance with its clip, or the reason why not."""

import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mtlser import runtime
from mtlser.data import audio, clip_facts, corpora, embedded, fingerprints, text
from mtlser.data.corpora import Item
from mtlser.data.earlier import Earlier, Source, stamp
from mtlser.recipe import DataRecipe
from mtlser.records import Utterance

DUPLICATE_ID = "duplicate id"
SHORTER, LONGER = "shorter than data.min_duration_s", "longer than data.max_duration_s"


log = logging.getLogger(__name__)


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
    source: Source | None = None
    """Stamp of a kept recording; `None` where its file has no time of change."""


@dataclass(frozen=True)
class Places:
    """Where recordings come from and clips go to."""

    root: Path
    """The corpus as it was given."""
    folder: Path
    """Corpus folder that is written."""
    earlier: Earlier
    """The corpus folder that was there before."""


def outcomes_of(
    items: Sequence[Item],
    classes: Mapping[str, str],
    data: DataRecipe,
    places: Places,
    progress: runtime.Progress,
) -> list[Outcome]:
    """One outcome per item, in the items' order; recordings are decoded side by side.

    A recording that has not changed since the earlier ingest is not decoded again.
    """
    count = runtime.Count(progress, len(items), "items")
    done = _without_audio(items, classes)
    groups: dict[Path, list[int]] = {}
    for index, item in enumerate(items):
        if index not in done and (known := _known(item, classes, data, places)) is not None:
            done[index] = known
        if index in done:
            count()
        elif item.path is not None:
            groups.setdefault(item.path, []).append(index)
    if places.earlier.folder is not None:
        again = sum(map(len, groups.values()))
        log.info("%d of %d items are to be decoded, the others are known", again, len(items))

    def of_recording(path: Path) -> list[Outcome]:
        """Of all items of one file: a recording, which is decoded once, or one that holds many."""
        group = [items[index] for index in groups[path]]
        # Before the file is read: one that changes meanwhile is another one the next time.
        stamps = [stamp(item, places.root, data.channels) for item in group]
        clips = embedded.clips(path, group, data.channels)
        return [
            _ingest(item, clip, now, classes[item.label or ""], data, places)
            for item, clip, now in zip(group, clips, stamps, strict=True)
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


def _known(
    item: Item, classes: Mapping[str, str], data: DataRecipe, places: Places
) -> Outcome | None:
    """The outcome of an item whose recording has not changed; `None`: it has to be decoded."""
    if places.earlier.folder is None or item.path is None:
        return None
    known = places.earlier.of(item, stamp(item, places.root, data.channels))
    if known is None:
        return None
    clip = known.utterance
    if (refused := _refused_length(item, clip.duration_s, data)) is not None:
        return refused
    places.earlier.keep(clip, places.folder)
    return Outcome(
        item,
        _utterance(item, clip, classes[item.label or ""], data),
        words=places.earlier.words(clip.audio_sha256),
        length_known=known.source.length_known,
        facts=known.facts,
        source=known.source,
    )


def _ingest(
    item: Item,
    clip: audio.Clip | audio.AudioError,
    now: str | None,
    emotion: str,
    data: DataRecipe,
    places: Places,
) -> Outcome:
    if isinstance(clip, audio.AudioError):
        return Outcome(item, None, clip.fault, clip.detail, faulty=True)
    if (refused := _refused_length(item, clip.duration_s, data)) is not None:
        return refused
    measured = Measured(
        audio.store(clip, places.folder), clip.sha256, clip.duration_s, clip.level_dbfs
    )
    return Outcome(
        item,
        _utterance(item, measured, emotion, data),
        words=fingerprints.fingerprint(clip.samples_n),
        length_known=clip.length_known,
        facts=clip_facts.named(item.id, clip.facts),
        source=_source(item, now, places.folder / measured.audio, length_known=clip.length_known),
    )


def _refused_length(item: Item, duration_s: float, data: DataRecipe) -> Outcome | None:
    if data.min_duration_s <= duration_s <= data.max_duration_s:
        return None
    reason = SHORTER if duration_s < data.min_duration_s else LONGER
    limits = f"allowed are {data.min_duration_s:g} to {data.max_duration_s:g} s"
    return Outcome(item, None, reason, f"{duration_s:.2f} s, {limits}")


@dataclass(frozen=True)
class Measured:
    """What an utterance has of its clip."""

    audio: str
    audio_sha256: str
    duration_s: float
    level_dbfs: float


def _source(item: Item, now: str | None, stored: Path, *, length_known: bool) -> Source | None:
    if now is None:
        return None
    size = stored.stat().st_size
    return Source(id=item.id, stamp=now, stored_bytes=size, length_known=length_known)


def _utterance(item: Item, clip: Measured | Utterance, emotion: str, data: DataRecipe) -> Utterance:
    return Utterance(
        id=item.id,
        corpus=data.called,
        audio=clip.audio,
        audio_sha256=clip.audio_sha256,
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
