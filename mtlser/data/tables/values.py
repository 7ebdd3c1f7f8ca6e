"""Genders, partitions, languages, seconds and votes as people write them in tables."""

import math
import re
from collections.abc import Mapping
from typing import Literal

GENDERS: Mapping[Literal["F", "M"], frozenset[str]] = {
    "F": frozenset({"f", "female", "woman", "w", "weiblich", "frau", "femme", "feminin", "mujer",
                    "femenino", "girl"}),
    "M": frozenset({"m", "male", "man", "männlich", "maennlich", "mann", "homme", "masculin",
                    "hombre", "masculino", "boy"}),
}  # fmt: skip
PARTITIONS: Mapping[Literal["train", "validation", "test"], frozenset[str]] = {
    "train": frozenset({"train", "training", "trn"}),
    "validation": frozenset({"validation", "valid", "val", "dev", "devel", "development"}),
    "test": frozenset({"test", "testing", "eval", "evaluation", "tst"}),
}
LANGUAGES = {
    "english": "en", "eng": "en", "german": "de", "deutsch": "de", "deu": "de", "ger": "de",
    "french": "fr", "français": "fr", "fra": "fr", "fre": "fr", "spanish": "es", "español": "es",
    "spa": "es", "italian": "it", "italiano": "it", "ita": "it", "urdu": "ur", "urd": "ur",
    "mandarin": "zh", "chinese": "zh", "zho": "zh", "greek": "el", "ell": "el", "polish": "pl",
    "polski": "pl", "pol": "pl", "russian": "ru", "rus": "ru", "turkish": "tr", "tur": "tr",
    "dutch": "nl", "nld": "nl", "hindi": "hi", "hin": "hi", "japanese": "ja", "jpn": "ja",
    "korean": "ko", "kor": "ko", "portuguese": "pt", "por": "pt", "arabic": "ar", "ara": "ar",
}  # fmt: skip
_CODE = re.compile(r"([a-z]{2})(?:[-_].*)?")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")


def gender(text: str) -> Literal["F", "M"] | None:
    """F or M; `None` where it is neither, or not known.

    >>> gender("Weiblich"), gender("male"), gender("divers")
    ('F', 'M', None)
    """
    return next((name for name, words in GENDERS.items() if text.casefold() in words), None)


def partition(text: str) -> Literal["train", "validation", "test"] | None:
    """The official partition; `None` where it is none of the three.

    >>> partition("Dev"), partition("5")
    ('validation', None)
    """
    return next((name for name, words in PARTITIONS.items() if text.casefold() in words), None)


def language(text: str) -> str:
    """The ISO 639-1 code of a language; empty where it is not known.

    >>> language("en-US"), language("Deutsch"), language("Klingon")
    ('en', 'de', '')
    """
    folded = text.casefold()
    code = _CODE.fullmatch(folded)
    return LANGUAGES.get(folded, code[1] if code else "")


def seconds(text: str) -> float | None:
    """Seconds of a number or a clock time; `None` where it is neither.

    >>> seconds("1,5"), seconds("1:02.5"), seconds("soon"), seconds("nan")
    (1.5, 62.5, None, None)
    """
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        hours, minutes, rest = clock.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(rest.replace(",", "."))
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def majority(votes: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The label with most votes, or why there is none.

    >>> majority({"angry": "3", "sad": "1"}), majority({"angry": "2", "sad": "2"})
    (('angry', None), (None, 'a tie between angry, sad'))
    """
    counts = {}
    for label, text in votes.items():
        value = seconds(text) if text else 0.0
        if value is None or value < 0:
            return None, f"{text!r} votes for {label}"
        counts[label] = value
    most = max(counts.values(), default=0.0)
    first = [label for label, value in counts.items() if value == most]
    if not most:
        return None, None
    if len(first) > 1:
        return None, f"a tie between {', '.join(sorted(first))}"
    return first[0], None
