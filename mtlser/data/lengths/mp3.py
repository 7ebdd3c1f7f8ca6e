"""MP3: frames that the Xing, Info or VBRI header states, and frames that follow it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mtlser.data.lengths.headers import skip_id3
from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""(MPEG version, layer) -> kbit/s of the index 1 to 14; MPEG 2 has one table for layers 2 and 3."""
RATES_HZ = (44_100, 48_000, 32_000)
"""Of MPEG 1; MPEG 2 has half of it, MPEG 2.5 a quarter."""
VBRI_AT = 36
TOLERATED = 1
"""Frames (24 to 72 ms) that a header may state above those that are there: some encoders count
the header's own frame, some do not."""
LOST = 3
"""Frames at the start that a decoder may drop, since they need bits of frames before them."""


@dataclass(frozen=True)
class Frame:
    """Header of one frame."""

    size: int
    """Bytes, header included."""
    samples: int
    """Of each channel."""
    tag_at: int
    """Where a Xing header would begin, from the frame's start."""


def mp3(path: Path, decoded: Decoded) -> Length:
    """MPEG frames that the header states and that are there; unknown without such a header.

    One frame is tolerated where the header states no bytes, or all of them are there. A file of
    which libsndfile decodes a part is at fault: it trusts the bit rate of the first frame.
    """
    content = path.read_bytes()
    start = _first(content)
    if start is None:
        return UNKNOWN
    first = frame_at(content, start)
    assert first is not None
    stated, stated_bytes = header(content[start : start + first.size], first)
    ends = list(frame_ends(content, start))
    count, end = len(ends), ends[-1] if ends else start
    if stated is None:
        whole = decoded.frames + LOST * first.samples >= count * first.samples
        return UNKNOWN if whole else Length(None, 0, _part(decoded.frames, count * first.samples))
    there = count - 1
    if there > stated + TOLERATED:
        return Length(None, 0, _part(stated, there))
    bytes_missing = stated_bytes is not None and stated_bytes > end - start
    if there < stated - TOLERATED or (there < stated and bytes_missing):
        return Length(stated, there)
    return Length(stated, stated)


def header(frame: bytes, first: Frame) -> tuple[int | None, int | None]:
    """Frames and bytes that a Xing, Info or VBRI header in the first frame states."""
    tag = frame[first.tag_at :]
    if tag[:4] in {b"Xing", b"Info"} and len(tag) >= 16:
        flags, at = int.from_bytes(tag[4:8], "big"), 8
        fields: list[int | None] = [None, None]
        for index in range(2):
            if flags >> index & 1:
                fields[index] = int.from_bytes(tag[at : at + 4], "big")
                at += 4
        return fields[0] or None, fields[1] or None
    tag = frame[VBRI_AT:]
    if tag[:4] == b"VBRI" and len(tag) >= 18:
        stated_bytes, frames = (int.from_bytes(tag[at : at + 4], "big") for at in (10, 14))
        return frames or None, stated_bytes or None
    return None, None


def frame_ends(content: bytes, start: int) -> Iterator[int]:
    """Yields where each whole frame ends, one after another, up to what is no frame."""
    while (frame := frame_at(content, start)) is not None and start + frame.size <= len(content):
        start += frame.size
        yield start


def frame_at(content: bytes, start: int) -> Frame | None:
    """The frame whose header begins at a place; `None` where none does.

    >>> frame_at(bytes.fromhex("fffb90c4"), 0)
    Frame(size=417, samples=1152, tag_at=21)
    """
    head = int.from_bytes(content[start : start + 4], "big")
    version = {3: 1, 2: 2, 0: 3}.get(head >> 19 & 3)
    layer = 4 - (head >> 17 & 3)
    kbits, rate, mono = head >> 12 & 15, head >> 10 & 3, head >> 6 & 3 == 3
    is_header = len(content) >= start + 4 and head >> 21 == 0x7FF and layer < 4
    if not is_header or version is None or not 0 < kbits < 15 or rate == 3:
        return None
    table = KBITS[min(version, 2), layer if version == 1 or layer == 1 else 2]
    rate_hz = RATES_HZ[rate] >> (version - 1)
    padding = head >> 9 & 1
    if layer == 1:
        size, samples = (12_000 * table[kbits - 1] // rate_hz + padding) * 4, 384
    else:
        samples = 576 if layer == 3 and version > 1 else 1152
        size = samples // 8 * 1000 * table[kbits - 1] // rate_hz + padding
    side = (17 if mono else 32) if version == 1 else (9 if mono else 17)
    return Frame(size, samples, 4 + side)


def _first(content: bytes) -> int | None:
    """Where the first frame begins that another one follows, or that the file ends with."""
    start = skip_id3(content[:10])
    limit = min(len(content), start + 65_536)
    while (start := content.find(b"\xff", start, limit)) >= 0:
        frame = frame_at(content, start)
        if frame is not None:
            following = start + frame.size
            if following >= len(content) or frame_at(content, following) is not None:
                return start
        start += 1
    return None


def _part(decoded: int, there: int) -> str:
    share = decoded / there
    return f"only {share:.1%} of its frames are decoded; convert it to WAV or FLAC"
