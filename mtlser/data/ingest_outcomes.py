"""What becomes of each item of a corpus: an utterance with its clip, or the reason why not."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser import runtime
from mtlser.data import audio, clip_facts, corpora, embedded, fingerprints, text
from mtlser.data.clips import Writer
from mtlser.data.corpora import Item
from mtlser.data.earlier import Earlier, Known, Source, stamp
from mtlser.data.measured import UnderWay
from mtlser.data.outcome import Outcome
from mtlser.recipe import DataRecipe
from mtlser.records import Utterance

DUPLICATE_ID = "duplicate id"
AHEAD = 4
"""Recordings for each worker that are decoded before they are asked for."""
SHORTER, LONGER = "shorter than data.min_duration_s", "longer than data.max_duration_s"


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Where recordings come from and clips go to."""

    root: Path
    """The corpus as it was given."""
    earlier: Sequence[Earlier]
    """Corpus folders that were there before, and what a killed ingest has left."""
    clips: Writer
    """Takes the clips."""
    words: fingerprints.Spilled
    """Takes their fingerprints."""
    under_way: UnderWay
    """Keeps what was decoded until the corpus folder is whole."""


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
    done |= _unchanged(items, done, classes, data, places)
    for _ in done:
        count()
    groups: dict[Path, list[int]] = {}
    for index, item in enumerate(items):
        if index not in done and item.path is not None:
            groups.setdefault(item.path, []).append(index)
    if places.earlier:
        again = sum(map(len, groups.values()))
        log.info("%d of %d items are to be decoded, the others are known", again, len(items))

    def of_recording(path: Path) -> list[Heard]:
        """Of all items of one file: a recording, which is decoded once, or one that holds many."""
        group = [items[index] for index in groups[path]]
        # Before the file is read: one that changes meanwhile is another one the next time.
        stamps = [stamp(item, places.root, data.channels) for item in group]
        clips = embedded.clips(path, group, data.channels)
        return [
            _ingest(item, clip, now, classes[item.label or ""], data)
            for item, clip, now in zip(group, clips, stamps, strict=True)
        ]

    for path, found in zip(groups, _in_turn(of_recording, groups), strict=True):
        for index, heard in zip(groups[path], found, strict=True):
            count()
            done[index] = heard.outcome
            if heard.outcome.utterance and heard.samples_n is not None and heard.words is not None:
                sha256 = heard.outcome.utterance.audio_sha256
                places.words.add(sha256, heard.words)
                if places.clips.add(sha256, heard.samples_n):
                    places.under_way.keep(places.clips.places)
                places.under_way.add(heard.outcome)
    return [done[index] for index in range(len(items))]


@dataclass(frozen=True, eq=False)
class Heard:
    """The outcome of an item, and samples and words of its clip."""

    outcome: Outcome
    samples_n: NDArray[np.int16] | None = None
    words: fingerprints.Words | None = None


def _in_turn(
    function: Callable[[Path], list[Heard]], paths: Iterable[Path]
) -> Iterator[list[Heard]]:
    """Yields the function's values in the order of the paths, computed side by side.

    Few are computed before they are taken, so that few clips are in memory.
    """
    workers = os.cpu_count() or 1
    waiting: deque[Future[list[Heard]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for path in paths:
                waiting.append(pool.submit(function, path))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


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


def _unchanged(
    items: Sequence[Item],
    done: Mapping[int, Outcome],
    classes: Mapping[str, str],
    data: DataRecipe,
    places: Places,
) -> dict[int, Outcome]:
    """Outcomes, by the item's place, of recordings that have not changed; their clips are taken."""
    if not places.earlier:
        return {}
    now = {
        index: stamp(item, places.root, data.channels)
        for index, item in enumerate(items)
        if index not in done and item.path is not None
    }
    found: dict[int, Outcome] = {}
    for earlier in places.earlier:
        asked = {index: each for index, each in now.items() if index not in found}
        found |= _from_one(earlier, items, asked, classes, data, places)
    return found


def _from_one(
    earlier: Earlier,
    items: Sequence[Item],
    stamps: Mapping[int, str | None],
    classes: Mapping[str, str],
    data: DataRecipe,
    places: Places,
) -> dict[int, Outcome]:
    """The same, of one earlier folder."""
    known: dict[int, Known] = {}
    for index, now in stamps.items():
        each = earlier.of(items[index], now)
        if each is not None:
            known[index] = each
    outcomes = {
        index: _known(items[index], each, classes[items[index].label or ""], data)
        for index, each in known.items()
    }
    taken = [known[index].utterance for index, outcome in outcomes.items() if outcome.utterance]
    damaged = places.clips.reuse(earlier.folder, taken)
    for clip in taken:
        words = earlier.words(clip.audio_sha256)
        assert words is not None  # `of` has looked for them
        places.words.add(clip.audio_sha256, words)
    return {
        index: outcome
        for index, outcome in outcomes.items()
        if known[index].utterance.audio_sha256 not in damaged
    }


def _known(item: Item, known: Known, emotion: str, data: DataRecipe) -> Outcome:
    """The outcome of an item whose recording has not changed."""
    clip = known.utterance
    if (refused := _refused_length(item, clip.duration_s, data)) is not None:
        return refused
    return Outcome(
        item,
        _utterance(
            item,
            clip.audio_sha256,
            clip.duration_s,
            clip.level_dbfs,
            emotion,
            data,
        ),
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
) -> Heard:
    if isinstance(clip, audio.AudioError):
        return Heard(Outcome(item, None, clip.fault, clip.detail, faulty=True))
    if (refused := _refused_length(item, clip.duration_s, data)) is not None:
        return Heard(refused)
    known = clip.length_known
    outcome = Outcome(
        item,
        _utterance(item, clip.sha256, clip.duration_s, clip.level_dbfs, emotion, data),
        length_known=known,
        facts=clip_facts.named(item.id, clip.facts),
        source=None if now is None else Source(id=item.id, stamp=now, length_known=known),
    )
    return Heard(outcome, clip.samples_n, fingerprints.fingerprint(clip.samples_n))


def _refused_length(item: Item, duration_s: float, data: DataRecipe) -> Outcome | None:
    if data.min_duration_s <= duration_s <= data.max_duration_s:
        return None
    reason = SHORTER if duration_s < data.min_duration_s else LONGER
    limits = f"allowed are {data.min_duration_s:g} to {data.max_duration_s:g} s"
    return Outcome(item, None, reason, f"{duration_s:.2f} s, {limits}")


def _utterance(
    item: Item,
    audio_sha256: str,
    duration_s: float,
    level_dbfs: float,
    emotion: str,
    data: DataRecipe,
) -> Utterance:
    """The item as an utterance whose clip is still in no shard."""
    return Utterance(
        id=item.id,
        corpus=data.called,
        audio="audio",  # the shard in it is known once it is written
        audio_sha256=audio_sha256,
        duration_s=duration_s,
        level_dbfs=level_dbfs,
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
