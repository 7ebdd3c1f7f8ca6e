"""Ogg (Vorbis, Opus): pages up to the one that ends the stream (RFC 3533)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

BEGINS, ENDS = 2, 4
"""Flags of a page."""


@dataclass(frozen=True)
class Page:
    """Header of one page."""

    flags: int
    serial: int
    stated: int
    """Bytes of the whole page."""
    present: int
    """Of these, bytes that are there."""


def ogg(path: Path, _decoded: Decoded) -> Length:
    """Whole where the last page ends the stream, cut off where a page is; else unknown.

    What follows the end of the first stream is garbage, unless it is another stream: libsndfile
    would leave that out.
    """
    with path.open("rb") as file:
        first: Page | None = None
        ended = False
        for page in pages(file):
            first = first or page
            if page.flags & BEGINS and ended:
                return Length(None, 0, "a second stream follows, which libsndfile does not decode")
            if page.serial != first.serial or ended:
                continue
            if page.present < page.stated:
                detail = f"its last page states {page.stated} bytes, the file has {page.present}"
                return Length(None, 0, detail)
            ended = bool(page.flags & ENDS)
    return Length(1, 1) if ended else UNKNOWN


def pages(file: BinaryIO) -> Iterator[Page]:
    """Yields the pages one after another, up to the first thing that is none."""
    end = file.seek(0, 2)
    start = 0
    while start < end:
        file.seek(start)
        head = file.read(27)
        segments = head[26] if len(head) == 27 else 0
        table = file.read(segments)
        if head[:4] != b"OggS"[: len(head)]:
            return
        whole = len(head) == 27 and len(table) == segments
        stated = 27 + segments + sum(table)
        if not whole:
            stated = max(stated, end - start + 1)
        serial = int.from_bytes(head[14:18], "little") if whole else -1
        yield Page(head[5] if whole else 0, serial, stated, min(stated, end - start))
        start += stated
