"""The items of all corpora of a recipe, their labels, and the class that it makes of each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mtlser.data import corpora, labels
from mtlser.data.corpora import Corpus, Item
from mtlser.data.ledger import Ledger, Span
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe, Recipe


class Items:
    """The items of one corpus, read from the ledger whenever they are asked for."""

    def __init__(self, ledger: Ledger, span: Span) -> None:
        self._ledger = ledger
        self.span = span

    def __len__(self) -> int:
        return len(self.span)

    def __iter__(self) -> Iterator[Item]:
        return (item for _, item in self._ledger.items(self.span))


@dataclass(frozen=True)
class Labelled:
    """What ingest knows of one corpus before it opens any audio."""

    data: DataRecipe
    """Its section of the recipe."""
    root: Path
    corpus: Corpus
    items: Items
    found: Counter[str]
    """Items of each label."""
    classes: dict[str, str]
    """Class of each label that belongs to one."""


def labelled(recipe: Recipe, roots: Sequence[Path], ledger: Ledger) -> tuple[Labelled, ...]:
    """The recipe's corpora, read and grouped, in its order.

    Where there are several, ids, speakers, sessions, dialogues and recordings begin with the name
    of their corpus, so that those of two corpora are never taken for one.

    Args:
        recipe: its sections of data, and `[labels]`.
        roots: the release of each corpus.
        ledger: takes the items.

    Raises:
        MtlserError: see `corpora.read` and `labels.groupings`; or `data.merge_speakers` names
            somebody whom nobody knows.
    """
    sections = list(zip(recipe.corpora, roots, strict=True))
    found, speakers = [Counter[str]() for _ in sections], set[str]()
    spans = []
    for (data, root), labels_found in zip(sections, found, strict=True):
        items = corpora.read(data, root)
        if len(sections) > 1:
            items = (_of(item, data.called) for item in items)
        spans.append(ledger.add(_counted(items, labels_found, speakers)))
    ledger.merge(_merged(speakers, recipe.corpora))
    readers = [corpora.corpus(data.corpus) for data, _ in sections]
    namings = [reader.naming for reader in readers]
    classes = labels.groupings(recipe.labels, list(zip(namings, found, strict=True)))
    return tuple(
        Labelled(data, root, readers[i], Items(ledger, spans[i]), found[i], classes[i])
        for i, (data, root) in enumerate(sections)
    )


def _counted(items: Iterable[Item], found: Counter[str], speakers: set[str]) -> Iterator[Item]:
    """Yields the items; counts their labels and collects their speakers."""
    for item in items:
        if item.label is not None:
            found[item.label] += 1
        if item.speaker is not None:
            speakers.add(item.speaker)
        yield item


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


def _merged(known: set[str], sections: Sequence[DataRecipe]) -> dict[str, str]:
    """For each speaker that has several names the one that counts.

    Raises:
        MtlserError: nobody has one of the names.
    """
    one: dict[str, str] = {}
    for data in sections:
        for group in data.merge_speakers:
            names = [_speaker(name, data.called, known) for name in group]
            one |= dict.fromkeys(names, names[0])
    return one


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
