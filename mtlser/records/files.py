"""Files of records: one record as JSON, or many as JSON Lines.

A file of many has one record a line, UTF-8, in a stable order. Records are pydantic models, or
dataclasses of pydantic where a million of them are held in memory.
"""

import codecs
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from mtlser.errors import MtlserError
from mtlser.files import atomic_file, not_utf8, read_text, write_text

RecordT = TypeVar("RecordT")


class _Adapters(dict[type[Any], TypeAdapter[Any]]):
    """For each kind of record what reads and writes it, made at its first use."""

    def __missing__(self, kind: type[Any]) -> TypeAdapter[Any]:
        self[kind] = TypeAdapter(kind)
        return self[kind]


_ADAPTERS = _Adapters()


def as_json(record: object) -> str:
    """The record as JSON in one line, without a line end."""
    return _ADAPTERS[type(record)].dump_json(record).decode()


@contextmanager
def jsonl_file(path: Path) -> Iterator[Callable[[object], None]]:
    """Yields a function that writes one record a line; `path` is there, whole, after the block."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        yield lambda record: _write(file, record)


def _write(file: IO[bytes], record: object) -> None:
    file.write(_ADAPTERS[type(record)].dump_json(record) + b"\n")


def write_jsonl(path: Path, records: Iterable[object]) -> int:
    """Writes one record a line to `path`, whole; the number of lines."""
    count = 0
    with jsonl_file(path) as write:
        for record in records:
            write(record)
            count += 1
    return count


def read_jsonl(path: Path, kind: type[RecordT]) -> Iterator[RecordT]:
    """Yields the records of `path` one by one, so that a large file needs no memory.

    A byte order mark of UTF-8, blank lines at the end and any line end are no part of them.

    Raises:
        MtlserError: the file is absent, or a line is not such a record.
    """
    if not path.is_file():
        raise MtlserError(f"{path}: no such file; expected one {kind.__name__} a line")
    with path.open("rb") as file:
        for number, line in numbered_lines(file):
            yield parse_line(line, kind, path, number)


def read_places(path: Path, kind: type[RecordT], places: Set[int]) -> Iterator[tuple[int, RecordT]]:
    """Yields place and record of some of the records of `path`, the first of which is 0.

    Raises:
        MtlserError: one of them is not such a record.
    """
    with path.open("rb") as file:
        for number, line in numbered_lines(file):
            if number - 1 in places:
                yield number - 1, parse_line(line, kind, path, number)


def numbered_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""Yields number and bytes of each line, from 1, without the blank lines at the end.

    >>> list(numbered_lines([b"{}\n", b"\n", b"{}\r\n", b"\r\n"]))
    [(1, b'{}\n'), (2, b'\n'), (3, b'{}\r\n')]
    """
    blank: list[tuple[int, bytes]] = []
    for number, line in enumerate(file, start=1):
        if line.isspace():
            blank.append((number, line))
            continue
        yield from blank
        blank.clear()
        yield number, line


def parse_line(line: bytes, kind: type[RecordT], path: Path, number: int) -> RecordT:
    """The record that line `number` of `path` holds; before the first, a mark of UTF-8 is skipped.

    Raises:
        MtlserError: it is not such a record, or not UTF-8.
    """
    try:
        text = line if number > 1 else line.removeprefix(codecs.BOM_UTF8)
        record: RecordT = _ADAPTERS[kind].validate_json(text)
        return record
    except ValidationError as error:
        if not _is_utf8(line):
            raise not_utf8(path, line, number) from None
        problem = error.errors()[0]
        raise MtlserError(
            f"{path}:{number}: not a {kind.__name__}: "
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        ) from None


def _is_utf8(line: bytes) -> bool:
    """False for bytes of another encoding; UTF-16 text shows by its zeros."""
    try:
        return "\0" not in line.decode("utf-8")
    except UnicodeDecodeError:
        return False


def write_json(path: Path, record: object) -> None:
    """Writes one record as indented JSON to `path`, whole."""
    write_text(path, _ADAPTERS[type(record)].dump_json(record, indent=1).decode() + "\n")


def read_json(path: Path, kind: type[RecordT]) -> RecordT:
    """The record that `path` holds.

    Raises:
        MtlserError: the file is absent or holds something else.
    """
    if not path.is_file():
        raise MtlserError(f"{path}: no such file; expected a {kind.__name__} as JSON")
    try:
        record: RecordT = _ADAPTERS[kind].validate_json(read_text(path))
        return record
    except ValidationError as error:
        problem = error.errors()[0]
        raise MtlserError(
            f"{path}: not a {kind.__name__}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        ) from None
