"""What a corpus reader returns: items from labels and file names, before any audio is opened."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtlser.recipes import names

OUTSIDE_TASK = "label outside the task"
NO_LABEL = "audio without a label"
BAD_LABEL = "label line not understood"
BAD_NAME = "file name not understood"
NOT_UTF8 = "file name not UTF-8"


def why_left_out(identity: str, reason: str) -> str:
    """The reason, or that the file's name is not UTF-8, where that is why nobody knows it."""
    return reason if names.shown(identity) == identity else NOT_UTF8


@dataclass(frozen=True)
class Item:
    """One candidate utterance; exactly one of `emotion` and `left_out` is set."""

    id: str
    """Of the file's or the label's own; bytes that are not UTF-8 as `names.shown` gives them."""
    path: Path | None
    """Audio file, which may be absent; `None` where the release names none."""
    emotion: str | None
    """One of `mtlser.records.EMOTIONS`."""
    left_out: str | None
    """Why the item is not part of the task."""
    label: str | None
    """The release's own label."""
    speaker: str
    gender: Literal["F", "M"] | None
    session: str | None
    dialogue: str | None
    recording: str | None
    style: Literal["improvised", "scripted"] | None
    text: str | None
    """Transcript as the release writes it."""
    language: str


@dataclass(frozen=True)
class Release:
    """Published counts of the task's utterances, to check a copy against."""

    by_emotion: dict[str, int]
    by_speaker: dict[str, int]
    fewest_labelled: int
    """A copy with at least so many task labels is checked against this release."""


@dataclass(frozen=True)
class Corpus:
    """One corpus: where it is below a folder, and what is in it."""

    name: str
    title: str
    layout: str
    """What its folder looks like, for error messages."""
    find: Callable[[Path], Path | None]
    """The release in or below a folder; `None` where there is none."""
    read: Callable[[Path], list[Item]]
    """All items of the folder that `find` returned, in a stable order."""
    release: Release | None


def visible(path: Path) -> bool:
    """False for `.DS_Store`, `._name` and other hidden files that archives carry along.

    >>> visible(Path("._Ses01F_impro01.txt"))
    False
    """
    return not path.name.startswith(".")


def lines(path: Path) -> list[str]:
    r"""The lines of a text file, whatever its line ends and (Western) encoding.

    UTF-8 where it is, else Windows-1252, else Latin-1. Only `\r` and `\n` end a line: Latin-1's
    0x85 would too for `str.splitlines`.
    """
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
