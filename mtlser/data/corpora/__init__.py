"""Readers of corpora as their authors distribute them, one file each."""

import shlex
from pathlib import Path

from mtlser.data.corpora import (
    aesdd,
    cremad,
    emodb,
    esd,
    iemocap,
    jl,
    meld,
    msp_improv,
    msp_podcast,
    ravdess,
    savee,
    tess,
)
from mtlser.data.corpora.base import NOT_READ, OUTSIDE_TASK, Corpus, Item, left_over
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe

CORPORA: dict[str, Corpus] = {
    module.CORPUS.name: module.CORPUS
    for module in (
        iemocap, emodb, ravdess, cremad, savee, tess, esd, meld, msp_podcast, msp_improv, jl, aesdd,
    )
}  # fmt: skip

__all__ = ["CORPORA", "NOT_READ", "OUTSIDE_TASK", "Corpus", "Item", "corpus", "read"]


def corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        MtlserError: there is no such reader.
    """
    if name not in CORPORA:
        raise MtlserError(
            f"corpus {name!r}: no such reader; there are {', '.join(CORPORA)}; "
            f"choose one with `--corpus {next(iter(CORPORA))}`"
        )
    return CORPORA[name]


def read(data: DataRecipe, root: Path) -> list[Item]:
    """All items of the recipe's corpus in `root`, which is the release or the folder around it.

    The last are the files of its audio folders that the reader did not take: left out, each with
    its reason. Hidden files, whose names begin with a dot, are no items.

    Raises:
        MtlserError: `root` is no folder, is empty, or holds something else.
    """
    reader = corpus(data.corpus)
    if not root.is_dir():
        raise MtlserError(
            f"{root}: not a folder; expected {reader.title}: {reader.layout}; set it with "
            "`mtlser ingest --root DIR`"
        )
    folder = reader.find(root)
    if folder is None:
        raise MtlserError(f"{root}: no {reader.title} here; {_instead(reader, root)}")
    items = reader.read(folder, data)
    return [*items, *left_over(reader.audio_folders(folder), items)]


def _instead(reader: Corpus, root: Path) -> str:
    """What is in `root` in place of the reader's corpus, and the command for it."""
    for other in CORPORA.values():
        if other is not reader and other.find(root) is not None:
            place = shlex.quote(str(root))
            return f"it is {other.title}: run `mtlser ingest --corpus {other.name} --root {place}`"
    names = sorted(path.name for path in root.iterdir())
    present = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "nothing"
    return (
        f"expected {reader.layout}, found {present}: set the release's folder with "
        "`mtlser ingest --root DIR`"
    )
