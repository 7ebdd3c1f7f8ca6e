"""Readers of corpora as their authors distribute them, one file each, and those of plug-ins."""

import difflib
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mtlser.data.corpora import (
    aesdd,
    audformat,
    cremad,
    emodb,
    esd,
    folder,
    hf,
    iemocap,
    jl,
    meld,
    msp_improv,
    msp_podcast,
    plugins,
    ravdess,
    savee,
    table,
    tess,
)
from mtlser.data.corpora.base import NOT_READ, OUTSIDE_TASK, Corpus, Item, left_over
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

CORPORA: dict[str, Corpus] = {
    module.CORPUS.name: module.CORPUS
    for module in (
        iemocap, emodb, ravdess, cremad, savee, tess, esd, meld, msp_podcast, msp_improv, jl, aesdd,
        table, folder, hf, audformat,
    )
}  # fmt: skip

__all__ = ["CORPORA", "NOT_READ", "OUTSIDE_TASK", "Corpus", "Item", "available", "corpus", "read"]


def available() -> tuple[str, ...]:
    """All that `--corpus` may name: the readers of this package, then those of others."""
    return (*CORPORA, *(name for name in plugins.names() if name not in CORPORA))


def corpus(name: str) -> Corpus:
    """The corpus of that name, of this package or of one that brings it as a plug-in.

    Raises:
        MtlserError: there is no such reader, two of that name, or one that cannot be loaded.
    """
    if name in CORPORA:
        plugins.refuse_taken(name)
        return CORPORA[name]
    present = available()
    if name in present:
        return plugins.load(name)
    near = difflib.get_close_matches(name.casefold(), present, n=1)
    nearest = f"the nearest is {near[0]}: choose it" if near else "choose one"
    raise MtlserError(
        f"corpus {name!r}: no such reader; there are {', '.join(present)}; {nearest} with "
        f"`--corpus {(*near, *present)[0]}`"
    )


def read(data: DataRecipe, root: Path) -> Iterator[Item]:
    """Yields all items of the recipe's corpus in `root`, the release or the folder around it.

    The last are the files of its audio folders that the reader did not take: left out, each with
    its reason. Hidden files, whose names begin with a dot, are no items. What the recipe says of
    speakers and language counts where the corpus does not say it.

    Raises:
        MtlserError: `root` is no folder, is empty, or holds something else; or the reader made an
            item that is neither an utterance nor left out.
    """
    reader = corpus(data.corpus)
    if not root.is_dir():
        raise MtlserError(
            f"{root}: not a folder; expected {reader.title}: {reader.layout}; set it with "
            "`mtlser ingest --root DIR`"
        )
    place = reader.find(root)
    if place is None:
        raise MtlserError(f"{root}: no {reader.title} here; {_instead(reader, root)}")
    items = (_clear(reader, _completed(item, place, data)) for item in reader.read(place, data))
    folders = reader.audio_folders(place)
    if not folders:
        yield from items
        return
    taken = list(items)
    yield from taken
    yield from left_over(folders, taken)


def _clear(reader: Corpus, item: Item) -> Item:
    """The item, which has either label and path, or the reason why it is left out."""
    utterance = item.label is not None and item.path is not None
    if utterance if item.left_out else not utterance:
        raise MtlserError(
            f"the reader of {reader.title}: item {item.id!r} has label {item.label!r}, path "
            f"{str(item.path) if item.path else None!r} and left_out {item.left_out!r}; "
            "expected label and path, or left_out without a label; correct the reader"
        )
    return item


def _completed(item: Item, root: Path, data: DataRecipe) -> Item:
    """The item with what the recipe knows and the corpus does not."""
    if item.speaker is None and item.path is not None and data.speaker_pattern is not None:
        place = item.id if item.embedded else os.path.relpath(item.path, root)
        match = re.search(data.speaker_pattern, place)
        if match is not None:
            who = match.groupdict().get("speaker") or match[1]
            item = replace(item, speaker=names.shown(who) if who else None)
    if not item.language and data.language is not None:
        item = replace(item, language=data.language)
    return item


def _instead(reader: Corpus, root: Path) -> str:
    """What is in `root` in place of the reader's corpus, and the command for it."""
    for other in CORPORA.values():
        if other is not reader and not other.generic and other.find(root) is not None:
            place = shlex.quote(str(root))
            return f"it is {other.title}: run `mtlser ingest --corpus {other.name} --root {place}`"
    there = sorted(names.shown(path.name) for path in root.iterdir())
    present = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "") if there else "nothing"
    return (
        f"expected {reader.layout}, found {present}: set the release's folder with "
        "`mtlser ingest --root DIR`"
    )
