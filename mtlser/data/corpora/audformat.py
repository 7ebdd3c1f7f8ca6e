"""An audformat database: files or pieces of files, tables of labels, and what is known of speakers.

    DIR/db.yaml                    header: tables, their columns, schemes, splits, languages
    DIR/db.emotion.train.csv       file,emotion          or file,start,end,emotion; or .parquet
    DIR/db.files.csv               file,speaker
    DIR/audio/001.wav

The format is described at https://audeering.github.io/audformat. Its own package is not used: it
loads a `db.TABLE.pkl` that lies beside a table, and a pickle may run code.

A column is known by its own name or its scheme's, as one of a table is. What other tables say of
the same piece, or of its whole file, belongs to it, as does what the speaker scheme says of the
speaker. A table's split is the partition.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtlser.data.corpora import audformat_db, table
from mtlser.data.corpora.audformat_db import HEADER, RATINGS, Database, DataTable, Segment
from mtlser.data.corpora.base import Corpus, Item, numbers, release_folder
from mtlser.data.tables import columns, values
from mtlser.data.tables.columns import Columns
from mtlser.data.tables.rows import Row
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUND = Columns({use: use for use in columns.USUAL}, {})
"""Cells are gathered under what they are used for."""


@dataclass
class Known:
    """What all tables say, by piece."""

    cells: dict[Segment, dict[str, str]] = field(default_factory=dict)
    labels: dict[Segment, tuple[str, str]] = field(default_factory=dict)
    """Label, and the table that says so."""

    def of(self, segment: Segment) -> dict[str, str]:
        """Cells of a piece, after those of its whole file."""
        whole: Segment = (segment[0], "", "")
        return {**self.cells.get(whole, {}), **self.cells.get(segment, {})}


def read(root: Path, data: DataRecipe) -> list[Item]:
    """One item for each piece that has a row in a table of emotions, then files without one.

    Raises:
        MtlserError: the database is not understood, or two tables disagree on a label.
    """
    database = audformat_db.opened(root, data.columns)
    tables = audformat_db.labelled(database, data.table)
    known = Known()
    rows: dict[Segment, tuple[str, Row]] = {}
    faulty = []
    for each in database.tables:
        wanted = each in tables
        for segment, row in audformat_db.read(each):
            if wanted and (row.fault or not segment[0]):
                faulty.append((each.path.name, row))
                continue
            _learn(known, segment, row, each, database)
            if wanted:
                _label(known, segment, row, each, database)
                rows.setdefault(segment, (each.path.name, row))
    items = [_item(known, segment, *rows[segment], root, database) for segment in rows]
    items += [table.item_of(row, FOUND, root, name) for name, row in faulty]
    return list(table.with_others(root, items))


def used_columns(root: Path, data: DataRecipe) -> Mapping[str, str]:
    """Table and column by what it is used for; of several tables the first."""
    database = audformat_db.opened(root, data.columns)
    labelled = audformat_db.labelled(database, data.table)
    others = [each for each in database.tables if each not in labelled]
    used: dict[str, str] = {}
    for each in (*labelled, *others):
        for use, column in each.use_of.items():
            if use != "label" or each in labelled:
                used.setdefault(use, f"{each.name}: {column}")
    return used


def _learn(known: Known, segment: Segment, row: Row, source: DataTable, database: Database) -> None:
    """Adds what a row says of a piece; what an earlier table has said stays."""
    cells = known.cells.setdefault(segment, {})
    for use, column in source.use_of.items():
        text = row.cells.get(column, "")
        if text and use != "label":
            said = database.labels.get(source.scheme_of[column], {}).get(text)
            for name, value in _said(use, text, said, database.language).items():
                cells.setdefault(name, value)
    for rating in RATINGS:
        for column, scheme in source.scheme_of.items():
            if rating in {column, scheme} and row.cells.get(column):
                cells.setdefault(rating, row.cells[column])
    if values.partition(source.partition):
        cells.setdefault("partition", source.partition)


def _said(use: str, text: str, said: object, language: str) -> dict[str, str]:
    """A cell by its use, with what the scheme says of the cell's label."""
    if use == "text":
        return {use: _spoken(text, said, language)}
    found = {use: text}
    if use == "speaker" and isinstance(said, dict):
        told = {str(key): value for key, value in said.items()}
        for other in ("gender", "language"):
            key = next((k for k in told if columns.plain(k) in columns.USUAL[other]), None)
            if key is not None and isinstance(told[key], str):
                found[other] = told[key]
    return found


def _spoken(text: str, said: object, language: str) -> str:
    """The words of a transcript: the cell's own, or what its label stands for."""
    if isinstance(said, str):
        return said
    if isinstance(said, dict):
        spoken = {values.language(str(key)): v for key, v in said.items() if isinstance(v, str)}
        return spoken.get(language, next(iter(spoken.values()), text))
    return text


def _label(known: Known, segment: Segment, row: Row, source: DataTable, database: Database) -> None:
    """Adds the row's label to the piece.

    Raises:
        MtlserError: another table has given it another one.
    """
    column = source.use_of["label"]
    label = row.cells.get(column, "")
    said = database.labels.get(source.scheme_of[column], {}).get(label)
    if isinstance(said, str) and label.isdecimal():  # a number has a name, a name a description
        label = said.strip()
    if not label:
        return
    first, where = known.labels.setdefault(segment, (label, source.name))
    if first != label:
        raise MtlserError(
            f"{names.shown(str(database.path))}: tables {where} and {source.name} give "
            f"{names.shown(segment[0])} the labels {names.shown(first)!r} and "
            f"{names.shown(label)!r}; choose one with `--set data.table=NAME`, several as in "
            "'emotion.*'"
        )


def _item(
    known: Known, segment: Segment, name: str, row: Row, root: Path, database: Database
) -> Item:
    cells = known.of(segment)
    file, start, end = segment
    label, _ = known.labels.get(segment, ("", ""))
    given = {**cells, "file": file, "start": start, "end": end, "label": label}
    item = table.item_of(replace(row, cells=given), FOUND, root, name)
    ratings = numbers({key: cells[key] for key in RATINGS if key in cells})
    return replace(item, ratings=ratings, language=item.language or database.language)


CORPUS = Corpus(
    name="audformat",
    title="audformat database",
    layout=f"{HEADER} with db.emotion.csv ...",
    find=lambda root: release_folder(root, lambda folder: (folder / HEADER).is_file()),
    read=read,
    generic=True,
    columns=lambda root, data: used_columns(
        release_folder(root, lambda folder: (folder / HEADER).is_file()) or root, data
    ),
    audio_folders=lambda _: (),
)
"""The reader."""
