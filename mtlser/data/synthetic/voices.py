"""The actors of the synthetic corpora: eSpeak NG voices, none shared between the two corpora.

Actors come in pairs, a woman and a man for each session. Within and across the two tuples no
variant (the part after the `+`, which sets formants and pitch) occurs twice.
"""

from typing import NamedTuple


class Pair(NamedTuple):
    """The two voices of one session."""

    female: str
    male: str


DEMO_VOICES: tuple[Pair, ...] = (
    Pair("en-us+f2", "en-us+m3"),
    Pair("en-gb-scotland+f3", "en-gb-x-rp+m1"),
    Pair("en-gb-x-rp+f4", "en-us-nyc+m6"),
    Pair("en-us+f5", "en-gb-scotland+m4"),
    Pair("en-us-nyc+f1", "en-us+m2"),
)
"""Ten voices for the demo's corpus alone."""

PRETRAINING_VOICES: tuple[Pair, ...] = (
    Pair("en-us+linda", "en-us+m8"),
    Pair("en-gb-x-rp+belinda", "en-gb-scotland+m5"),
    Pair("en-gb-scotland+steph", "en-gb-x-rp+m7"),
    Pair("en-us+Annie", "en-us-nyc+john"),
    Pair("en-us-nyc+Alicia", "en-us+paul"),
    Pair("en-us+Andrea", "en-gb-x-rp+Alex"),
    Pair("en-gb-x-rp+anika", "en-us+travis"),
    Pair("en-us+aunty", "en-gb-scotland+Michael"),
    Pair("en-us-nyc+steph3", "en-us+quincy"),
)
"""Eighteen other voices, for pre-training the bundled backbone; IEMOCAP's names end at Ses09."""
