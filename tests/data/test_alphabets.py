"""Transcripts in other letters than A-Z, and the symbols of the head for words."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlser.data import alphabets
from mtlser.data.alphabets import VOCABULARY, decode_ctc, encode
from mtlser.data.text import clean, normalise
from mtlser.errors import MtlserError
from mtlser.evaluation.transcripts import normalised

SENTENCES = {
    "ru": ("Ёлка, 2 раза!", "ЁЛКА ДВА РАЗА"),
    "el": ("Καλημέρα· τι κάνεις;", "ΚΑΛΗΜΈΡΑ ΤΙ ΚΆΝΕΙΣ"),
    "zh": ("你好，世界。", "你好 世界"),
    "hi": ("मैं ठीक हूँ।", "मैं ठीक हूँ"),
    "ar": ("مرحبا، كيف حالك؟", "مرحبا كيف حالك"),
    "ur": ("میں ٹھیک ہوں۔", "میں ٹھیک ہوں"),
    "ko": ("안녕, 친구!", "안녕 친구"),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_language_in_other_letters_keeps_them(language: str) -> None:
    text, expected = SENTENCES[language]
    assert normalise(text, language) == unicodedata.normalize("NFC", expected)
    assert clean(text, language).dropped == ()
    symbols = alphabets.of([expected])
    assert decode_ctc(_frames(expected, symbols), symbols) == expected


def test_latin_letters_are_spelt_in_a_to_z_unless_the_recipe_keeps_them() -> None:
    assert normalise("Grüße für 2", "de") == "GRUESSE FUER ZWEI"
    assert normalise("Grüße für 2", "de", "corpus") == "GRÜSSE FÜR ZWEI"
    assert normalise("Да", "ru", "latin") is None
    assert normalise("ışık ilk", "tr", "corpus") == "IŞIK İLK"


def test_without_a_language_the_letters_themselves_decide() -> None:
    assert normalise("Да!", "") == "ДА"
    assert normalise("Café", "") == "CAFE"


def test_the_papers_symbols_stay_where_they_spell_everything() -> None:
    assert alphabets.of(["DON'T", None]) == VOCABULARY
    assert alphabets.of([None, None]) == ()
    german = alphabets.of(["FÜR"])
    assert german[: alphabets.SPECIAL] == VOCABULARY[: alphabets.SPECIAL]
    assert sorted(german[alphabets.SPECIAL :]) == ["F", "R", "Ü"]


def test_too_many_characters_are_no_alphabet() -> None:
    with pytest.raises(MtlserError, match="5000 different characters, allowed are 4096"):
        alphabets.of([chr(0x4E00 + i) for i in range(5000)])


@given(st.text(st.sampled_from("АБВ ДЁ你好ँमैं"), min_size=1))
def test_what_is_spelt_can_be_read_again(text: str) -> None:
    words = " ".join(text.split())
    if words:
        symbols = alphabets.of([words])
        assert decode_ctc(_frames(words, symbols), symbols) == words
        assert symbols.index("<unk>") not in encode(words, symbols)


def _frames(text: str, symbols: tuple[str, ...]) -> list[int]:
    """A frame for each symbol, with a blank after it."""
    return [place for index in encode(text, symbols) for place in (index, alphabets.BLANK)]


def test_vowel_signs_are_parts_of_words_in_the_normalised_wer() -> None:
    assert normalised("मैं ठीक हूँ।") == "मैं ठीक हूँ"
    assert normalised("Да, да!") == "да да"
