"""Transcripts without what systems write in different ways: case, punctuation, accents."""

import re
import unicodedata

from mtlser.data.text import GERMAN, SPELT

_APOSTROPHES = re.compile("['’‘ʼ`´]")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)} | {
    ord(sign): None for sign in "'`"
}
"""The same for a text of ASCII alone, in one step."""


def normalised(text: str) -> str:
    """The text with which the normalised WER is counted: lower-case words and single spaces.

    Apostrophes are removed, any other sign that is no letter and no digit, hyphens among them, is
    a gap between words. ß is `ss`, ä ö ü are `ae` `oe` `ue` in every language, other accents are
    stripped. Numbers are left as they are written. A German transcript that `mtlser ingest` has
    spelt in A-Z gives the words of the text that it was spelt from, numbers and % apart; so does
    one of another language without ä ö ü.

    >>> normalised("Don't – the T-shirt: Straße, für 2 Cafés!")
    'dont the t shirt strasse fuer 2 cafes'
    """
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    folded = unicodedata.normalize("NFC", _APOSTROPHES.sub("", text)).casefold()
    if not folded.isascii():
        for letter, spelling in (GERMAN | SPELT).items():
            folded = folded.replace(letter, spelling)
    return " ".join("".join(map(_plain, folded)).split())


def _plain(sign: str) -> str:
    """A letter without its accent, where it is none of a script that writes vowels as marks."""
    if sign.isascii():
        return sign if sign.isalnum() else " "
    kind = unicodedata.category(sign)
    parts = unicodedata.normalize("NFKD", sign)
    if kind[0] == "M":
        return "" if unicodedata.name(sign, "").startswith("COMBINING") else sign
    if kind == "Cf":
        return ""
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return "".join(part if part.isalnum() else " " for part in bare)
