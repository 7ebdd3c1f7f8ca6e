"""Numbers in a transcript as a speaker says them: dates, times, money, ordinals, years, decimals.

English and German have all forms below, other languages cardinals and decimals. Each form is a
pattern and what is said for it; they are tried in order, and what one has spelt holds no digit for
the next. The rules are told in docs/decisions/0017-numbers-files-and-text.md.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from mtlser.data import number_words as words
from mtlser.data import spoken_forms
from mtlser.data.spoken_forms import Form, joined, parts

COMMA_LANGUAGES = frozenset(
    {
        "az", "be", "bg", "ca", "cs", "da", "de", "eo", "es", "et", "fi", "fr", "hr", "hu", "id",
        "is", "it", "kk", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv",
        "tr", "uk", "vi",
    }
)  # fmt: skip
"""Languages that write 3,14 and 1.000.000; others write 3.14 and 1,000,000."""


def spell(text: str, language: str) -> str:
    """The text, in lower case, with its numbers in words; digits without a spelling stay.

    >>> spell("1,000,000 people on the 21st", "en").split()
    ['one', 'million', 'people', 'on', 'the', 'twenty-first']
    >>> " ".join(spell("am 3. mai um 10:30 uhr", "de").split())
    'am dritten mai um zehn uhr dreißig'
    """
    text = "".join(map(_plain, text))
    if not re.search(r"[\d$£€]", text):
        return text
    comma = language in COMMA_LANGUAGES
    gap = "." if comma else ","
    text = _SPACED.sub(lambda match: re.sub(r"\D", gap, match[0]), text)
    text = _NEGATIVE.sub("\N{MINUS SIGN}", text)
    for pattern, say in _forms(language, comma):
        text = pattern.sub(lambda match, say=say: _replaced(match, say(match)), text)  # type: ignore[misc]
    return text


_SPACED = re.compile(
    r"(?<![\d.,])\d{1,3}(?:(?:[\u00a0\u2009\u202f']\d{3})+|(?: \d{3})* 000)(?![\d'])"
)
"""Groups of three with a narrow or unbreakable space or an apostrophe between them; with plain
spaces only where the last is 000."""
_NEGATIVE = re.compile(r"(?<![\w.,)\]'-])-(?=[$£€]?\.?\d)")
"""A hyphen that is a minus sign; others join, as in covid-19, or mean a range."""


def _plain(char: str) -> str:
    """Decimal digits of any script as 0-9, vulgar fractions as `1/2`.

    >>> "".join(map(_plain, "٣ ½ −5"))
    '3  1/2  −5'
    """
    if char.isascii():
        return char
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.decimal(char))
    if unicodedata.decomposition(char).startswith("<fraction>"):
        return f" {unicodedata.normalize('NFKC', char).replace(chr(0x2044), '/')} "
    return char


def _replaced(match: "re.Match[str]", said: str | None) -> str:
    return match[0] if said is None else f" {said.lower()} "


@lru_cache
def _forms(language: str, comma: bool) -> Sequence[Form]:
    number = spoken_forms.NUMBER_COMMA if comma else spoken_forms.NUMBER_POINT
    plain: tuple[Form, ...] = (
        (_DOTTED, lambda match: _dotted(match, language)),
        (re.compile(number), lambda match: _number(match, language)),
    )
    if language not in spoken_forms.MONTHS:
        return plain
    special = spoken_forms.english() if language == "en" else spoken_forms.german()
    return (
        *spoken_forms.dates(language),
        *special,
        *spoken_forms.shared(language, number),
        *plain,
        *spoken_forms.alone(language),
    )


_DOTTED = re.compile(r"(?<![\d.,])\d+(?:\.\d+){2,}(?![\d,])")
"""An address or a version: 192.168.1.1."""


def _number(match: "re.Match[str]", language: str) -> str | None:
    before, after = parts(match)
    minus = {"en": "minus ", "de": "minus "}.get(language, "") if match["minus"] else ""
    if after is not None:
        said = words.decimal(before, after, language)
    elif match["grouped"] is None and words.is_year(before) and language in spoken_forms.MONTHS:
        said = words.year(before, language)
    else:
        said = words.whole(before, language)
    return said and minus + said


def _dotted(match: "re.Match[str]", language: str) -> str | None:
    if language in COMMA_LANGUAGES and re.fullmatch(r"\d{1,3}(\.\d{3})+", match[0]):
        return None
    point = {"en": " point ", "de": " punkt "}.get(language, " ")
    return joined([words.whole(part, language) for part in match[0].split(".")], point)
