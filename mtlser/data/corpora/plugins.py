"""Readers that other packages bring, as entry points of the group `mtlser.corpora`.

Only names are looked at until a reader is asked for: a package that is broken stands in the way of
its own corpora alone.
"""

from importlib.metadata import EntryPoint, entry_points

from mtlser.data.corpora.base import Corpus
from mtlser.errors import MtlserError

GROUP = "mtlser.corpora"


def names() -> tuple[str, ...]:
    """Names of the readers that installed packages bring, by the alphabet; none is loaded."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def refuse_taken(name: str) -> None:
    """Returns if no installed package has a reader of that name.

    Raises:
        MtlserError: one has; which of the two is meant would depend on what is installed.
    """
    points = _named(name)
    if points:
        raise MtlserError(
            f"corpus {name!r}: {_package(points[0])} brings a reader of that name, which mtlser "
            f"has itself; rename its entry point of {GROUP}, or uninstall the package"
        )


def load(name: str) -> Corpus:
    """The reader of that name, which is one of `names()`.

    Raises:
        MtlserError: two packages bring one, or it cannot be loaded, is no `Corpus`, or has another
            name.
    """
    points = _named(name)
    packages = sorted({_package(point) for point in points})
    if len(points) > 1:
        raise MtlserError(
            f"corpus {name!r}: {' and '.join(packages)} bring a reader of that name, expected one; "
            "uninstall all but one"
        )
    point, package = points[0], packages[0]
    try:
        corpus = point.load()
    except Exception as error:  # whatever somebody's module does when it is imported
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise MtlserError(
            f"corpus {name!r}: {point.value} of {package} could not be loaded: {problem}; repair "
            "the package, or uninstall it"
        ) from error
    if not isinstance(corpus, Corpus) or corpus.name != name:
        found = repr(corpus.name) if isinstance(corpus, Corpus) else type(corpus).__name__
        raise MtlserError(
            f"corpus {name!r}: {point.value} of {package} is {found}, expected a "
            f"mtlser.data.corpora.Corpus with name {name!r}; correct the package's entry point"
        )
    return corpus


def _named(name: str) -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP, name=name), key=_package)


def _package(point: EntryPoint) -> str:
    return f"package {point.dist.name} {point.dist.version}" if point.dist else "a package"
