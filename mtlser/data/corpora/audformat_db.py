"""An audformat database as its header and tables describe it: which column says what of a file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mtlser.data.tables import columns, rows, values
from mtlser.data.tables.rows import Row
from mtlser.errors import MtlserError
from mtlser.recipes import names
from mtlser.recipes.data import ColumnsRecipe

HEADER = "db.yaml"
ENDINGS = (".parquet", ".csv")
RATINGS = ("valence", "arousal", "dominance")
INDEX = ("file", "start", "end")
_DAYS = re.compile(r"(\d+) days?,? *(\d+:\d+:[\d.]+)?")


@dataclass(frozen=True)
class DataTable:
    """A table of the header, and where its content is."""

    name: str
    path: Path
    partition: str
    """Type of its split; empty where it has none."""
    scheme_of: Mapping[str, str]
    """Scheme of each column, by its name; empty where it has none."""
    use_of: Mapping[str, str]
    """Column by what it is used for."""


@dataclass(frozen=True)
class Database:
    """A header that was understood."""

    path: Path
    language: str
    """Of all speech; empty where there are several, or none is named."""
    tables: Sequence[DataTable]
    labels: Mapping[str, Mapping[str, Any]]
    """What a scheme says of each of its labels, by scheme and label."""


Segment = tuple[str, str, str]
"""File, start and end in seconds; start and end are empty where it is the whole file."""


def opened(root: Path, given: ColumnsRecipe) -> Database:
    """The database of a folder with a header.

    Raises:
        MtlserError: the header, or a table that it names, is absent or not understood.
    """
    path = root / HEADER
    header = _header(path)
    labels = {
        name: _labels(scheme.get("labels"), root, header)
        for name, scheme in _entries(header, "schemes")
    }
    splits = dict(_entries(header, "splits"))
    tables = [
        _table(name, entry, root, splits, given) for name, entry in _entries(header, "tables")
    ]
    _refuse_absent(tables, given, path)
    spoken = header.get("languages")
    one = spoken[0] if isinstance(spoken, list) and len(spoken) == 1 else ""
    return Database(path, values.language(str(one)), tables, labels)


def labelled(database: Database, pattern: str | None) -> list[DataTable]:
    """The tables that have emotions.

    Args:
        database: the header.
        pattern: which of them, such as `emotion.*`; `None`: all.

    Raises:
        MtlserError: there is none.
    """
    found = [table for table in database.tables if "label" in table.use_of]
    wanted = [t for t in found if pattern is None or fnmatchcase(t.name, pattern)]
    if wanted:
        return wanted
    place = names.shown(str(database.path))
    if found:
        raise MtlserError(
            f"data.table = {pattern!r}: {place} has tables of emotions "
            f"{_few(t.name for t in found)}; name one with `--set data.table=NAME`, several as in "
            "'emotion.*'"
        )
    present = (f"{t.name}: {', '.join(t.scheme_of)}" for t in database.tables)
    raise MtlserError(
        f"{place}: no column of emotions; its tables have {_few(present) or 'none'}; usual names "
        f"are {', '.join(columns.USUAL['label'][:4])}; name it with `--set data.columns.label=NAME`"
    )


def read(table: DataTable) -> Iterator[tuple[Segment, Row]]:
    """Yields each row of a table and what it is about.

    Raises:
        MtlserError: the file is not a table, or has no column `file`.
    """
    content = rows.read(table.path)
    if "file" not in content.columns:
        raise MtlserError(
            f"{names.shown(str(table.path))}: no column 'file' among "
            f"{_few(content.columns)}; expected a table of audformat; save the database again"
        )
    for row in content.rows:
        file, start, end = (row.cells.get(name, "") for name in INDEX)
        start, end = seconds(start), seconds(end)
        yield (file, "" if start == "0" and not end else start, end), row


def seconds(text: str) -> str:
    """Seconds of a time as pandas writes it; another text stays as it is.

    >>> seconds("0 days 00:00:01.500000000"), seconds("1 day, 0:00:02"), seconds("soon")
    ('1.5', '86402', 'soon')
    """
    match = _DAYS.fullmatch(text.strip())
    days, clock = (int(match[1]), match[2] or "0") if match else (0, text)
    value = values.seconds(clock) if clock else None
    return text if value is None else f"{86_400 * days + value:.9f}".rstrip("0").rstrip(".")


def _header(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        header = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MtlserError(
            f"{names.shown(str(path))}: not YAML ({names.shown(reason)}); copy the database again"
        ) from None
    if not isinstance(header, dict) or not isinstance(header.get("tables"), dict):
        raise MtlserError(
            f"{names.shown(str(path))}: no tables in it; expected the header of an audformat "
            "database, with tables and schemes"
        )
    return header


def _entries(header: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields name and content of what a section holds."""
    content = header.get(section)
    for name, entry in content.items() if isinstance(content, dict) else ():
        yield str(name), entry if isinstance(entry, dict) else {}


def _table(
    name: str,
    entry: Mapping[str, Any],
    root: Path,
    splits: Mapping[str, Mapping[str, Any]],
    given: ColumnsRecipe,
) -> DataTable:
    scheme_of = {
        column: str(content.get("scheme_id") or "")
        for column, content in _entries(entry, "columns")
    }
    split = str(entry.get("split_id") or "")
    kind = str(splits.get(split, {}).get("type") or split)
    return DataTable(name, _file(root, name), kind, scheme_of, _uses(scheme_of, given))


def _file(root: Path, name: str) -> Path:
    """Where a table is.

    Raises:
        MtlserError: nowhere, or as a pickle alone, or outside the folder.
    """
    for ending in ENDINGS:
        path = root / f"db.{name}{ending}"
        if not set(name) & set("/\\\0") and path.is_file():
            return path
    pickled = not set(name) & set("/\\\0") and (root / f"db.{name}.pkl").is_file()
    instead = "it is there as a pickle, which may run code and is not read; " if pickled else ""
    raise MtlserError(
        f"{names.shown(str(root))}: no table {name!r}, that is db.{names.shown(name)}.csv or "
        f".parquet; {instead}save the database with storage_format='csv'"
    )


def _uses(scheme_of: Mapping[str, str], given: ColumnsRecipe) -> dict[str, str]:
    """Column by use: the recipe's, else the one whose own or whose scheme's name is usual."""
    found = {}
    for use, usual in columns.USUAL.items():
        named = getattr(given, use)
        wanted = (named.casefold(),) if named is not None else usual
        shown = str.casefold if named is not None else columns.plain
        own = {shown(column): column for column in reversed(list(scheme_of))}
        schemes = {shown(scheme): column for column, scheme in reversed(list(scheme_of.items()))}
        column = next((by[w] for by in (own, schemes) for w in wanted if w in by), None)
        if use not in INDEX and column is not None:
            found[use] = column
    return found


def _refuse_absent(tables: Sequence[DataTable], given: ColumnsRecipe, path: Path) -> None:
    """Returns if each column that the recipe names is in some table, but for that of labels."""
    for use, named in given:
        if named is not None and use != "label" and all(use not in t.use_of for t in tables):
            present = _few(f"{t.name}: {', '.join(t.scheme_of)}" for t in tables)
            raise MtlserError(
                f"data.columns.{use} = {named!r}: no such column of {names.shown(str(path))}; its "
                f"tables have {present or 'none'}; correct it with `--set data.columns.{use}=NAME`"
            )


def _labels(content: object, root: Path, header: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of each label of a scheme: in the header, or in a table that it names."""
    if isinstance(content, dict):
        return {str(label): told for label, told in content.items()}
    misc = dict(_entries(header, "misc_tables"))
    if not isinstance(content, str) or content not in misc:
        return {}
    table = rows.read(_file(root, content))
    return {row.cells.get(table.columns[0], ""): dict(row.cells) for row in table.rows}


def _few(texts: Any) -> str:
    every = [names.shown(text) for text in texts]
    return ", ".join(every[:12]) + (f" and {len(every) - 12} more" if len(every) > 12 else "")
