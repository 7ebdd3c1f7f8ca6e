"""Readers of the corpora's own folders, one file each."""

from pathlib import Path

from mtlser.data.corpora import emodb, iemocap
from mtlser.data.corpora.base import Corpus, Item
from mtlser.errors import MtlserError

CORPORA: dict[str, Corpus] = {corpus.name: corpus for corpus in (iemocap.CORPUS, emodb.CORPUS)}

__all__ = ["CORPORA", "Corpus", "Item", "corpus", "read"]


def corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        MtlserError: there is no such reader.
    """
    if name not in CORPORA:
        raise MtlserError(
            f"corpus {name!r}: no such reader; there are {', '.join(CORPORA)}: "
            f"give one as `--corpus {next(iter(CORPORA))}`"
        )
    return CORPORA[name]


def read(name: str, root: Path) -> list[Item]:
    """All items of corpus `name` in `root`, which is the release or the folder around it.

    Raises:
        MtlserError: `root` is no folder, is empty, or holds something else.
    """
    wanted = corpus(name)
    if not root.is_dir():
        raise MtlserError(
            f"{root}: not a folder; expected {wanted.title}: {wanted.layout}; give it as "
            "`mtlser ingest --root DIR`"
        )
    folder = wanted.find(root)
    if folder is None:
        raise MtlserError(f"{root}: no {wanted.title} here; {_instead(wanted, root)}")
    return wanted.read(folder)


def _instead(wanted: Corpus, root: Path) -> str:
    for other in CORPORA.values():
        if other is not wanted and other.find(root) is not None:
            return f"it is {other.title}: run `mtlser ingest --corpus {other.name} --root {root}`"
    names = sorted(path.name for path in root.iterdir())
    seen = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "nothing"
    return (
        f"expected {wanted.layout}, seen {seen}: give the release's folder as "
        "`mtlser ingest --root DIR`"
    )
