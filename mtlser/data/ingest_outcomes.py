"""What becomes of each item of a corpus: an utterance with its clip, or the reason why not."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mtlser import runtime
from mtlser.data import audio, clip_facts, corpora, embedded, fingerprints, text
from mtlser.data.clips import Writer
from mtlser.data.corpora import Item
from mtlser.data.corpus_labels import Labelled
from mtlser.data.earlier import Earlier, Known, Source, stamp
from mtlser.data.ledger import Ledger
from mtlser.data.measured import UnderWay
from mtlser.data.outcome import Kept, Outcome
from mtlser.recipe import DataRecipe

DUPLICATE_ID = "duplicate id"
AHEAD = 4
"""Recordings for each worker that are decoded before they are asked for."""
Group = list[tuple[int, Item]]
"""Items of one file with their numbers."""
Results = list[tuple[int, "Heard"]]
SHORTER, LONGER = "shorter than data.min_duration_s", "longer than data.max_duration_s"


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Where recordings come from and what is known of them goes to."""

    ledger: Ledger
    """Has the items, and takes what becomes of them."""
    earlier: Sequence[Earlier]
    """Corpus folders that were there before, and what a killed ingest has left."""
    clips: Writer
    """Takes the clips."""
    words: fingerprints.Spilled
    """Takes their fingerprints."""
    under_way: UnderWay
    """Keeps what was decoded until the corpus folder is whole."""


def decide(source: Labelled, places: Places, progress: runtime.Progress) -> None:
    """Gives each item of a corpus its outcome; recordings are decoded side by side.

    A recording that has not changed since the earlier ingest is not decoded again.
    """
    ledger, span = places.ledger, source.items.span
    count = runtime.Count(progress, len(span), "items")
    _without_audio(ledger, source)
    for earlier in places.earlier:
        _from_earlier(earlier, source, places)
    again = ledger.without_outcome(span)
    if len(span) > again:
        count(len(span) - again)
    if places.earlier:
        log.info("%d of %d items are to be decoded, the others are known", again, len(span))
    for found in _in_turn(partial(_of_recording, source), ledger.files(span)):
        for number, heard in found:
            count()
            _take(number, heard, places)


def _of_recording(source: Labelled, group: Group) -> Results:
    """Of all items of one file: a recording, which is decoded once, or one that holds many."""
    data, items = source.data, [item for _, item in group]
    path = items[0].path
    assert path is not None, items[0].id
    # Before the file is read: one that changes meanwhile is another one the next time.
    stamps = [stamp(item, source.root, data.channels) for item in items]
    clips = embedded.clips(path, items, data.channels)
    return [
        (number, _ingest(item, clip, now, source))
        for (number, item), clip, now in zip(group, clips, stamps, strict=True)
    ]


def _take(number: int, heard: "Heard", places: Places) -> None:
    """Takes a decoded item and its clip."""
    places.ledger.set(number, heard.outcome)
    kept = heard.outcome.kept
    if kept is None or heard.samples_n is None or heard.words is None:
        return
    places.words.add(kept.audio_sha256, heard.words)
    if places.clips.add(kept.audio_sha256, heard.samples_n):
        places.under_way.keep(places.clips.places)
    places.under_way.add(number, kept.audio_sha256)


@dataclass(frozen=True, eq=False)
class Heard:
    """The outcome of an item, and samples and words of its clip."""

    outcome: Outcome
    samples_n: NDArray[np.int16] | None = None
    words: fingerprints.Words | None = None


def _in_turn(function: Callable[[Group], Results], groups: Iterable[Group]) -> Iterator[Results]:
    """Yields the function's values in the order of the groups, computed side by side.

    Few are computed before they are taken, so that few clips are in memory.
    """
    workers = os.cpu_count() or 1
    waiting: deque[Future[Results]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for group in groups:
                waiting.append(pool.submit(function, group))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _without_audio(ledger: Ledger, source: Labelled) -> None:
    """Sets the outcomes that do not depend on audio."""
    span = source.items.span
    repeated = set(ledger.repeated(span))
    for number in repeated:
        ledger.set(number, Outcome(None, DUPLICATE_ID))
    for number, item in ledger.outside(span, source.classes):
        if number in repeated:
            continue
        if item.label is None or item.path is None:
            ledger.set(number, Outcome(None, item.left_out, item.detail))
        else:
            ledger.set(number, Outcome(None, corpora.OUTSIDE_TASK))


def _from_earlier(earlier: Earlier, source: Labelled, places: Places) -> None:
    """Sets the outcomes of recordings that have not changed; their clips are taken."""
    ledger, data = places.ledger, source.data
    for known in earlier.known():
        found = ledger.named(known.source.id, source.items.span)
        if found is None:
            continue
        number, item = found
        if stamp(item, source.root, data.channels) == known.source.stamp:
            outcome = _known(item, known, source)
            if outcome.kept is None:
                ledger.set(number, outcome)
            else:
                ledger.suggest(number, known.utterance.audio, outcome)
    for shard, clips in ledger.suggested():
        whole = places.clips.reuse(earlier.folder, shard, (sha256 for _, sha256 in clips))
        for number, sha256 in clips:
            if sha256 in whole:
                places.words.add(sha256, earlier.words(sha256))
                ledger.accept(number)


def _known(item: Item, known: Known, source: Labelled) -> Outcome:
    """The outcome of an item whose recording has not changed."""
    clip = known.utterance
    return _outcome(
        item,
        Measured(clip.audio_sha256, clip.duration_s, clip.level_dbfs, known.source.length_known),
        known.facts,
        known.source,
        source,
    )


def _ingest(
    item: Item, clip: audio.Clip | audio.AudioError, now: str | None, source: Labelled
) -> Heard:
    if isinstance(clip, audio.AudioError):
        return Heard(Outcome(None, clip.fault, clip.detail, faulty=True))
    measured = Measured(clip.sha256, clip.duration_s, clip.level_dbfs, clip.length_known)
    stamped = None
    if now is not None:
        stamped = Source(id=item.id, stamp=now, length_known=clip.length_known)
    outcome = _outcome(item, measured, clip_facts.named(item.id, clip.facts), stamped, source)
    if outcome.kept is None:
        return Heard(outcome)
    return Heard(outcome, clip.samples_n, fingerprints.fingerprint(clip.samples_n))


@dataclass(frozen=True)
class Measured:
    """What a clip is, whether it was decoded now or before."""

    audio_sha256: str
    duration_s: float
    level_dbfs: float
    length_known: bool


def _outcome(
    item: Item,
    measured: Measured,
    facts: clip_facts.ClipFacts | None,
    stamped: Source | None,
    source: Labelled,
) -> Outcome:
    """The outcome of an item with a clip."""
    data = source.data
    if (refused := _refused_length(measured.duration_s, data)) is not None:
        return refused
    cleaned = text.clean(item.text, item.language, data.alphabet) if item.text else text.NOTHING
    return Outcome(
        Kept(
            corpus=data.called,
            emotion=source.classes[item.label or ""],
            audio_sha256=measured.audio_sha256,
            duration_s=measured.duration_s,
            level_dbfs=measured.level_dbfs,
            text=cleaned.text,
            dropped=cleaned.dropped,
            length_known=measured.length_known,
            facts=facts,
            source=stamped,
        )
    )


def _refused_length(duration_s: float, data: DataRecipe) -> Outcome | None:
    if data.min_duration_s <= duration_s <= data.max_duration_s:
        return None
    reason = SHORTER if duration_s < data.min_duration_s else LONGER
    limits = f"allowed are {data.min_duration_s:g} to {data.max_duration_s:g} s"
    return Outcome(None, reason, f"{duration_s:.2f} s, {limits}")
