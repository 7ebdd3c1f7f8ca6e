"""The symbols of the head for words: the paper's 32, or the letters that a corpus is written in."""

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from mtlser.errors import MtlserError

VOCABULARY: tuple[str, ...] = (
    "<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ",
)  # fmt: skip
"""Those of `facebook/wav2vec2-base-960h`, in its order, so that a pre-trained CTC layer fits
(paper, section 4.5: U = 32 symbols)."""
SPECIAL = 5
"""Of these, the ones that are no letters."""
BLANK = 0
"""CTC's blank is `<pad>`."""
WORD_GAP = "|"
MOST_SYMBOLS = 4_096
"""Enough for the characters of a Chinese corpus; more is no alphabet."""
OTHER_SCRIPTS = frozenset(
    {
        "am", "ar", "be", "bg", "bn", "el", "fa", "gu", "he", "hi", "hy", "ja", "ka", "kk", "km",
        "kn", "ko", "lo", "mk", "ml", "mn", "mr", "my", "ne", "pa", "ps", "ru", "si", "sr", "ta",
        "te", "th", "ug", "uk", "ur", "yi", "zh",
    }
)  # fmt: skip
"""Languages that are not written in Latin letters."""


def keeps_letters(text: str, language: str, alphabet: str | None) -> bool:
    """Whether a transcript keeps its own letters, instead of being spelt in A-Z.

    Args:
        text: the transcript.
        language: ISO 639-1 code; empty: not known.
        alphabet: `latin`, `corpus`, or `None`: as the language is written.

    >>> keeps_letters("да", "ru", None), keeps_letters("für", "de", None)
    (True, False)
    """
    if alphabet is not None:
        return alphabet == "corpus"
    if language:
        return language in OTHER_SCRIPTS
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and not any("LATIN" in unicodedata.name(char, "") for char in letters)


def of(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The symbols that spell these transcripts, in the order of the head's outputs.

    `VOCABULARY` where it spells them all; empty where there is no transcript.

    >>> of(["A BE"]) == VOCABULARY, of([None])
    (True, ())
    >>> of(["ДА"])
    ('<pad>', '<s>', '</s>', '<unk>', '|', 'А', 'Д')

    Raises:
        MtlserError: there are more than `MOST_SYMBOLS`.
    """
    letters: set[str] = set()
    some = False
    for text in texts:
        if text is not None:
            some = True
            letters.update(text)
    letters -= {" ", WORD_GAP}
    if letters <= set(VOCABULARY):
        return VOCABULARY if some else ()
    if len(letters) > MOST_SYMBOLS:
        raise MtlserError(
            f"the transcripts have {len(letters)} different characters, allowed are "
            f"{MOST_SYMBOLS}; check their encoding, or leave them out with "
            "`--set data.alphabet=latin`"
        )
    return (*VOCABULARY[:SPECIAL], *sorted(letters))


def encode(text: str, alphabet: Sequence[str] = VOCABULARY) -> list[int]:
    """Indices of a normalised text in the alphabet, spaces as `|`; other characters `<unk>`.

    >>> encode("A BE")
    [7, 4, 24, 5]
    """
    index = _index(tuple(alphabet))
    unknown = index["<unk>"]
    return [index.get(WORD_GAP if char == " " else char, unknown) for char in text]


@lru_cache(maxsize=4)
def _index(alphabet: tuple[str, ...]) -> dict[str, int]:
    return {symbol: place for place, symbol in enumerate(alphabet)}


def frames_needed(ids: Sequence[int]) -> int:
    """Frames that CTC needs for these symbols: one each, and a blank between equal neighbours.

    >>> frames_needed(encode("BEE"))
    4
    """
    return len(ids) + sum(one == other for one, other in itertools.pairwise(ids))


def decode_ctc(ids: Sequence[int], alphabet: Sequence[str] = VOCABULARY) -> str:
    """The text of one index per frame: repeats collapse, then blanks and special tokens go.

    >>> decode_ctc([0, 7, 7, 0, 7, 4, 4, 24, 0, 5, 5, 4])
    'AA BE'
    """
    symbols = [alphabet[index] for index, _ in groupby(ids)]
    text = "".join(symbol for symbol in symbols if len(symbol) == 1)
    return " ".join(text.replace(WORD_GAP, " ").split())
