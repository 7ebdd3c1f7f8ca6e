"""The items of a corpus, its labels, and the class that the recipe makes of each."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mtlser.data import corpora, labels
from mtlser.data.corpora import Corpus, Item
from mtlser.recipe import Recipe


class Labelled(NamedTuple):
    """What ingest knows before it opens any audio."""

    corpus: Corpus
    items: list[Item]
    found: Counter[str]
    """Items of each label."""
    classes: dict[str, str]
    """Class of each label that belongs to one."""


def labelled(recipe: Recipe, root: Path) -> Labelled:
    """The recipe's corpus in `root`, read and grouped.

    Raises:
        MtlserError: see `corpora.read` and `labels.grouping`.
    """
    corpus = corpora.corpus(recipe.data.corpus)
    items = corpora.read(recipe.data, root)
    found = Counter(item.label for item in items if item.label is not None)
    return Labelled(corpus, items, found, labels.grouping(recipe.labels, corpus.naming, found))
