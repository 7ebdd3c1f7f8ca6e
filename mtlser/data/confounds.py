"""How much is known of a class without hearing the speech: an effect size for each property.

A class that the speaker, the gender or the length of a clip gives away can be scored high by a
model that has learnt nothing about emotion.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.data.codes import codes
from mtlser.data.overview import Overview, Same
from mtlser.records import Rate, Record

Codes = NDArray[np.int32] | NDArray[np.int64]
"""Numbers that stand for names or texts."""

Scale = Literal["cramers_v", "eta"]
FEWEST = 8
"""Utterances with a value, below which nothing is said."""
_NAMED = ("corpus", "speaker", "gender", "session", "style", "language")
_SAME = {"transcript": "text", "dialogue": "dialogue"}
_MEASURED = {"duration": "duration_s", "level": "level_dbfs"}


class Confound(Record):
    """How strongly one property goes with the class."""

    property: str
    """`gender`, `duration`, ..."""
    effect: Rate
    """0: nothing, 1: the property gives the class."""
    scale: Scale
    """Cramér's V with bias correction (Bergsma 2013, doi 10.1016/j.jkss.2012.10.002) for names;
    eta, the square root of the share of variance between classes, for numbers."""
    utterances: int
    """That have the property."""
    values: int
    """Different ones."""


def confounds(corpus: Overview) -> tuple[Confound, ...]:
    """The properties that there are, the strongest first."""
    class_n = corpus.emotion.code_n
    named = {name: getattr(corpus, name) for name in _NAMED} | {"sample rate": corpus.rate_hz}
    found = [
        _by_name(name, class_n, column.code_n, column.code_n > 0) for name, column in named.items()
    ]
    for name, column in _SAME.items():
        same: Same = getattr(corpus, column)
        found.append(_by_name(name, class_n, same.hash_n, same.known_n))
    found += [
        _by_number(name, class_n, corpus.number(column)) for name, column in _MEASURED.items()
    ]
    known = [each for each in found if each is not None]
    return tuple(sorted(known, key=lambda each: (-each.effect, each.property)))


def _by_name(
    name: str, class_n: Codes, value_n: Codes, known_n: NDArray[np.bool_]
) -> Confound | None:
    """The effect of a property; `None` where too few have it, or all have the same."""
    return _confound(name, "cramers_v", _association, class_n[known_n], value_n[known_n])


def _by_number(name: str, class_n: Codes, value_n: NDArray[np.float64]) -> Confound | None:
    """The same of a number that each utterance has."""
    return _confound(name, "eta", _spread, class_n, value_n)


def _confound(
    name: str,
    scale: Scale,
    effect: Callable[[Codes, Any], float],
    class_n: Codes,
    value_n: NDArray[Any],
) -> Confound | None:
    values = len(np.unique(value_n))
    if len(class_n) < FEWEST or values < 2:
        return None
    return Confound(
        property=name,
        effect=effect(class_n, value_n),
        scale=scale,
        utterances=len(class_n),
        values=values,
    )


def cramers_v(classes: Sequence[str], names: Sequence[str]) -> float:
    """Cramér's V of two nominal variables with Bergsma's bias correction, 0-1.

    >>> cramers_v(["a", "a", "b", "b"] * 9, ["x", "x", "y", "y"] * 9)
    1.0
    >>> cramers_v(["a", "a", "b", "b"] * 9, ["x", "y", "x", "y"] * 9)
    0.0
    """
    return _association(codes(classes)[0], codes(names)[0])


def _association(class_n: Codes, value_n: Codes) -> float:
    """`cramers_v` of numbers that stand for names.

    Of the table of classes and values only the cells that are not empty are counted: a million
    different transcripts have that many columns.
    """
    rows, columns = (np.unique(each, return_inverse=True)[1] for each in (class_n, value_n))
    n = len(class_n)
    r, k = (int(each.max(initial=-1)) + 1 for each in (rows, columns))
    if min(r, k) < 2 or n < 2:
        return 0.0
    cells, counts = np.unique(rows.astype(np.int64) * k + columns, return_counts=True)
    squares = counts / np.bincount(rows)[cells // k] * (counts / np.bincount(columns)[cells % k])
    phi2 = float(squares.sum()) - 1
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    r_, k_ = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    most = min(r_, k_) - 1
    return round(min(1.0, float(np.sqrt(phi2 / most))), 4) if most > 0 else 0.0


def eta(classes: Sequence[str], numbers: Sequence[float]) -> float:
    """Square root of the share of a number's variance that lies between classes, 0-1.

    >>> eta(["a", "a", "b", "b"], [1.0, 1.0, 3.0, 3.0]), eta(["a", "b"] * 2, [1.0, 1.0, 3.0, 3.0])
    (1.0, 0.0)
    """
    return _spread(codes(classes)[0], np.asarray(numbers, dtype=np.float64))


def _spread(class_n: Codes, value_n: NDArray[np.float64]) -> float:
    """`eta` of numbers that stand for classes."""
    place = np.unique(class_n, return_inverse=True)[1]
    whole = float(((value_n - value_n.mean()) ** 2).sum())
    if whole == 0:
        return 0.0
    counts = np.bincount(place)
    means = np.bincount(place, value_n) / counts
    between = float((counts * (means - value_n.mean()) ** 2).sum())
    return round(min(1.0, float(np.sqrt(between / whole))), 4)
