"""How much is known of a class without hearing the speech: an effect size for each property.

A class that the speaker, the gender or the length of a clip gives away can be scored high by a
model that has learnt nothing about emotion.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from mtlser.data.codes import codes
from mtlser.records import Rate, Record, Utterance

FEWEST = 8
"""Utterances with a value, below which nothing is said."""
_NAMED: Mapping[str, Callable[[Utterance], str | None]] = {
    "corpus": lambda u: u.corpus,
    "speaker": lambda u: u.speaker,
    "gender": lambda u: u.gender,
    "transcript": lambda u: u.text,
    "dialogue": lambda u: u.dialogue,
    "session": lambda u: u.session,
    "style": lambda u: u.style,
    "language": lambda u: u.language or None,
}
_MEASURED: Mapping[str, Callable[[Utterance], float]] = {
    "duration": lambda u: u.duration_s,
    "level": lambda u: u.level_dbfs,
}


class Confound(Record):
    """How strongly one property goes with the class."""

    property: str
    """`gender`, `duration`, ..."""
    effect: Rate
    """0: nothing, 1: the property gives the class."""
    scale: Literal["cramers_v", "eta"]
    """Cramér's V with bias correction (Bergsma 2013, doi 10.1016/j.jkss.2012.10.002) for names;
    eta, the square root of the share of variance between classes, for numbers."""
    utterances: int
    """That have the property."""
    values: int
    """Different ones."""


def confounds(
    utterances: Sequence[Utterance], rates_hz: Mapping[str, int] | None = None
) -> tuple[Confound, ...]:
    """The properties that there are, the strongest first.

    Args:
        utterances: the manifest.
        rates_hz: sample rate of each recording by utterance id; `None`: not known.
    """
    named = dict(_NAMED)
    if rates_hz is not None:
        named["sample rate"] = lambda u: str(rates_hz[u.id]) if u.id in rates_hz else None
    found = [
        *(_confound(name, "cramers_v", cramers_v, of, utterances) for name, of in named.items()),
        *(_confound(name, "eta", eta, of, utterances) for name, of in _MEASURED.items()),
    ]
    known = [each for each in found if each is not None]
    return tuple(sorted(known, key=lambda each: (-each.effect, each.property)))


def _confound(
    name: str,
    scale: Literal["cramers_v", "eta"],
    effect: Callable[[Sequence[str], Sequence[Any]], float],
    value: Callable[[Utterance], Any],
    utterances: Sequence[Utterance],
) -> Confound | None:
    """The property's effect; `None` where too few have it, or all have the same."""
    pairs = [(u.emotion, own) for u in utterances if (own := value(u)) is not None]
    values = len({own for _, own in pairs})
    if len(pairs) < FEWEST or values < 2:
        return None
    classes, given = [emotion for emotion, _ in pairs], [own for _, own in pairs]
    return Confound(
        property=name,
        effect=effect(classes, given),
        scale=scale,
        utterances=len(pairs),
        values=values,
    )


def cramers_v(classes: Sequence[str], names: Sequence[str]) -> float:
    """Cramér's V of two nominal variables with Bergsma's bias correction, 0-1.

    >>> cramers_v(["a", "a", "b", "b"] * 9, ["x", "x", "y", "y"] * 9)
    1.0
    >>> cramers_v(["a", "a", "b", "b"] * 9, ["x", "y", "x", "y"] * 9)
    0.0
    """
    (rows, r), (columns, k), n = codes(classes), codes(names), len(classes)
    if min(r, k) < 2 or n < 2:
        return 0.0
    counts = np.bincount(rows * k + columns, minlength=r * k).reshape(r, k)
    expected = counts.sum(1, keepdims=True) * (counts.sum(0, keepdims=True) / n)
    phi2 = float(((counts - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    r_, k_ = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    most = min(r_, k_) - 1
    return round(min(1.0, float(np.sqrt(phi2 / most))), 4) if most > 0 else 0.0


def eta(classes: Sequence[str], numbers: Sequence[float]) -> float:
    """Square root of the share of a number's variance that lies between classes, 0-1.

    >>> eta(["a", "a", "b", "b"], [1.0, 1.0, 3.0, 3.0]), eta(["a", "b"] * 2, [1.0, 1.0, 3.0, 3.0])
    (1.0, 0.0)
    """
    place, _ = codes(classes)
    value_n = np.asarray(numbers, dtype=np.float64)
    whole = float(((value_n - value_n.mean()) ** 2).sum())
    if whole == 0:
        return 0.0
    counts = np.bincount(place)
    means = np.bincount(place, value_n) / counts
    between = float((counts * (means - value_n.mean()) ** 2).sum())
    return round(min(1.0, float(np.sqrt(between / whole))), 4)
