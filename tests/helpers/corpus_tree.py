"""A made-up release of a corpus, with what a reader must make of every file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from tests.helpers.corpus_releases import speech

HIDDEN = "hidden"
"""A file that no reader may see."""


@dataclass(frozen=True)
class Tree:
    """One release.

    Attributes:
        kept: fields of the item of each audio file that is read, by path.
        left_out: reason of each file that is not; `HIDDEN` for one that is not even counted.
        texts: content of the other files that belong to the release.
        absent: reason, or none, by id of the items that have no file of their own.
        folder: where the corpus' own folder is below the release.
    """

    kept: Mapping[str, Mapping[str, object]]
    left_out: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str | None] = field(default_factory=dict)
    folder: str = "."


def write(tree: Tree, release: Path) -> Path:
    """Writes the release: a tenth of a second of noise in each audio file; its folder."""
    for number, name in enumerate([*tree.kept, *tree.left_out]):
        path = release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in {".wav", ".flac"} and tree.left_out.get(name) != HIDDEN:
            with path.open("wb") as file:
                kind = path.suffix[1:].upper()
                soundfile.write(file, speech(number, 0.1), 16_000, format=kind)
        else:
            path.write_bytes(b"\x00\x05\x16\x07")
    for name, content in tree.texts.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_bytes(content.encode())
    return release
