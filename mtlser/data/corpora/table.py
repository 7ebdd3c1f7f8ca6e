"""Recordings of one's own, listed in a table: CSV, TSV, JSON Lines or Parquet.

    DIR/labels.csv          file,emotion,speaker,text ...
    DIR/anywhere/below/*    the recordings that the table names

Columns are known by their usual names (`mtlser.data.tables.columns`), or named in the recipe. A row
may be a piece of a longer recording, with `start` and `end` in seconds. Labels may also be votes: a
column `angry:votes` or `angry:probability` for each label, of which the largest counts.
"""

import logging
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mtlser.data.corpora.base import AUDIO_SUFFIXES, NO_LABEL, Corpus, Item, below, left_out
from mtlser.data.disk_map import DiskMap, database
from mtlser.data.tables import columns, rows, values
from mtlser.data.tables.columns import Columns
from mtlser.data.tables.rows import Row, Table
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

NOT_NAMED = "audio file that the table does not name"
BAD_ROW = "row not understood"
NO_FILE = "row without a file"
OUTSIDE = "file outside the corpus folder"
BAD_TIME = "start or end that is no time"
TIED = "votes without one winner"

log = logging.getLogger(__name__)


def read(root: Path, data: DataRecipe) -> Iterator[Item]:
    """Yields one item a row, in the table's order, then the audio files that it does not name."""
    table, found = opened(root, data)
    name = table.path.name
    made = ((row, item_of(row, found, root, name)) for row in table.rows)
    yield from with_others(root, checked(made, found, name))


def opened(root: Path, data: DataRecipe) -> tuple[Table, Columns]:
    """The table and its columns.

    Raises:
        MtlserError: there is no table, several, or one that cannot be used.
    """
    table = rows.read(_table(root, data))
    found = columns.find(table.columns, data.columns, table.path)
    if next(iter(table.rows), None) is None:
        raise MtlserError(
            f"{names.shown(str(table.path))}: no row below the column names; expected one a "
            "recording"
        )
    return table, found


def used_columns(root: Path, data: DataRecipe) -> Mapping[str, str]:
    """Column by what it is used for; of votes all columns."""
    found = opened(root, data)[1]
    votes = {"votes": ", ".join(found.votes.values())} if found.votes else {}
    return {**found.of, **votes}


def _table(root: Path, data: DataRecipe) -> Path:
    if data.table is not None:
        return root / data.table
    there = list(rows.tables(root))
    if len(there) != 1:
        seen = ", ".join(names.shown(path.name) for path in there[:5]) or "none"
        raise MtlserError(
            f"{names.shown(str(root))}: expected one table ({', '.join(rows.READERS)}), found "
            f"{seen}; name it with `--set data.table=FILE`"
        )
    return there[0]


def item_of(row: Row, found: Columns, root: Path, table: str) -> Item:
    """The row as an item; where something is wrong with it, left out with its line."""

    def cell(use: str) -> str:
        return row.cells.get(found.of.get(use, ""), "")

    where = f"{names.shown(table)}:{row.line}"
    if row.fault or not cell("file"):
        reason = BAD_ROW if row.fault else NO_FILE
        detail = f"{where}: {row.fault}" if row.fault else where
        return Item(id=where, path=None, label=None, left_out=reason, detail=detail)
    name = _within(cell("file"), root)
    item = Item(
        id=name or where,
        path=None if name is None else root / name,
        label=cell("label") or None,
        speaker=cell("speaker") or None,
        gender=values.gender(cell("gender")),
        session=cell("session") or None,
        dialogue=cell("dialogue") or None,
        text=cell("text") or None,
        language=values.language(cell("language")),
        partition=values.partition(cell("partition")),
    )
    if name is None:
        return _without(item, OUTSIDE, f"{where}: {names.shown(cell('file'))}")
    return _timed(_labelled(item, row, found, where), cell("start"), cell("end"), where)


def _labelled(item: Item, row: Row, found: Columns, where: str) -> Item:
    """The item with the label that most have voted for, where it has no other."""
    if item.label is not None:
        return item
    votes = {label: row.cells.get(column, "") for label, column in found.votes.items()}
    label, fault = values.majority(votes)
    if fault is not None:
        return _without(item, TIED, f"{where}: {fault}")
    if label is None:
        return _without(item, NO_LABEL, where)
    return replace(item, label=label)


def _timed(item: Item, start: str, end: str, where: str) -> Item:
    """The item as the piece of its recording that the row names."""
    if not start and not end:
        return item
    bounds = values.seconds(start) if start else 0.0, values.seconds(end) if end else None
    named = f"{item.id}@{start or '0'}-{end}"
    if (
        bounds[0] is None
        or bounds[0] < 0
        or (end and (bounds[1] is None or bounds[1] <= bounds[0]))
    ):
        detail = f"{where}: start {start or '0'!r}, end {end!r}"
        return _without(replace(item, id=named), BAD_TIME, detail)
    return replace(item, id=named, start_s=bounds[0], end_s=bounds[1])


def _without(item: Item, reason: str, detail: str) -> Item:
    if item.left_out is not None:
        return item
    return replace(item, label=None, left_out=reason, detail=detail)


def _within(file: str, root: Path) -> str | None:
    """The file's path below the folder; `None` where it leads out of it."""
    path = file if (root / file).exists() else file.replace("\\", "/")
    if posixpath.isabs(path):
        try:
            path = PurePosixPath(path).relative_to(root.absolute()).as_posix()
        except ValueError:
            return None
    normal = posixpath.normpath(path)
    if normal in {".", ".."} or normal.startswith("../") or "\0" in normal:
        return None
    return normal


def checked(made: Iterable[tuple[Row, Item]], found: Columns, table: str) -> Iterator[Item]:
    """Yields the items of a table's rows.

    Raises:
        MtlserError: a recording, or piece of one, has two labels.
    """
    unknown = Unknown(found, table)
    with database() as connection:
        labels = DiskMap[tuple[str, int]](connection, "labels")
        for number, (row, item) in enumerate(made, start=1):
            unknown.count(row)
            if item.label is not None:
                label, first = labels.setdefault(item.id, (item.label, number))
                if label != item.label:
                    raise MtlserError(
                        f"{names.shown(table)}: rows {first} and {number} give {item.id} the "
                        f"labels {label!r} and {item.label!r}, and one recording has one label; "
                        "keep one of them, or give votes in a column for each label"
                    )
            yield item
    unknown.tell()


class Unknown:
    """Counts values of gender, language and partition that mean nothing here.

    Args:
        found: the columns.
        table: its name, for the warning.
    """

    def __init__(self, found: Columns, table: str) -> None:
        readers = {
            "gender": values.gender, "language": values.language, "partition": values.partition,
        }  # fmt: skip
        self._table = table
        self._readers = {found.of[use]: read for use, read in readers.items() if use in found.of}
        self._counts = {column: Counter[str]() for column in self._readers}

    def count(self, row: Row) -> None:
        """Looks at a row."""
        for column, counts in self._counts.items():
            counts[row.cells.get(column, "")] += 1

    def tell(self) -> None:
        """Logs those that were seen."""
        for column, counts in self._counts.items():
            reader = self._readers[column]
            odd = {text: n for text, n in counts.items() if text and not reader(text)}
            if odd:
                shown = ", ".join(f"{text!r} ({n})" for text, n in sorted(odd.items())[:5])
                log.warning(
                    "%s: column %r: %s in %d rows is taken as not known", self._table, column,
                    shown, sum(odd.values()),
                )  # fmt: skip


def with_others(root: Path, items: Iterable[Item]) -> Iterator[Item]:
    """Yields the items, then those of the audio files below the folder that none of them names."""
    with database() as connection:
        named = DiskMap[bool](connection, "files")
        for item in items:
            if item.path is not None:
                named[str(item.path)] = True
            yield item
        for path in below(root):
            if path.suffix.lower() not in AUDIO_SUFFIXES or str(path) in named:
                continue
            within = path.relative_to(root)
            if not any(part.startswith(".") for part in within.parts):
                yield left_out(path, within.as_posix(), NOT_NAMED)


CORPUS = Corpus(
    name="table",
    title="a table of recordings",
    layout="labels.csv with the columns file and emotion, and the recordings",
    find=lambda root: root,
    read=read,
    generic=True,
    columns=used_columns,
    audio_folders=lambda _: (),
)
"""The reader."""
