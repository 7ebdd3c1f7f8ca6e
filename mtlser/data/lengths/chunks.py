"""Containers of chunks: the size of the one that holds the samples."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from mtlser.data.lengths.length import UNKNOWN, Decoded, Length, bytes_of

Order = Literal["little", "big"]
RF64_SIZE = 0xFFFF_FFFF
"""In the chunk itself; the size is that of the `ds64` chunk."""


def riff(path: Path, _decoded: Decoded) -> Length:
    """WAV in its forms: RIFF, RIFX (big-endian), RF64 and BW64 (64-bit sizes in `ds64`)."""
    with path.open("rb") as file:
        form = file.read(12)[:4]
        order: Order = "big" if form == b"RIFX" else "little"
        wide: int | None = None
        for name, start, size in _chunks(file, 4, order, 2):
            if name == b"ds64" and form in {b"RF64", b"BW64"}:
                file.seek(start + 8)
                wide = int.from_bytes(file.read(8), order)
            if name == b"data":
                present = _size(path) - start
                if size == RF64_SIZE and wide is not None:
                    return Length(wide, present)
                if size == 0 and _are_chunks(file, start, order):
                    return Length(0, 0)
                return bytes_of(size, present)
    return UNKNOWN


def aiff(path: Path, _decoded: Decoded) -> Length:
    """AIFF, AIFF-C and 8SVX: big-endian IFF, samples in `SSND` or `BODY`."""
    with path.open("rb") as file:
        file.seek(12)
        for name, start, size in _chunks(file, 4, "big", 2):
            if name in {b"SSND", b"BODY"}:
                fields = 8 if name == b"SSND" else 0
                return bytes_of(max(size - fields, 0), _size(path) - start - fields)
    return UNKNOWN


def caf(path: Path, _decoded: Decoded) -> Length:
    """Apple's CAF: 64-bit sizes; -1 is a file that was not finished."""
    with path.open("rb") as file:
        file.seek(8)
        for name, start, size in _chunks(file, 8, "big", 1):
            if name == b"data":
                unfinished = size >= 1 << 63
                return UNKNOWN if unfinished else Length(size - 4, _size(path) - start - 4)
    return UNKNOWN


def w64(path: Path, _decoded: Decoded) -> Length:
    """Sony's Wave64: names of 16 bytes, 64-bit sizes that count the 24 bytes of name and size."""
    with path.open("rb") as file:
        end, start = _size(path), 40
        while start + 24 <= end:
            file.seek(start)
            name = file.read(16)
            size = int.from_bytes(file.read(8), "little")
            if name[:4] == b"data":
                piped = size >= 1 << 62
                return UNKNOWN if piped else Length(max(size - 24, 0), end - start - 24)
            start += max(24, -(-size // 8) * 8)
    return UNKNOWN


def _chunks(
    file: BinaryIO, width: int, order: Order, align: int
) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, start of the content and stated size of each chunk from here on.

    Args:
        file: at the first chunk.
        width: bytes of a size.
        order: of its bytes.
        align: a chunk starts at a multiple of so many bytes.
    """
    end = os.fstat(file.fileno()).st_size
    while len(head := file.read(4 + width)) == 4 + width:
        start, size = file.tell(), int.from_bytes(head[4:], order)
        yield head[:4], start, size
        following = start + -(-size // align) * align
        if following > end:
            return
        file.seek(following)


def _are_chunks(file: BinaryIO, start: int, order: Order) -> bool:
    """Whether what begins at a place is chunks up to the file's end, and not sound."""
    file.seek(start)
    at, end = start, os.fstat(file.fileno()).st_size
    for name, begins, size in _chunks(file, 4, order, 2):
        if not name.isascii():
            return False
        at = begins + size + size % 2
    return at == end


def _size(path: Path) -> int:
    return path.stat().st_size
