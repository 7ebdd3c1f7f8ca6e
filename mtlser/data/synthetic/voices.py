"""The actors of the synthetic corpora: eSpeak NG voices, none shared between the two corpora.

Each session has two actors, a woman and a man. Within and across the two tuples no
variant (the part after the `+`, which sets formants and pitch) occurs twice.
"""

from typing import NamedTuple


class SessionVoices(NamedTuple):
    """The two voices of one session."""

    female: str
    male: str


DEMO_VOICES: tuple[SessionVoices, ...] = (
    SessionVoices("en-us+f2", "en-us+m3"),
    SessionVoices("en-gb-scotland+f3", "en-gb-x-rp+m1"),
    SessionVoices("en-gb-x-rp+f4", "en-us-nyc+m6"),
    SessionVoices("en-us+f5", "en-gb-scotland+m4"),
    SessionVoices("en-us-nyc+f1", "en-us+m2"),
)
"""Ten voices for the demo's corpus alone."""

PRETRAINING_VOICES: tuple[SessionVoices, ...] = (
    SessionVoices("en-us+linda", "en-us+m8"),
    SessionVoices("en-gb-x-rp+belinda", "en-gb-scotland+m5"),
    SessionVoices("en-gb-scotland+steph", "en-gb-x-rp+m7"),
    SessionVoices("en-us+Annie", "en-us-nyc+john"),
    SessionVoices("en-us-nyc+Alicia", "en-us+paul"),
    SessionVoices("en-us+Andrea", "en-gb-x-rp+Alex"),
    SessionVoices("en-gb-x-rp+anika", "en-us+travis"),
    SessionVoices("en-us+aunty", "en-gb-scotland+Michael"),
    SessionVoices("en-us-nyc+steph3", "en-us+quincy"),
)
"""Eighteen other voices, for pre-training the bundled backbone; IEMOCAP's names end at Ses09."""
