"""The items of all corpora of a recipe, their labels, and the class that it makes of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mtlser.data import corpora, labels
from mtlser.data.corpora import Corpus, Item
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe, Recipe


@dataclass(frozen=True)
class Labelled:
    """What ingest knows of one corpus before it opens any audio."""

    data: DataRecipe
    """Its section of the recipe."""
    root: Path
    corpus: Corpus
    items: list[Item]
    found: Counter[str]
    """Items of each label."""
    classes: dict[str, str]
    """Class of each label that belongs to one."""


def labelled(recipe: Recipe, roots: Sequence[Path]) -> tuple[Labelled, ...]:
    """The recipe's corpora, read and grouped, in its order.

    Where there are several, ids, speakers, sessions, dialogues and recordings begin with the name
    of their corpus, so that those of two corpora are never taken for one.

    Args:
        recipe: its sections of data, and `[labels]`.
        roots: the release of each corpus.

    Raises:
        MtlserError: see `corpora.read` and `labels.groupings`; or `data.merge_speakers` names
            somebody whom nobody knows.
    """
    sections = list(zip(recipe.corpora, roots, strict=True))
    read = [corpora.read(data, root) for data, root in sections]
    if len(read) > 1:
        read = [
            [_of(item, data.called) for item in items]
            for (data, _), items in zip(sections, read, strict=True)
        ]
    read = _merged(read, recipe.corpora)
    readers = [corpora.corpus(data.corpus) for data, _ in sections]
    found = [Counter(i.label for i in items if i.label is not None) for items in read]
    namings = [reader.naming for reader in readers]
    classes = labels.groupings(recipe.labels, list(zip(namings, found, strict=True)))
    return tuple(
        Labelled(data, root, readers[i], read[i], found[i], classes[i])
        for i, (data, root) in enumerate(sections)
    )


def _of(item: Item, corpus: str) -> Item:
    """The item with names that no other corpus has."""

    def own(name: str | None) -> str | None:
        return None if name is None else f"{corpus}/{name}"

    return replace(
        item,
        id=f"{corpus}/{item.id}",
        speaker=own(item.speaker),
        session=own(item.session),
        dialogue=own(item.dialogue),
        recording=own(item.recording),
    )


def _merged(read: Sequence[list[Item]], sections: Sequence[DataRecipe]) -> list[list[Item]]:
    """The items with one name for each person.

    Raises:
        MtlserError: nobody has one of the names.
    """
    known = {item.speaker for items in read for item in items if item.speaker is not None}
    one: dict[str, str] = {}
    for data in sections:
        for group in data.merge_speakers:
            names = [_speaker(name, data.called, known) for name in group]
            one |= dict.fromkeys(names, names[0])
    if not one:
        return list(read)
    return [
        [
            item if item.speaker not in one else replace(item, speaker=one[item.speaker])
            for item in items
        ]
        for items in read
    ]


def _speaker(name: str, corpus: str, known: set[str]) -> str:
    """A speaker as the items have them: of the corpus itself, or `corpus/name` of any."""
    for each in (name, f"{corpus}/{name}"):
        if each in known:
            return each
    there = sorted(known)
    raise MtlserError(
        f"data.merge_speakers: no speaker {name!r}; there are {', '.join(there[:20])}"
        f"{' and more' if len(there) > 20 else ''}; correct the name"
    )
