"""A dictionary that lies on the disk, so that memory stays the same however much it holds."""

import json
import sqlite3
from collections.abc import Iterator, MutableMapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

ValueT = TypeVar("ValueT")
CACHE_KB = 16_384
"""Memory of one database."""


@contextmanager
def database(folder: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Yields an SQLite database of this process alone, whose file is gone afterwards.

    It is written without any safety against a crash: nobody reads it after one.

    Args:
        folder: where its file lies, and what else SQLite puts there; `None`: where temporary files
            do.
    """
    path = "" if folder is None else str(folder / "ingest.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in (
            "journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "temp_store=FILE",
            f"cache_size=-{CACHE_KB}",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN")
        yield connection


class DiskMap(MutableMapping[str, ValueT]):
    """A dictionary in a table of a database; its names come in the order of their characters.

    A value is what JSON holds. It is replaced, not changed in place.

    Args:
        connection: see `database`.
        table: a name of its own for the table.
    """

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._ask = connection.execute
        self._ask(f"CREATE TABLE {table} (name BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._read = f"SELECT value FROM {table} WHERE name = ?"
        self._write = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"
        self._delete = f"DELETE FROM {table} WHERE name = ?"
        self._names = f"SELECT name FROM {table} ORDER BY name"
        self._count = f"SELECT count(*) FROM {table}"

    def __getitem__(self, name: str) -> ValueT:
        row = self._ask(self._read, (key(name),)).fetchone()
        if row is None:
            raise KeyError(name)
        value: ValueT = json.loads(row[0])
        return value

    def __setitem__(self, name: str, value: ValueT) -> None:
        self._ask(self._write, (key(name), json.dumps(value)))

    def __delitem__(self, name: str) -> None:
        if not self._ask(self._delete, (key(name),)).rowcount:
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        for (name,) in self._ask(self._names):
            yield name.decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        count: int = self._ask(self._count).fetchone()[0]
        return count


def key(name: str) -> bytes:
    """A name, or any text, as bytes that sort as its characters do."""
    return name.encode("utf-8", "surrogatepass")
