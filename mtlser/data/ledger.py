"""The items of an ingest and what became of each, in a database on the disk.

Memory holds a few of them at a time, so that it does not grow with the corpus.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from mtlser.data.clip_facts import ClipFacts
from mtlser.data.corpora import Item
from mtlser.data.disk_map import DiskMap, database, key
from mtlser.data.earlier import Source
from mtlser.data.outcome import Kept, Outcome
from mtlser.files import scratch_folder

TABLES = (
    "CREATE TABLE items (number INTEGER PRIMARY KEY, id BLOB, file BLOB, label BLOB, content TEXT)",
    "CREATE INDEX item_ids ON items (id)",
    "CREATE TABLE outcomes (number INTEGER PRIMARY KEY, audio BLOB, content TEXT)",
    "CREATE TABLE known (number INTEGER PRIMARY KEY, shard TEXT, audio BLOB, content TEXT)",
)
FILES_TOGETHER = """
SELECT first, number FROM (
    SELECT number, min(number) OVER (PARTITION BY file) AS first FROM items
    WHERE number >= ? AND number < ? AND number NOT IN (SELECT number FROM outcomes)
) ORDER BY first, number"""
SHARDS_TOGETHER = """
SELECT shard, number, audio FROM (
    SELECT shard, number, audio, min(number) OVER (PARTITION BY shard) AS first FROM known
) ORDER BY first, number"""
FIRST_OF_ID = """
SELECT min(number), content FROM items WHERE id = ? AND number >= ? AND number < ?"""
REPEATED = """
SELECT number FROM items WHERE number >= ? AND number < ? AND number > (
    SELECT min(number) FROM items AS same WHERE same.id = items.id
) ORDER BY number"""
OUTCOMES = """
SELECT items.number, items.content, outcomes.content FROM items JOIN outcomes USING (number)
WHERE number >= ? AND number < ? ORDER BY number"""
KEPT = """
SELECT items.number, items.content, outcomes.content FROM items JOIN outcomes USING (number)
WHERE audio IS NOT NULL"""

_ITEM = tuple(field.name for field in fields(Item) if field.name not in {"path", "embedded"})
_KEPT = tuple(field.name for field in fields(Kept) if field.name not in {"facts", "source"})
_item_values, _kept_values = attrgetter(*_ITEM), attrgetter(*_KEPT)


@dataclass(frozen=True)
class Span:
    """The items of one corpus: numbers from `start` until before `stop`."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class Ledger:
    """Items by their number, in the order in which they came, and outcomes by the same numbers.

    Args:
        connection: a new database.
    """

    def __init__(self, connection: Connection) -> None:
        self._database, self._ask = connection, connection.execute
        for table in TABLES:
            self._ask(table)
        self._embedded: dict[int, Callable[[], bytes]] = {}
        self._count = 0
        self._one: Mapping[str, str] = {}

    def map(self, name: str) -> DiskMap[Any]:
        """A new dictionary in the same database."""
        return DiskMap(self._database, name)

    def add(self, items: Iterable[Item]) -> Span:
        """Takes the items of one corpus."""
        start = self._count
        for item in items:
            path = None if item.path is None else str(item.path)
            file = None if path is None else key(path)
            label = None if item.label is None else key(item.label)
            row = self._count, key(item.id), file, label, _text_of(item)
            self._ask("INSERT INTO items VALUES (?, ?, ?, ?, ?)", row)
            if item.embedded is not None:
                self._embedded[self._count] = item.embedded
            self._count += 1
        return Span(start, self._count)

    def merge(self, speakers: Mapping[str, str]) -> None:
        """From now on each speaker that is named here is called by the other name."""
        self._one = speakers

    def items(self, span: Span) -> Iterator[tuple[int, Item]]:
        """Yields number and item."""
        asked = "SELECT number, content FROM items WHERE number >= ? AND number < ? ORDER BY number"
        for number, content in self._ask(asked, (span.start, span.stop)):
            yield number, self._item(number, content)

    def outside(self, span: Span, labels: Iterable[str]) -> Iterator[tuple[int, Item]]:
        """Yields number and item of those without a label, one of these labels, or a file."""
        known = [key(label) for label in labels]
        marks = ", ".join("?" * len(known))
        asked = (
            "SELECT number, content FROM items WHERE number >= ? AND number < ? AND "
            f"(file IS NULL OR label IS NULL OR label NOT IN ({marks})) ORDER BY number"
        )
        for number, content in self._ask(asked, (span.start, span.stop, *known)):
            yield number, self._item(number, content)

    def repeated(self, span: Span) -> Iterator[int]:
        """Yields, in order, the numbers of items whose id an earlier one has."""
        for (number,) in self._ask(REPEATED, (span.start, span.stop)):
            yield number

    def set(self, number: int, outcome: Outcome) -> None:
        """Takes the outcome of an item."""
        row = number, _audio_of(outcome), _text_of_outcome(outcome)
        self._ask("INSERT INTO outcomes VALUES (?, ?, ?)", row)

    def without_outcome(self, span: Span) -> int:
        """How many items have none yet."""
        asked = "SELECT count(*) FROM outcomes WHERE number >= ? AND number < ?"
        return len(span) - int(self._ask(asked, (span.start, span.stop)).fetchone()[0])

    def files(self, span: Span) -> Iterator[list[tuple[int, Item]]]:
        """Yields the items without an outcome, those of one file together, by the first of each."""
        content_of = "SELECT content FROM items WHERE number = ?"
        rows = (
            (first, number, self._ask(content_of, (number,)).fetchone()[0])
            for first, number in self._ask(FILES_TOGETHER, (span.start, span.stop))
        )
        for _, group in groupby(rows, key=lambda row: row[0]):
            yield [(number, self._item(number, content)) for _, number, content in group]

    def named(self, identity: str, span: Span) -> tuple[int, Item] | None:
        """The first item of an id, where it has no outcome yet."""
        row = self._ask(FIRST_OF_ID, (key(identity), span.start, span.stop)).fetchone()
        if row[0] is None:
            return None
        done = self._ask("SELECT 1 FROM outcomes WHERE number = ?", (row[0],)).fetchone()
        return None if done else (row[0], self._item(*row))

    def suggest(self, number: int, shard: str, outcome: Outcome) -> None:
        """Takes an outcome that holds if the clip is in an earlier shard."""
        row = number, shard, _audio_of(outcome), _text_of_outcome(outcome)
        self._ask("INSERT INTO known VALUES (?, ?, ?, ?)", row)

    def suggested(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yields each shard that was suggested, with numbers and SHA-256 of its clips.

        What was suggested and was not accepted meanwhile is forgotten in the end.
        """
        for shard, group in groupby(self._ask(SHARDS_TOGETHER), key=lambda row: row[0]):
            yield shard, [(number, audio.hex()) for _, number, audio in group]
        self._ask("DELETE FROM known")

    def accept(self, number: int) -> None:
        """Takes the suggested outcome of an item."""
        chosen = "SELECT number, audio, content FROM known WHERE number = ?"
        self._ask(f"INSERT INTO outcomes {chosen}", (number,))

    def outcomes(self, span: Span) -> Iterator[tuple[Item, Outcome]]:
        """Yields each item with its outcome, in the items' order."""
        for number, content, outcome in self._ask(OUTCOMES, (span.start, span.stop)):
            yield self._item(number, content), _outcome(outcome)

    def kept(self, numbers: Iterable[int] | None = None) -> Iterator[tuple[Item, Kept]]:
        """Yields the items that became utterances, by their ids.

        Args:
            numbers: which items; `None`: all.
        """
        for number, content, outcome in self._ask(f"{KEPT}{self._of(numbers)} ORDER BY items.id"):
            kept = _outcome(outcome).kept
            assert kept is not None
            yield self._item(number, content), kept

    def audio(self, numbers: Iterable[int] | None = None) -> bytearray:
        """SHA-256 of the clips that are kept, each once and in order, 32 bytes each."""
        asked = f"SELECT DISTINCT audio FROM outcomes WHERE audio IS NOT NULL{self._of(numbers)}"
        digests = bytearray()
        for (digest,) in self._ask(f"{asked} ORDER BY audio"):
            digests += digest
        return digests

    def _of(self, numbers: Iterable[int] | None) -> str:
        """A condition that takes these items alone."""
        if numbers is None:
            return ""
        self._ask("CREATE TEMP TABLE IF NOT EXISTS chosen (number INTEGER PRIMARY KEY)")
        self._ask("DELETE FROM chosen")
        for number in numbers:
            self._ask("INSERT INTO chosen VALUES (?)", (number,))
        return " AND number IN (SELECT number FROM chosen)"

    def _item(self, number: int, content: str) -> Item:
        path, *values = json.loads(content)
        item = dict(zip(_ITEM, values, strict=True))
        item["speaker"] = self._one.get(item["speaker"], item["speaker"])
        embedded = self._embedded.get(number)
        return Item(path=None if path is None else Path(path), embedded=embedded, **item)


@contextmanager
def opened(folder: Path) -> Iterator[Ledger]:
    """Yields an empty ledger, whose file is in a hidden folder of `folder` and gone afterwards."""
    with scratch_folder(folder, "ingest") as place, database(place) as connection:
        yield Ledger(connection)


def _text_of(item: Item) -> str:
    path = None if item.path is None else os.fspath(item.path)
    values = _item_values(item)
    if item.ratings is not None:
        values = tuple(dict(each) if each is item.ratings else each for each in values)
    return json.dumps((path, *values))


def _audio_of(outcome: Outcome) -> bytes | None:
    return None if outcome.kept is None else bytes.fromhex(outcome.kept.audio_sha256)


def _text_of_outcome(outcome: Outcome) -> str:
    kept = outcome.kept
    if kept is None:
        return json.dumps((outcome.reason, outcome.detail, outcome.faulty))
    facts = None if kept.facts is None else _facts_values(kept.facts)
    source = None if kept.source is None else kept.source.stamp
    identity = next((each.id for each in (kept.facts, kept.source) if each is not None), "")
    return json.dumps((_kept_values(kept), facts, source, identity))


_FACTS = tuple(field.name for field in fields(ClipFacts))
_facts_values = attrgetter(*_FACTS)


def _outcome(content: str) -> Outcome:
    found = json.loads(content)
    if len(found) == 3:
        return Outcome(None, *found)
    values, facts, stamp, identity = found
    kept = dict(zip(_KEPT, values, strict=True))
    kept["dropped"] = tuple((sign, count) for sign, count in kept["dropped"])
    return Outcome(
        Kept(
            facts=None if facts is None else ClipFacts(**dict(zip(_FACTS, facts, strict=True))),
            source=None
            if stamp is None
            else Source(id=identity, stamp=stamp, length_known=kept["length_known"]),
            **kept,
        )
    )
