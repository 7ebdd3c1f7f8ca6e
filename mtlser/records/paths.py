"""Paths that a file names: below its own folder, whoever wrote the file."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from mtlser.errors import MtlserError

KNOWN = 512
"""Paths that are remembered: a million utterances name a few hundred shards."""

NO_PARTS = frozenset({"", ".", ".."})
"""What is no part of a path below a folder."""


@lru_cache(KNOWN)
def below(path: str) -> str:
    """The path itself, which stays below the folder that it begins in.

    Raises:
        ValueError: it is absolute, has a zero byte, or a part that is empty, `.` or `..`.

    >>> below("audio/a.wav")
    'audio/a.wav'
    """
    if not NO_PARTS.isdisjoint(path.split("/")):
        raise ValueError("is no path below a folder; no part of it may be empty, . or ..")
    if "\0" in path:
        raise ValueError("is no path below a folder; it holds a zero byte")
    return path


PathBelow = Annotated[str, AfterValidator(below)]
"""Of a file or folder below the folder of the record that names it."""
Sha256 = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]
"""64 hex digits: files in the cache are named by it."""


def within(folder: Path, path: str) -> Path:
    """The file at a path that `below` takes; links are followed as long as they stay in the folder.

    Args:
        folder: may be a link itself.
        path: below it.

    Raises:
        MtlserError: a link leads out of the folder.
    """
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()):
        raise MtlserError(
            f"{place}: leads out of its folder by a link; put the file itself there, or link the "
            "whole folder"
        )
    return place
