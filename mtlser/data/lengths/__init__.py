"""What an audio file states of its own length, read from its header, beside what is there.

libsndfile shortens the length of most files that were cut off to what it finds, without an error.

| module | containers |
|---|---|
| `chunks` | WAV, RF64, W64, AIFF, CAF, SVX: the size of the chunk that holds the samples |
| `headers` | AU, FLAC, NIST, HTK, SDS, VOC, WVE, AVR, MPC2K, MAT4, MAT5: a field of the header |
| `ogg` | Vorbis and Opus: the page that ends the stream |
| `mp3` | the Xing, Info or VBRI header, and the frames that follow |
| `mp4` | MP4, M4A, 3GP, MOV: the edit list or the track's duration, and the boxes' sizes |
| `matroska` | Matroska, WebM: the duration and the segment's size |
| `asf` | WMA, AVI: the size of the file |
"""

from collections.abc import Callable
from pathlib import Path

from mtlser.data.lengths import asf, chunks, headers, matroska, mp3, mp4, ogg
from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

__all__ = ["UNKNOWN", "Decoded", "Length", "cut", "length", "sound"]

READERS: dict[str, Callable[[Path, Decoded], Length]] = {
    **dict.fromkeys(("WAV", "WAVEX", "RF64"), chunks.riff),
    "W64": chunks.w64,
    "AIFF": chunks.aiff,
    "SVX": chunks.aiff,
    "CAF": chunks.caf,
    "AU": headers.au,
    "NIST": headers.nist,
    "FLAC": headers.flac,
    "HTK": headers.htk,
    "SDS": headers.sds,
    "VOC": headers.voc,
    "WVE": headers.wve,
    **dict.fromkeys(headers.LOGGED, headers.logged),
    "OGG": ogg.ogg,
    "MP3": mp3.mp3,
    "MP4": mp4.mp4,
    "MATROSKA": matroska.matroska,
    "ASF": asf.asf,
    "AVI": asf.avi,
    **dict.fromkeys(("APE", "TTA", "WV"), asf.counted),
}
"""By the container's name; others (PAF, PVF, IRCAM, XI; AMR, ADTS, ...) state no length."""
STARTS = {
    "MP4": (4, b"ftyp"), "MATROSKA": (0, b"\x1aE\xdf\xa3"), "ASF": (0, b"0&\xb2u"),
    "AVI": (8, b"AVI "),
}  # fmt: skip
"""What such a file begins with, and where."""


OVERREAD = {"W64", "SVX", "NIST", "MP4", *headers.LOGGED}
"""What follows the samples is decoded as more of them: libsndfile reads on to the end, and the
last packet of a lossy codec is padded."""


def length(path: Path, decoded: Decoded) -> Length:
    """The length that a file states, beside the length that is there.

    Args:
        path: a file that libsndfile or FFmpeg opened.
        decoded: what was made of it.
    """
    reader = READERS.get(decoded.container)
    return UNKNOWN if reader is None else reader(path, decoded)


def cut(path: Path) -> Length:
    """The length of a file that nothing opens, where it shows by itself what container it is."""
    with path.open("rb") as file:
        head = file.read(16)
    for container, (at, mark) in STARTS.items():
        if head[at : at + len(mark)] == mark:
            known = length(path, Decoded(container, 0))
            return known if known.fault or (known.stated or 0) > known.present else UNKNOWN
    return UNKNOWN


def sound(known: Length, decoded: Decoded) -> int:
    """Sample frames of those decoded that are sound; other bytes may follow them in the file.

    >>> sound(Length(100, 105), Decoded("W64", 52, "")), sound(UNKNOWN, Decoded("PAF", 52, ""))
    (50, 52)
    """
    if decoded.container not in OVERREAD or known.stated is None or not decoded.frames:
        return decoded.frames
    return min(decoded.frames, known.stated // (known.present // decoded.frames))
