"""Rows of a table with their line numbers, whatever its format, separator and encoding."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mtlser.data.text_lines import lines
from mtlser.errors import MtlserError
from mtlser.recipes import names

SEPARATORS = ",;\t|"
"""Of which the one that the first line has most of separates."""
LONGEST_CELL = 1 << 20
"""Characters: a quote that is never closed takes the rest of the file for one cell."""

AT_ONCE = 1_000
"""Rows of Parquet that are read at a time."""


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
    rows: "Rows"


@dataclass(frozen=True)
class Rows:
    """Rows that are read from the file again whenever they are asked for, one by one.

    A `MtlserError` comes where they are read: what is there is not the format's.
    """

    read: Callable[[], Iterator[Row]]

    def __iter__(self) -> Iterator[Row]:
        return self.read()


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


def _csv(path: Path) -> tuple[tuple[str, ...], Rows]:
    with closing(lines(path)) as text:
        first = next((line for line in text if line.strip("\r\n")), "")
    return _separated(path, max(SEPARATORS, key=first.count))


def _tsv(path: Path) -> tuple[tuple[str, ...], Rows]:
    return _separated(path, "\t")


def _separated(path: Path, separator: str) -> tuple[tuple[str, ...], Rows]:
    with closing(_cells(path, separator)) as found:
        _, header = next(found, (0, []))
    columns = tuple(cell.strip() for cell in header)

    def read() -> Iterator[Row]:
        for line, cells in islice(_cells(path, separator), 1, None):
            yield _row(line, columns, cells)

    return columns, Rows(read)


def _cells(path: Path, separator: str) -> Generator[tuple[int, list[str]], None, None]:
    """Yields the cells of all lines that are not blank, with the number of each line."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines(path), delimiter=separator, skipinitialspace=True)
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
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    by_name = dict(zip(columns, map(str.strip, cells), strict=False))
    fault = None
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        fault = f"{len(cells)} cells, the header has {len(columns)}"
    return Row(line, by_name, fault)


def _jsonl(path: Path) -> tuple[tuple[str, ...], Rows]:
    columns: dict[str, None] = {}
    for row in _objects(path):
        columns.update(dict.fromkeys(row.cells))
    return tuple(columns), Rows(lambda: _objects(path))


def _objects(path: Path) -> Iterator[Row]:
    """Yields the rows of a file of JSON Lines."""
    for number, text in enumerate(lines(path, "\n"), start=1):
        if not text.strip():
            continue
        try:
            content = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            yield Row(number, {}, "not JSON")
            continue
        if not isinstance(content, dict):
            yield Row(number, {}, "not a JSON object")
            continue
        yield Row(number, {str(key).strip(): cell_text(value) for key, value in content.items()})


def _parquet(path: Path) -> tuple[tuple[str, ...], Rows]:
    import pyarrow
    from pyarrow import parquet

    with _reading_parquet(path), parquet.ParquetFile(path) as file:
        plain = [
            field.name
            for field in file.schema_arrow
            if not pyarrow.types.is_nested(field.type) and not pyarrow.types.is_binary(field.type)
        ]

    def read() -> Iterator[Row]:
        number = 0
        with _reading_parquet(path), parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(AT_ONCE, columns=plain):
                for content in batch.to_pylist():
                    number += 1
                    cells = {name.strip(): cell_text(value) for name, value in content.items()}
                    yield Row(number, cells)

    return tuple(name.strip() for name in plain), Rows(read)


@contextmanager
def _reading_parquet(path: Path) -> Iterator[None]:
    """Reads a file inside it.

    Raises:
        MtlserError: it is not Parquet.
    """
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise MtlserError(
            f"{_shown(path)}: not Parquet ({str(error).splitlines()[0]}); write it again"
        ) from None


def cell_text(value: Any) -> str:
    """A cell as text: numbers without a needless `.0`, nothing for what is absent."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return names.shown(str(value)).strip()


def _shown(path: Path) -> str:
    return names.shown(str(path))


READERS: dict[str, Callable[[Path], tuple[tuple[str, ...], Rows]]] = {
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
