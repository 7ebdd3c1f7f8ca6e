"""Transcripts as the CTC head spells them: 26 letters, apostrophe and word gap.

The vocabulary and its order are those of `facebook/wav2vec2-base-960h`, so that a pre-trained CTC
layer fits (paper, section 4.5: U = 32 symbols).
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mtlser.data.spelling import spell

VOCABULARY: tuple[str, ...] = (
    "<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ",
)  # fmt: skip
BLANK = 0
"""CTC's blank is `<pad>`."""
WORD_GAP = "|"

_INDEX = {symbol: index for index, symbol in enumerate(VOCABULARY)}
_EVENT = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|<[^<>]*>|\+\+[^+]*\+\+")
SPELT = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
}  # fmt: skip
"""Spelling of letters that are not an accented one of A-Z, in any language."""
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


def normalise(text: str, language: str) -> str | None:
    """The transcript as upper-case A-Z and apostrophe with single spaces; `None` without a word.

    Event tags (`{LG}`, `[LAUGHTER]`, `<noise>`, `++garbage++`) are removed, numbers are spelt in
    `language` (`mtlser.data.spelling`), German umlauts become AE OE UE, ß becomes SS, other accents
    are stripped.

    Args:
        text: transcript as the corpus writes it.
        language: ISO 639-1 code, for example `en` or `de`.

    >>> normalise("{LG} Café at 5 o’clock... [BREATHING]", "en")
    "CAFE AT FIVE O'CLOCK"
    >>> normalise("Was sind denn das für Tüten?", "de")
    'WAS SIND DENN DAS FUER TUETEN'
    >>> normalise("[LAUGHTER]", "en") is None
    True
    """
    return clean(text, language).text


def clean(text: str, language: str) -> Cleaned:
    """The text of `normalise`, with the letters and digits that had to be dropped.

    >>> clean("ja Дa", "de")
    Cleaned(text='JA A', dropped=(('д', 1),))
    """
    lower = unicodedata.normalize("NFC", _EVENT.sub(" ", text)).translate(_APOSTROPHES).lower()
    for sign, word in _SIGNS.get(language, {}).items():
        lower = lower.replace(sign, f" {word} ")
    lower = spell(lower, language)
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


def encode(text: str) -> list[int]:
    """Indices of a normalised text in `VOCABULARY`, spaces as `|`; other characters `<unk>`.

    >>> encode("A BE")
    [7, 4, 24, 5]
    """
    unknown = _INDEX["<unk>"]
    return [_INDEX.get(WORD_GAP if char == " " else char, unknown) for char in text]


def frames_needed(ids: Sequence[int]) -> int:
    """Frames that CTC needs for these symbols: one each, and a blank between equal neighbours.

    >>> frames_needed(encode("BEE"))
    4
    """
    return len(ids) + sum(one == other for one, other in itertools.pairwise(ids))


def decode_ctc(ids: Sequence[int]) -> str:
    """The text of one index per frame: repeats collapse, then blanks and special tokens go.

    >>> decode_ctc([0, 7, 7, 0, 7, 4, 4, 24, 0, 5, 5, 4])
    'AA BE'
    """
    symbols = [VOCABULARY[index] for index, _ in groupby(ids)]
    text = "".join(symbol for symbol in symbols if len(symbol) == 1)
    return " ".join(text.replace(WORD_GAP, " ").split())


def _says(char: str) -> bool:
    """Whether a speaker would say the character."""
    return char.isalnum() or char in _SPOKEN or unicodedata.category(char) == "Sc"
