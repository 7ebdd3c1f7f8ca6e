"""What a corpus reader returns: items from labels and file names, before any audio is opened."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mtlser.data.labels import Naming
from mtlser.data.text_lines import decoded
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

OUTSIDE_TASK = "label outside the recipe's classes"
NO_AGREEMENT = "annotators disagree on the label"
NO_LABEL = "audio without a label"
BAD_LABEL = "label line not understood"
BAD_NAME = "file name not understood"
NOT_UTF8 = "file name not UTF-8"
SAME_ID = "another file of the same utterance id"
NOT_AUDIO = "not a .wav or .flac file"
ELSEWHERE = "audio below another folder than expected"
NOT_LABELS = "not a .txt file beside labels or transcripts"

NOT_READ = (SAME_ID, NOT_AUDIO, ELSEWHERE, NOT_LABELS)
"""Reasons that are about a file alone."""

SUFFIXES = (".wav", ".flac")
"""Endings of the audio files that are read, without regard to case; both keep every sample."""
AUDIO_SUFFIXES = (
    *SUFFIXES, ".3g2", ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf",
    ".au", ".avi", ".awb", ".caf", ".eac3", ".f4a", ".flv", ".m2ts", ".m4a", ".m4b", ".m4v",
    ".mka", ".mkv", ".mov", ".mp1", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".mts", ".nist",
    ".oga", ".ogg", ".ogv", ".opus", ".rf64", ".snd", ".sph", ".spx", ".ts", ".tta", ".voc",
    ".w64", ".wave", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip
"""Endings of all that `audio.decode` reads, for readers of tables and folders, in any case of
letters; of a video the first stream of sound."""


def why_left_out(identity: str, reason: str) -> str:
    """The reason, or that the file's name is not UTF-8, where that is why nobody knows it."""
    return reason if names.shown(identity) == identity else NOT_UTF8


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One candidate utterance; one of `label` and `left_out` is set."""

    id: str
    """Of the file's or the label's own; bytes that are not UTF-8 as `names.shown` gives them."""
    path: Path | None
    """Audio file, which may be absent; `None` where the release names none."""
    label: str | None
    """The release's own; the recipe makes a class of it, or leaves it out."""
    left_out: str | None = None
    """Why it is no utterance, whatever its label."""
    detail: str | None = None
    """What else there is to say of `left_out`, such as a line number."""
    speaker: str | None = None
    """`None` where nobody knows, as with all that follows."""
    gender: Literal["F", "M"] | None = None
    session: str | None = None
    dialogue: str | None = None
    recording: str | None = None
    style: Literal["improvised", "scripted"] | None = None
    text: str | None = None
    """Transcript as the release writes it."""
    language: str = ""
    """ISO 639-1 code, such as `en`; empty: not known."""
    partition: Literal["train", "validation", "test"] | None = None
    """Of the corpus' official partitions."""
    start_s: float | None = None
    """Where it begins in a longer recording."""
    end_s: float | None = None
    ratings: Mapping[str, float] | None = None
    """Valence, arousal, dominance as the release gives them."""
    embedded: Callable[[], bytes] | None = field(default=None, compare=False, repr=False)
    """Content of the audio file, where `path` is a file that holds many; called in their order."""


@dataclass(frozen=True)
class Release:
    """Published counts of the utterances of the four classes, to check a copy against."""

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
    read: Callable[[Path, DataRecipe], Iterable[Item]]
    """All items of the folder that `find` returned, in a stable order; best one by one, so that
    memory does not hold them all."""
    release: Release | None = None
    naming: Naming = field(default_factory=lambda: Naming({}))
    """Its labels in plain English."""
    rate_hz: int | None = None
    """Sample rate of the published release; `None`: not known, or several."""
    generic: bool = False
    """Whether it reads anybody's recordings, not one release."""
    columns: Callable[[Path, DataRecipe], Mapping[str, str]] | None = None
    """Column of a table by what it is used for; `None`: there is no table."""
    audio_folders: Callable[[Path], Sequence[Path]] = lambda folder: (folder,)
    """Folders of the release in which every file is an item's audio, or is counted as left out."""


def visible(path: Path) -> bool:
    """False for `.DS_Store`, `._name` and other hidden files that archives carry along.

    >>> visible(Path("._Ses01F_impro01.txt"))
    False
    """
    return not path.name.startswith(".")


def below(folder: Path) -> Iterator[Path]:
    """Yields what is below a folder at any depth, in the order of paths.

    Links to folders are not entered, nor are folders that may not be read.
    """
    inside = set()
    names_there = []
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            names_there.append(entry.name)
            if entry.is_dir(follow_symlinks=False):
                inside.add(entry.name)
    names_there.sort()
    for name in names_there:
        path = folder / name
        yield path
        if name in inside:
            yield from below(path)


def audio_files(folder: Path, pattern: str = "*") -> dict[str, Path]:
    """The visible audio files by utterance id, which is the name without its ending.

    Of several files of one id, the one that ends in `.wav` is taken, else the first in name order;
    `left_over` counts the others.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.glob(pattern), key=lambda path: (path.suffix != ".wav", path)):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and not path.is_dir():
            files.setdefault(path.stem, path)
    return dict(sorted(files.items()))


def release_folder(root: Path, holds: Callable[[Path], bool]) -> Path | None:
    """`root` where it holds the release, else the first folder in it that does; `None`: neither.

    A folder in it that may not be read, such as `lost+found`, is none.

    Args:
        root: what the user names.
        holds: whether a folder is the release.
    """
    if holds(root):
        return root
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and visible(path)):
        with suppress(PermissionError):
            if holds(folder):
                return folder
    return None


def files_ending(folder: Path, suffix: str) -> tuple[list[Path], list[Path]]:
    """The visible files of a folder that end so, without regard to case, and all others."""
    files = sorted(path for path in folder.glob("*") if path.is_file() and visible(path))
    return (
        [path for path in files if path.suffix.lower() == suffix],
        [path for path in files if path.suffix.lower() != suffix],
    )


def left_over(folders: Iterable[Path], items: Iterable[Item]) -> Iterator[Item]:
    """An item, left out with its reason, for each visible file that is no item's audio.

    Args:
        folders: where every file counts, at any depth.
        items: all that a reader made of them.
    """
    taken = {item.path for item in items}
    ids = {path.stem for path in taken if path is not None and path.is_file()}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            within = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in within.parts)
            if path in taken or hidden or path.is_dir():
                continue
            if path.suffix.lower() not in SUFFIXES:
                reason = NOT_AUDIO
            else:
                reason = SAME_ID if path.stem in ids else ELSEWHERE
            yield left_out(path, within.as_posix(), reason)


def left_out(path: Path, name: str, reason: str) -> Item:
    """The item of a file that is not read.

    Args:
        path: the file.
        name: what it is called in the count.
        reason: why it is not read.
    """
    return Item(id=names.shown(name), path=path, label=None, left_out=reason)


def bad_name(path: Path) -> Item:
    """The item of an audio file whose name says nothing that the reader understands."""
    return left_out(path, path.stem, why_left_out(path.stem, BAD_NAME))


def transcript(path: Path) -> str | None:
    """The text of a file, in one line; `None` where there is no such file, or nothing in it."""
    return " ".join(" ".join(lines(path)).split()) or None if path.is_file() else None


def numbers(values: Mapping[str, object]) -> dict[str, float] | None:
    """The values that are finite numbers, or texts of such; `None` where there is none.

    >>> numbers({"valence": "3.5", "arousal": 2, "dominance": "NaN"})
    {'valence': 3.5, 'arousal': 2.0}
    """
    read = {}
    for name, value in values.items():
        try:
            read[name] = float(str(value))
        except ValueError:
            continue
    return {name: value for name, value in read.items() if math.isfinite(value)} or None


def lines(path: Path, encoding: str = "cp1252") -> list[str]:
    r"""The lines of a text file, whatever its line ends and encoding.

    What its byte order mark names, UTF-8 where it is, else the one given, else Latin-1. Only `\r`
    and `\n` end a line: Latin-1's 0x85 would too for `str.splitlines`.

    Args:
        path: the file.
        encoding: of texts that are not Unicode.
    """
    text = decoded(path.read_bytes(), encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
