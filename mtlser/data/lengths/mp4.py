"""MP4 and its kin (M4A, 3GP, MOV): the edit list, else the track's duration, and whole boxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

LARGEST_MOOV = 1 << 26
"""Bytes of an index; an hour of speech has about 1 MB."""
NEEDED = {b"ftyp", b"mdat", b"moof", b"moov"}
"""Boxes that are a loss where they are cut; what else follows may be no box at all."""
PACKETS = 2
"""Packets by which a decoder may deliver less than the index states, or more."""


@dataclass(frozen=True)
class Box:
    """One box: name, content, and whether all of it is there."""

    name: bytes
    start: int
    end: int
    whole: bool


def mp4(path: Path, decoded: Decoded) -> Length:
    """Sample frames of the first track of sound; unknown where the film is in fragments.

    A box of sound or index that goes on beyond the file's end is a fault.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        moov = b""
        for box in file_boxes(file, size):
            if not box.whole and box.name in NEEDED:
                return Length(None, 0, f"a part of it ends at byte {box.end}, the file at {size}")
            if box.name == b"moov" and box.end - box.start <= LARGEST_MOOV:
                file.seek(box.start)
                moov = file.read(box.end - box.start)
    stated_s = stated(moov)
    if stated_s is None or not decoded.rate_hz:
        return UNKNOWN
    frames = round(stated_s * decoded.rate_hz)
    near = abs(frames - decoded.frames) <= PACKETS * decoded.packet
    if near or frames <= decoded.frames:
        return Length(min(frames, decoded.frames) if near else decoded.frames, decoded.frames)
    return Length(frames, decoded.frames)


def stated(moov: bytes) -> float | None:
    """Seconds of the first track of sound in an index; `None` where it states none."""
    film = dict(_children(moov))
    scale = _timed(film.get(b"mvhd", b""))[0]
    for name, trak in _children(moov):
        media = dict(_children(dict(_children(trak)).get(b"mdia", b"")))
        if name != b"trak" or media.get(b"hdlr", b"")[8:12] != b"soun":
            continue
        per_second, duration = _timed(media.get(b"mdhd", b""))
        edited = _edited(dict(_children(dict(_children(trak)).get(b"edts", b""))).get(b"elst", b""))
        if b"mvex" in film or not per_second:
            return None
        if edited and scale:
            return edited / scale
        return duration / per_second or None
    return None


def file_boxes(file: BinaryIO, size: int) -> Iterator[Box]:
    """Yields the boxes of a file, one after another; what is no box ends them."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        head = file.read(16)
        length, name, body = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), 16
        if length == 0:
            length = size - start
        if length < body or not name.isascii():
            return
        end = start + length
        yield Box(name, start + body, end, end <= size)
        start = end


def _children(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start + 8 <= len(content):
        length = int.from_bytes(content[start : start + 4], "big") or len(content) - start
        if length < 8:
            return
        yield content[start + 4 : start + 8], content[start + 8 : start + length]
        start += length


def _timed(box: bytes) -> tuple[int, int]:
    """Units in a second, and the duration in them, of `mvhd` or `mdhd`; 0 where not known."""
    wide = box[:1] == b"\1"
    at, width = (20, 8) if wide else (12, 4)
    if len(box) < at + 4 + width:
        return 0, 0
    duration = int.from_bytes(box[at + 4 : at + 4 + width], "big")
    unknown = duration == (1 << 8 * width) - 1
    return int.from_bytes(box[at : at + 4], "big"), 0 if unknown else duration


def _edited(box: bytes) -> int:
    """Duration of what an edit list shows, in the film's units; 0 without one."""
    width = 8 if box[:1] == b"\1" else 4
    total = 0
    for index in range(min(int.from_bytes(box[4:8], "big"), len(box) // (2 * width + 4))):
        at = 8 + index * (2 * width + 4)
        shown = int.from_bytes(box[at + width : at + 2 * width], "big", signed=True)
        if shown >= 0:
            total += int.from_bytes(box[at : at + width], "big")
    return total
