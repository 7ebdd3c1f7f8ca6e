"""The length that a file states and the length that it has."""

from dataclasses import dataclass

STREAMED_BYTES = 0x7F00_0000
"""A 32-bit size of at least this was written to a pipe, and means nothing."""


@dataclass(frozen=True)
class Decoded:
    """What libsndfile or FFmpeg made of a file."""

    container: str
    """libsndfile's name of the container: `WAV`, `AIFF`, `MP3`, ...; or one of FFmpeg's."""
    frames: int
    """Sample frames that were decoded."""
    log: str = ""
    """libsndfile's log of the header."""
    rate_hz: int = 0
    """FFmpeg alone, as all below."""
    packet: int = 0
    """Most sample frames of one packet."""
    end_s: float = 0.0
    """Where the last packet of any stream ends, video as well."""
    stated: int | None = None
    """Sample frames by the header of a container that FFmpeg alone reads."""


@dataclass(frozen=True)
class Length:
    """Both in one unit: bytes, sample frames or MPEG frames."""

    stated: int | None
    """`None` where the file states none."""
    present: int
    fault: str | None = None
    """What else shows that something is missing."""


UNKNOWN = Length(None, 0)


def bytes_of(stated: int, present: int) -> Length:
    """A 32-bit size of the samples: unknown where it was written to a pipe.

    >>> bytes_of(100, 50), bytes_of(0xFFFFFFFF, 50)
    (Length(stated=100, present=50, fault=None), Length(stated=None, present=0, fault=None))
    """
    piped = stated >= STREAMED_BYTES or (stated == 0 and present > 0)
    return UNKNOWN if piped else Length(stated, present)
