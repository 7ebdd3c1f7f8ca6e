"""Recordings of one's own, sorted into a folder for each label.

    DIR/angry/one.wav
    DIR/angry/below/two.mp3
    DIR/sad/three.flac

Who speaks is known where the recipe's `data.speaker_pattern` finds it in the path.
"""

from collections.abc import Iterator
from pathlib import Path

from mtlser.data.corpora.base import (
    AUDIO_SUFFIXES,
    NO_LABEL,
    NOT_AUDIO,
    Corpus,
    Item,
    below,
    left_out,
    why_left_out,
)
from mtlser.recipe import DataRecipe
from mtlser.recipes import names


def read(root: Path, _data: DataRecipe) -> Iterator[Item]:
    """Yields one item for each visible file below a label's folder, in order of paths."""
    for path in below(root):
        within = path.relative_to(root)
        if any(part.startswith(".") for part in within.parts) or path.is_dir():
            continue
        name = within.as_posix()
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            yield left_out(path, name, NOT_AUDIO)
        elif len(within.parts) == 1:
            yield left_out(path, name, why_left_out(name, NO_LABEL))
        else:
            yield Item(id=names.shown(name), path=path, label=names.shown(within.parts[0]))


CORPUS = Corpus(
    name="folder",
    title="a folder of recordings for each label",
    layout="angry/one.wav, sad/two.wav ...",
    find=lambda root: root,
    read=read,
    generic=True,
    audio_folders=lambda _: (),
)
"""The reader."""
