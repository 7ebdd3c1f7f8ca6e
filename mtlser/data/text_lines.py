"""Text of files that other programs wrote, whatever its encoding."""

import codecs
from collections.abc import Generator
from pathlib import Path

from mtlser.files import marked_encoding

PIECE = 1 << 20
"""Bytes that are decoded at a time."""


def decoded(content: bytes, encoding: str = "cp1252") -> str:
    """Bytes as text, without a byte order mark.

    By what the byte order mark names, as UTF-8 where they are, else in the encoding given, else as
    Latin-1.

    Args:
        content: of a file.
        encoding: of texts that are not Unicode.

    >>> decoded("grün".encode("utf-16")), decoded("grün".encode("cp1252"))
    ('grün', 'grün')
    """
    for name in (marked_encoding(content) or "utf-8", encoding):
        try:
            return content.decode(name).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def lines(path: Path, newline: str = "") -> Generator[str, None, None]:
    """Yields the lines of a file one by one, with their ends, decoded as by `decoded`.

    Args:
        path: the file, which is read twice.
        newline: what ends a line, which stays as it is; empty: any of the three line ends.
    """
    with path.open(encoding=_encoding(path), newline=newline) as file:
        yield from file


def _encoding(path: Path, encoding: str = "cp1252") -> str:
    """The encoding by which `decoded` decodes the content of a file."""
    with path.open("rb") as file:
        marked = marked_encoding(file.read(PIECE))
        for name in (marked or "utf-8", encoding):
            file.seek(0)
            decoder = codecs.getincrementaldecoder(name)()
            try:
                while piece := file.read(PIECE):
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return name
    return "latin-1"
