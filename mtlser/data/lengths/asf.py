"""ASF (WMA, WMV) and AVI: bytes of the whole file that the header states."""

from pathlib import Path

from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""Name of ASF's object with the properties of the file."""
BROADCAST = 1
"""Flag of a live recording, whose size means nothing."""


def asf(path: Path, _decoded: Decoded) -> Length:
    """Bytes of an ASF file; unknown for a live recording."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    at = head.find(PROPERTIES)
    if at < 0 or len(head) < at + 92:
        return UNKNOWN
    stated = int.from_bytes(head[at + 40 : at + 48], "little")
    live = int.from_bytes(head[at + 88 : at + 92], "little") & BROADCAST
    present = path.stat().st_size
    return UNKNOWN if live or not stated else Length(stated, present)


def avi(path: Path, _decoded: Decoded) -> Length:
    """Bytes of the first RIFF chunk of an AVI file; unknown where it was written to a pipe."""
    with path.open("rb") as file:
        stated = int.from_bytes(file.read(8)[4:], "little")
    present = path.stat().st_size - 8
    return UNKNOWN if stated in {0, 0xFFFF_FFFF} else Length(stated, present)


def counted(_path: Path, decoded: Decoded) -> Length:
    """Sample frames of a header that FFmpeg reads: TTA, Monkey's Audio, WavPack."""
    return Length(decoded.stated, decoded.frames) if decoded.stated else UNKNOWN
