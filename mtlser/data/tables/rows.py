"""Rows of a table with their line numbers, whatever its format, separator and encoding."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlser.data.text_lines import decoded
from mtlser.errors import MtlserError
from mtlser.recipes import names

SEPARATORS = ",;\t|"
"""Of which the one that the first line has most of separates."""
LONGEST_CELL = 1 << 20
"""Characters: a quote that is never closed takes the rest of the file for one cell."""


@dataclass(frozen=True)
class Row:
    """One row; where it cannot be understood, `fault` says why."""

    line: int
    """Where it begins, from 1; of Parquet the row, from 1."""
    cells: Mapping[str, str]
    """Text by column; empty where there is none."""
    fault: str | None = None


@dataclass(frozen=True)
class Table:
    """A table that was opened."""

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[Row]


def read(path: Path) -> Table:
    """The table in a file.

    Raises:
        MtlserError: no such file, no known ending, no columns, a column twice, or content that is
            not the format's.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise MtlserError(
            f"{_shown(path)}: not a table that is read; allowed are {', '.join(READERS)}; name "
            "another with `--set data.table=FILE`"
        )
    if not path.is_file():
        raise MtlserError(
            f"{_shown(path)}: no such file; name the table with `--set data.table=FILE`, below "
            "--root"
        )
    try:
        columns, rows = reader(path)
    except OSError as error:
        raise MtlserError(f"{_shown(path)}: {error.strerror}; check the file") from None
    if not columns:
        raise MtlserError(f"{_shown(path)}: an empty table; expected a line of column names")
    counts = Counter(name.strip().casefold() for name in columns)
    twice = next((name for name in columns if counts[name.strip().casefold()] > 1), None)
    if twice:
        raise MtlserError(
            f"{_shown(path)}: column {twice!r} is there twice, and columns are known by their "
            "names; rename one"
        )
    return Table(path, columns, rows)


def _csv(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    text = decoded(path.read_bytes())
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    return _separated(path, text, separator)


def _tsv(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    return _separated(path, decoded(path.read_bytes()), "\t")


def _separated(path: Path, text: str, separator: str) -> tuple[tuple[str, ...], list[Row]]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise MtlserError(
                f"{_shown(path)}:{reader.line_num}: not a table ({error}); a quote may not be "
                "closed; write it again as CSV, for example from a spreadsheet"
            ) from None
        if cells is None:
            return columns, rows
        if not any(cell.strip() for cell in cells):
            pass  # a blank line
        elif not columns:
            columns = tuple(cell.strip() for cell in cells)
        else:
            rows.append(_row(line, columns, cells))
        line = reader.line_num + 1


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    by_name = dict(zip(columns, map(str.strip, cells), strict=False))
    fault = None
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        fault = f"{len(cells)} cells, the header has {len(columns)}"
    return Row(line, by_name, fault)


def _jsonl(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    columns: dict[str, None] = {}
    rows = []
    for number, text in enumerate(decoded(path.read_bytes()).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            content = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            rows.append(Row(number, {}, "not JSON"))
            continue
        if not isinstance(content, dict):
            rows.append(Row(number, {}, "not a JSON object"))
            continue
        cells = {str(key).strip(): cell_text(value) for key, value in content.items()}
        columns.update(dict.fromkeys(cells))
        rows.append(Row(number, cells))
    return tuple(columns), rows


def _parquet(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        plain = [
            field.name
            for field in file.schema_arrow
            if not pyarrow.types.is_nested(field.type) and not pyarrow.types.is_binary(field.type)
        ]
        rows: list[Row] = []
        for batch in file.iter_batches(columns=plain):
            for content in batch.to_pylist():
                cells = {name.strip(): cell_text(value) for name, value in content.items()}
                rows.append(Row(len(rows) + 1, cells))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise MtlserError(
            f"{_shown(path)}: not Parquet ({str(error).splitlines()[0]}); write it again"
        ) from None
    return tuple(name.strip() for name in plain), rows


def cell_text(value: Any) -> str:
    """A cell as text: numbers without a needless `.0`, nothing for what is absent."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return names.shown(str(value)).strip()


def _shown(path: Path) -> str:
    return names.shown(str(path))


READERS: dict[str, Callable[[Path], tuple[tuple[str, ...], list[Row]]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}


def tables(folder: Path) -> Iterator[Path]:
    """Yields the visible tables directly in a folder, in name order."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in READERS and not path.name.startswith(".") and path.is_file():
            yield path
