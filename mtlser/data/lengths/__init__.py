"""What an audio file states of its own length, read from its header, beside what is there.

libsndfile shortens the length of most files that were cut off to what it finds, without an error.

| module | containers |
|---|---|
| `chunks` | WAV, RF64, W64, AIFF, CAF, SVX: the size of the chunk that holds the samples |
| `headers` | AU, FLAC, NIST, HTK, SDS, VOC, WVE, AVR, MPC2K, MAT4, MAT5: a field of the header |
| `ogg` | Vorbis and Opus: the page that ends the stream |
| `mp3` | the Xing, Info or VBRI header, and the frames that follow |
"""

from collections.abc import Callable
from pathlib import Path

from mtlser.data.lengths import chunks, headers, mp3, ogg
from mtlser.data.lengths.length import UNKNOWN, Decoded, Length

__all__ = ["UNKNOWN", "Decoded", "Length", "length", "sound"]

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
}
"""By libsndfile's name of the container; others (PAF, PVF, IRCAM, XI) state no length."""


OVERREAD = {"W64", "SVX", "NIST", *headers.LOGGED}
"""What follows the samples is decoded as more of them: libsndfile reads on to the end."""


def length(path: Path, decoded: Decoded) -> Length:
    """The length that a file states, beside the length that is there.

    Args:
        path: a file that libsndfile opened.
        decoded: what libsndfile made of it.
    """
    reader = READERS.get(decoded.container)
    return UNKNOWN if reader is None else reader(path, decoded)


def sound(known: Length, decoded: Decoded) -> int:
    """Sample frames of those decoded that are sound; other bytes may follow them in the file.

    >>> sound(Length(100, 105), Decoded("W64", 52, "")), sound(UNKNOWN, Decoded("PAF", 52, ""))
    (50, 52)
    """
    if decoded.container not in OVERREAD or known.stated is None or not decoded.frames:
        return decoded.frames
    return min(decoded.frames, known.stated // (known.present // decoded.frames))
