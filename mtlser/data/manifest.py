"""Ingest: writes manifest, `ingest.json`, fingerprints, facts and `audio/` from a corpus."""

import hashlib
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mtlser import runtime
from mtlser.data import confounds, data_warnings, labels, ledger, measured, tally
from mtlser.data.clips import Writer
from mtlser.data.corpus_labels import labelled
from mtlser.data.earlier import Earlier
from mtlser.data.fingerprints import Spilled
from mtlser.data.ingest_outcomes import Places, decide
from mtlser.data.ingest_report import IngestReport, describe
from mtlser.data.overview import Overview
from mtlser.data.tally import UNKNOWN, Tally
from mtlser.recipe import Recipe
from mtlser.records import Utterance, write_json

REPORT = "ingest.json"
BLOCK = 1_000
"""Utterances that are hashed at a time."""

log = logging.getLogger(__name__)


def build(
    recipe: Recipe,
    roots: Sequence[Path],
    folder: Path,
    earlier: Path | None = None,
    under_way: Path | None = None,
) -> str:
    """Decodes the recipe's corpora from `roots`, writes them as one corpus folder; its `digest`.

    Args:
        recipe: its sections of data name each corpus, the length limits and the share of faults.
        roots: the release of each, as downloaded.
        folder: where `manifest.jsonl`, `ingest.json` and `audio/` are written.
        earlier: corpus folder of the last ingest, whose clips are taken where their recordings have
            not changed; `None`: all are decoded.
        under_way: folder in which a killed ingest leaves what it has decoded, for the next one;
            `None`: nothing is left.

    Raises:
        MtlserError: a root holds no such corpus, nothing of the task, or more faulty files than
            `data.max_faulty` allows.
    """
    before = [Earlier(each) for each in (earlier, *measured.left_by(under_way)) if each is not None]
    folder.mkdir(parents=True, exist_ok=True)
    with ledger.opened(folder) as book, tempfile.TemporaryFile(dir=folder) as file:
        words = Spilled(file, book.map("words"))
        writer = Writer(folder, places=book.map("clips"))
        under_way_now = measured.UnderWay(under_way, folder, book, words)
        places = Places(book, before, writer, words, under_way_now)
        tallies = _decided(recipe, roots, places)
        overview, hashed = Overview(), Digest()
        for utterance, facts in measured.write(folder, book, writer.close(), words):
            overview.add(utterance, facts)
            hashed.add(utterance)
    report = _report(recipe, tallies, overview, hashed.hexdigest())
    write_json(folder / REPORT, report)
    log.info("%s", describe(report))
    for difference in report.differs_from_release or ():
        log.warning(
            "%s: %s: %d utterances, the release has %d",
            report.corpus, difference.what, difference.found, difference.expected,
        )  # fmt: skip
    return report.digest


def _decided(recipe: Recipe, roots: Sequence[Path], places: Places) -> list[Tally]:
    """Decodes the corpora; the counts of each.

    Raises:
        MtlserError: see `build`.
    """
    tallies = []
    for source in labelled(recipe, roots, places.ledger):
        decide(source, places, runtime.Progress(f"ingest {source.data.called}", log.info))
        counts = Tally(source)
        for item, outcome in places.ledger.outcomes(source.items.span):
            counts.add(item, outcome)
        counts.refuse_faulty()
        counts.refuse_empty(labels.shown(source.found))
        tallies.append(counts)
    kept: Counter[str] = sum((each.by_emotion for each in tallies), Counter())
    found: Counter[str] = sum((each.source.found for each in tallies), Counter())
    labels.refuse_absent(recipe.labels, kept, found)
    return tallies


def members(utterances: Iterable[Utterance], ids: Sequence[str]) -> list[Utterance]:
    """The utterances with these ids, in that order."""
    by_id = {utterance.id: utterance for utterance in utterances}
    return [by_id[name] for name in ids]


def digest(utterances: Iterable[Utterance]) -> str:
    """SHA-256 over ids, audio, emotions, speakers and texts, whatever their order.

    It does not depend on paths, nor on what is derived from the audio.
    """
    hashed = Digest()
    for row in sorted(map(_row, utterances)):
        hashed.add_row(row)
    return hashed.hexdigest()


Row = tuple[str, str, str, str, str]


def _row(utterance: Utterance) -> Row:
    return (
        utterance.id,
        utterance.audio_sha256,
        utterance.emotion,
        utterance.speaker or "",
        utterance.text or "",
    )


class Digest:
    """`digest` of utterances that come one by one, in the order of their ids."""

    def __init__(self) -> None:
        self._hashed = hashlib.sha256(b"[")  # of one JSON list, written part by part to save memory
        self._waiting: list[Row] = []
        self._empty = True

    def add(self, utterance: Utterance) -> None:
        """Takes the next utterance."""
        self.add_row(_row(utterance))

    def add_row(self, row: Row) -> None:
        """Takes what counts of the next utterance."""
        self._waiting.append(row)
        if len(self._waiting) >= BLOCK:
            self._flush()

    def hexdigest(self) -> str:
        """The digest of all, after which no more are taken."""
        self._flush()
        self._hashed.update(b"]")
        return self._hashed.hexdigest()

    def _flush(self) -> None:
        if self._waiting:
            text = json.dumps(self._waiting)[1:-1]
            self._hashed.update(f"{'' if self._empty else ', '}{text}".encode())
            self._waiting, self._empty = [], False


def _report(
    recipe: Recipe, tallies: Sequence[Tally], corpus: Overview, digested: str
) -> IngestReport:
    dropped: Counter[str] = sum((each.dropped for each in tallies), Counter())
    by_label: Counter[str] = sum((each.labels for each in tallies), Counter())
    emotions = _counted(corpus.emotion.counts())
    given_away = confounds.confounds(corpus)
    rates = {each.source.data.called: each.source.corpus.rate_hz for each in tallies}
    release_hz = {name: rate for name, rate in rates.items() if rate is not None}
    return IngestReport(
        corpus=recipe.corpus,
        digest=digested,
        seen=sum(len(each.source.items) for each in tallies),
        kept=len(corpus),
        hours=round(sum(corpus.number("duration_s").flat) / 3600, 4),
        left_out=tuple(tally.left_out(tallies)),
        missing_transcripts=len(corpus) - int(corpus.text.known_n.sum()),
        length_unknown=tuple(name for each in tallies for name in each.length_unknown),
        dropped_characters=dict(sorted(dropped.items())),
        by_emotion={name: emotions[name] for name in labels.outputs(recipe.labels, emotions)},
        by_label=dict(sorted(by_label.items())),
        by_speaker=_counted(corpus.speaker.counts(), UNKNOWN),
        by_style=_counted(corpus.style.counts(), "none"),
        by_corpus=_counted(corpus.corpus.counts()) if len(tallies) > 1 else {},
        warnings=data_warnings.warnings(corpus, given_away, release_hz),
        confounds=given_away,
        differs_from_release=tally.compared(recipe.labels, tallies),
    )


def _counted(counts: Mapping[str | None, int], absent: str = "") -> dict[str, int]:
    """Counts in the order of their names; `absent` stands for what is not known."""
    named: Counter[str] = Counter()
    for name, count in counts.items():
        named[name or absent] += count
    return dict(sorted(named.items()))
