"""Prosody of the synthetic actors: a base of their own, shifted by emotion; ranges overlap."""

from typing import NamedTuple

import numpy as np

from mtlser.data.synthetic import espeak


class Prosody(NamedTuple):
    """eSpeak NG's settings, units as in `mtlser.data.synthetic.espeak.speak`, before rounding."""

    rate_wpm: float
    pitch: float
    pitch_range: float
    volume: float

    def rounded(self) -> dict[str, int]:
        """The settings as whole numbers inside eSpeak NG's limits.

        >>> Prosody(20.0, 50.4, 130.0, 90.0).rounded()
        {'rate_wpm': 80, 'pitch': 50, 'pitch_range': 99, 'volume': 90}
        """
        limits = (espeak.RATE_WPM, espeak.PITCH, espeak.PITCH_RANGE, espeak.VOLUME)
        return {
            name: int(np.clip(round(value), *limit))
            for name, value, limit in zip(self._fields, self, limits, strict=True)
        }


BASE = Prosody(rate_wpm=142, pitch=45, pitch_range=50, volume=80)
"""Mean over actors."""

ACTOR_SD = Prosody(rate_wpm=8, pitch=4, pitch_range=4, volume=5)
"""SD of actors around the mean."""

SHIFTS = {
    "neu": Prosody(0, -3, -22, 0),
    "hap": Prosody(10, 22, 28, 5),
    "ang": Prosody(42, 3, 12, 15),
    "sad": Prosody(-28, -16, -14, -15),
}
"""Shift of an emotion against the actor's base."""

SPREAD = Prosody(rate_wpm=12.5, pitch=6, pitch_range=10, volume=7)
"""SD of one actor's utterances of one emotion: ranges of different emotions overlap."""

ALIASES = {"exc": "hap", "fru": "ang", "sur": "hap", "fea": "sad", "dis": "ang"}
"""Labels that sound like another; the rest (`xxx`, `oth`) sound neutral."""


def actor_base(rng: np.random.Generator) -> Prosody:
    """One actor's base, drawn around `BASE`."""
    return _around(BASE, ACTOR_SD, rng)


def emotional(base: Prosody, label: str, rng: np.random.Generator) -> Prosody:
    """One utterance of an actor with an IEMOCAP label such as `neu`, `exc`, `fru`."""
    shift = SHIFTS.get(ALIASES.get(label, label), SHIFTS["neu"])
    middle = Prosody(*(value + add for value, add in zip(base, shift, strict=True)))
    return _around(middle, SPREAD, rng)


LOWEST, HIGHEST = Prosody(110, 20, 5, 50), Prosody(235, 85, 95, 110)
"""Range of ordinary speech; for pre-training."""


def any_prosody(rng: np.random.Generator) -> Prosody:
    """Settings drawn evenly between `LOWEST` and `HIGHEST`, for pre-training."""
    return Prosody(*(rng.uniform(a, b) for a, b in zip(LOWEST, HIGHEST, strict=True)))


def quadrant(setting: Prosody) -> str:
    """Lower or upper half of pitch and of rate, as a label's name.

    The names only fill the label slot of IEMOCAP's files: nobody acts an emotion here, and no
    emotion of the demo has these settings.

    >>> quadrant(LOWEST), quadrant(HIGHEST)
    ('sad', 'hap')
    """
    high = setting.pitch > (LOWEST.pitch + HIGHEST.pitch) / 2
    fast = setting.rate_wpm > (LOWEST.rate_wpm + HIGHEST.rate_wpm) / 2
    return {(0, 0): "sad", (0, 1): "ang", (1, 0): "neu", (1, 1): "hap"}[int(high), int(fast)]


def _around(middle: Prosody, sd: Prosody, rng: np.random.Generator) -> Prosody:
    return Prosody(*(rng.normal(m, s) for m, s in zip(middle, sd, strict=True)))
