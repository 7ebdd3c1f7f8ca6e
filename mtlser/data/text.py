"""Transcripts as the CTC head spells them: words in capitals with single spaces.

Languages in Latin letters are spelt with A-Z and apostrophe, others in their own letters; what the
symbols are is in `mtlser.data.alphabets`.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from mtlser.data.alphabets import keeps_letters
from mtlser.data.spelling import spell

_EVENT = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|<[^<>]*>|\+\+[^+]*\+\+")
SPELT = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
}  # fmt: skip
"""Spelling of letters that are not an accented one of A-Z, in any language."""
TURKIC = frozenset({"az", "tr"})
"""Languages whose capital of i is İ."""
GERMAN = {"ä": "ae", "ö": "oe", "ü": "ue"}
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´", "'"))
_SIGNS = {"en": {"&": "and", "%": "percent"}, "de": {"&": "und", "%": "prozent"}}
_SPOKEN = "&%"
"""Signs that are words; so are those of currencies."""


@dataclass(frozen=True)
class Cleaned:
    """A transcript in the vocabulary's letters, and what they cannot spell."""

    text: str | None
    """Upper-case words with single spaces; `None` where no word remains."""
    dropped: tuple[tuple[str, int], ...]
    """Letters, digits and spoken signs (`&`, `%`, those of currencies) without a spelling, with
    their number; punctuation is not counted."""


NOTHING = Cleaned(None, ())
"""Of no transcript."""


def normalise(text: str, language: str, alphabet: str | None = None) -> str | None:
    """The transcript as upper-case words with single spaces; `None` without a word.

    Event tags (`{LG}`, `[LAUGHTER]`, `<noise>`, `++garbage++`) are removed, numbers are spelt in
    `language` (`mtlser.data.spelling`). In A-Z and apostrophe German umlauts become AE OE UE, ß
    becomes SS, other accents are stripped; where a text keeps its letters they stay.

    Args:
        text: transcript as the corpus writes it.
        language: ISO 639-1 code, for example `en` or `de`; empty: not known.
        alphabet: `latin`: A-Z; `corpus`: its own letters; `None`: as the language is written.

    >>> normalise("{LG} Café at 5 o’clock... [BREATHING]", "en")
    "CAFE AT FIVE O'CLOCK"
    >>> normalise("Was sind denn das für Tüten?", "de")
    'WAS SIND DENN DAS FUER TUETEN'
    >>> normalise("Да, 5 раз!", "ru")
    'ДА ПЯТЬ РАЗ'
    >>> normalise("[LAUGHTER]", "en") is None
    True
    """
    return clean(text, language, alphabet).text


def clean(text: str, language: str, alphabet: str | None = None) -> Cleaned:
    """The text of `normalise`, with the letters and digits that had to be dropped.

    >>> clean("ja Дa", "de")
    Cleaned(text='JA A', dropped=(('д', 1),))
    """
    lower = unicodedata.normalize("NFC", _EVENT.sub(" ", text)).translate(_APOSTROPHES).lower()
    for sign, word in _SIGNS.get(language, {}).items():
        lower = lower.replace(sign, f" {word} ")
    lower = spell(lower, language)
    if keeps_letters(text, language, alphabet):
        return _own_letters(lower, language)
    for letter, spelling in {**SPELT, **(GERMAN if language == "de" else {})}.items():
        lower = lower.replace(letter, spelling)
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(char)
    )
    dropped: Counter[str] = Counter()
    letters = []
    for char in plain:
        if char.isascii() and (char.isalpha() or char == "'"):
            letters.append(char.upper())
        else:
            letters.append(" " if not char.isalnum() else "")
            dropped[char] += _says(char)
    words = [word for word in "".join(letters).split() if word.strip("'")]
    return Cleaned(" ".join(words) or None, tuple(sorted((+dropped).items())))


def _own_letters(lower: str, language: str) -> Cleaned:
    """The text in its own letters, in capitals where the script has them."""
    lower = unicodedata.normalize("NFC", lower)
    if language in TURKIC:
        lower = lower.replace("i", "İ")
    dropped: Counter[str] = Counter()
    letters = []
    for char in lower:
        kind = unicodedata.category(char)
        if kind[0] in "LM" or char == "'":
            letters.append(char.upper())
        elif kind != "Cf":  # joiners are no gaps
            letters.append(" " if not char.isalnum() else "")
            dropped[char] += _says(char)
    words = [word for word in "".join(letters).split() if word.strip("'")]
    return Cleaned(" ".join(words) or None, tuple(sorted((+dropped).items())))


def _says(char: str) -> bool:
    """Whether a speaker would say the character."""
    return char.isalnum() or char in _SPOKEN or unicodedata.category(char) == "Sc"
