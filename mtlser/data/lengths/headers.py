"""Containers whose header has a field for the length."""

import re
from pathlib import Path

from mtlser.data.lengths.length import UNKNOWN, Decoded, Length, bytes_of

FRAMES = re.compile(r"\b(?:Frames|Cols) *: *(\d+)")
LOGGED = ("AVR", "MPC2K", "MAT4", "MAT5")
"""Rare containers, whose length is taken from what libsndfile logs of their header."""
SAMPLES_BY_PACKET = {2: 60, 3: 40, 4: 30}
"""Bytes of a sample in MIDI Sample Dump -> samples in a packet of 127 bytes."""


def au(path: Path, _decoded: Decoded) -> Length:
    """Sun's AU: the samples' start and bytes; all ones where they are not known."""
    head = _head(path, 12)
    little = head[:4] in {b"dns.", b"\x00ds."}
    start, stated = (
        int.from_bytes(head[at : at + 4], "little" if little else "big") for at in (4, 8)
    )
    return bytes_of(stated, path.stat().st_size - start)


def nist(path: Path, decoded: Decoded) -> Length:
    """NIST SPHERE: `sample_count`, of each channel."""
    found = re.search(rb"sample_count -i (\d+)", _head(path, 1024))
    return Length(int(found[1]), decoded.frames) if found else UNKNOWN


def flac(path: Path, decoded: Decoded) -> Length:
    """FLAC: samples of each channel in its STREAMINFO; 0 where they are not known.

    An ID3 tag in front is skipped.
    """
    with path.open("rb") as file:
        file.seek(skip_id3(file.read(10)))
        head = file.read(26)
    if head[:4] != b"fLaC":
        return UNKNOWN
    stated = int.from_bytes(head[21:26], "big") & ((1 << 36) - 1)
    return Length(stated, decoded.frames) if stated else UNKNOWN


def htk(path: Path, decoded: Decoded) -> Length:
    """HTK: the number of samples is the first field."""
    return Length(int.from_bytes(_head(path, 4), "big"), decoded.frames)


def wve(path: Path, _decoded: Decoded) -> Length:
    """Psion's WVE: bytes of A-law after the header of 32."""
    stated = int.from_bytes(_head(path, 22)[18:], "big")
    return bytes_of(stated, path.stat().st_size - 32)


def voc(path: Path, _decoded: Decoded) -> Length:
    """Creative's VOC: blocks of a stated size, up to one of type 0 or to the end of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(20)
        start = int.from_bytes(file.read(2), "little")
        while start < size:
            file.seek(start)
            head = file.read(4)
            if head[0] == 0 or head[0] > 9:
                break
            start += 4
            stated = int.from_bytes(head[1:], "little")
            if len(head) < 4 or stated > size - start:
                return Length(stated, size - start)
            start += stated
    return Length(size, size)


def sds(path: Path, _decoded: Decoded) -> Length:
    """MIDI Sample Dump: samples, in packets of 127 bytes; missing ones are decoded as silence."""
    head = _head(path, 21)
    width = -(-head[6] // 7)
    stated = head[10] | head[11] << 7 | head[12] << 14
    packets = (path.stat().st_size - len(head)) // 127
    each = SAMPLES_BY_PACKET.get(width, 0)
    needed = -(-stated // each) if each else 0
    return Length(needed, packets)


def logged(_path: Path, decoded: Decoded) -> Length:
    """Sample frames, the last in libsndfile's log of the header."""
    frames = FRAMES.findall(decoded.log)
    return Length(int(frames[-1]), decoded.frames) if frames else UNKNOWN


def skip_id3(head: bytes) -> int:
    """Bytes of an ID3v2 tag that a file begins with, from its first 10 bytes; 0 without one.

    >>> skip_id3(b"ID3" + bytes([4, 0, 0, 0, 0, 1, 2]))
    140
    """
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for part in head[6:10]:
        size = size << 7 | part & 0x7F
    footer = 10 if head[5] & 0x10 else 0
    return 10 + size + footer


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)
