"""Matroska and WebM: the size of the segment and the duration in it (RFC 9559)."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

SEGMENT, INFO, SCALE, DURATION, CLUSTER = (
    0x18538067, 0x1549A966, 0x2AD7B1, 0x4489, 0x1F43B675,
)  # fmt: skip
MOST = 10_000
"""Elements that are looked at, of those side by side: the information is among the first."""
TOLERATED_S = 0.1
"""By which a duration may exceed the last packet: programs that add it to a live recording
afterwards take the time by the clock."""


def matroska(path: Path, decoded: Decoded) -> Length:
    """Microseconds up to the last packet of any stream; unknown where a recorder wrote it live.

    A segment that goes on beyond the file's end is a fault.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        for identity, start, end in elements(file, 0, size):
            if identity != SEGMENT:
                continue
            if end is not None and end > size:
                return Length(None, 0, f"its segment ends at byte {end}, the file at {size}")
            stated_s = _duration(file, start, size if end is None else end)
            if stated_s is None:
                return UNKNOWN
            present = max(round(decoded.end_s * 1e6), 1)
            tolerated_s = TOLERATED_S + decoded.packet / max(decoded.rate_hz, 1)
            if stated_s <= decoded.end_s + tolerated_s:
                return Length(present, present)
            return Length(round(stated_s * 1e6), present)
    return UNKNOWN


def elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int | None]]:
    """Yields identity, start of the content and its end (`None`: not stated) of each element."""
    end = min(end, os.fstat(file.fileno()).st_size)
    for _ in range(MOST):
        if start >= end:
            return
        file.seek(start)
        head = file.read(12)
        width = 9 - head[0].bit_length() if head else 9
        if width > 4 or len(head) <= width:
            return
        wide = 9 - head[width].bit_length()
        if wide > 8 or len(head) < width + wide:
            return
        content = start + width + wide
        stated = int.from_bytes(head[width : width + wide], "big") & ((1 << 7 * wide) - 1)
        known = stated != (1 << 7 * wide) - 1
        yield int.from_bytes(head[:width], "big"), content, content + stated if known else None
        if not known:
            return
        start = content + stated


def _duration(file: BinaryIO, start: int, end: int) -> float | None:
    """Seconds that the segment's information states."""
    for identity, begins, ends in elements(file, start, end):
        if identity == CLUSTER:
            return None
        if identity != INFO or ends is None:
            continue
        scale, units = 1_000_000, 0.0
        for field, at, until in elements(file, begins, ends):
            file.seek(at)
            content = file.read(min(until - at, 8) if until is not None else 0)
            if field == SCALE:
                scale = int.from_bytes(content, "big")
            elif field == DURATION and len(content) in {4, 8}:
                units = struct.unpack(">f" if len(content) == 4 else ">d", content)[0]
        seconds = units * scale / 1e9
        return seconds if 0 < seconds < 1e9 else None
    return None
