"""Transcripts to the 32 symbols and back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import Wav2Vec2CTCTokenizer

from mtlser.data.text import VOCABULARY, clean, decode_ctc, encode, normalise


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Wav2Vec2CTCTokenizer:
    path: Path = tmp_path_factory.mktemp("vocabulary") / "vocab.json"
    path.write_text(json.dumps({symbol: index for index, symbol in enumerate(VOCABULARY)}))
    return Wav2Vec2CTCTokenizer(str(path))


def test_vocabulary_has_the_papers_32_symbols_in_wav2vec2s_order() -> None:
    assert " ".join(VOCABULARY) == (
        "<pad> <s> </s> <unk> | E T A O N I H S R D L U M W C F G Y P B V K ' X J Q Z"
    )
    assert len(set(VOCABULARY)) == 32


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("{LG} That's it. {BR}", "en", "THAT'S IT"),
        ("[LAUGHTER] no [BREATHING] way {NS}", "en", "NO WAY"),
        ("Yeah--well...okay,no", "en", "YEAH WELL OKAY NO"),
        ("It’s ‘fine’", "en", "IT'S 'FINE'"),
        ("rock ' n ' roll", "en", "ROCK N ROLL"),
        ("naïve façade über", "en", "NAIVE FACADE UBER"),
        ("21 dogs & 1,000 cats", "en", "TWENTY ONE DOGS AND ONE THOUSAND CATS"),
        ("um 7 Uhr, 2,5 Öre", "de", "UM SIEBEN UHR ZWEI KOMMA FUENF OERE"),
        ("Größe ÄÖÜ", "de", "GROESSE AEOEUE"),
        ("Tu\u0308ten", "de", "TUETEN"),
        ("Ærø Łódź", "en", "AERO LODZ"),
        ("line\r\nbreak\u00a0gap", "en", "LINE BREAK GAP"),
    ],
)
def test_normalise(text: str, language: str, expected: str) -> None:
    assert normalise(text, language) == expected


@pytest.mark.parametrize("text", ["", "  ", "[LAUGHTER]", "{LG}{BR}", "...", "'", "да", "...?!"])
def test_nothing_left_is_none(text: str) -> None:
    assert normalise(text, "en") is None


def test_what_cannot_be_spelt_is_counted() -> None:
    assert clean("да Da, no!", "en").dropped == (("а", 1), ("д", 1))
    assert clean("at 5", "xx").dropped == (("5", 1),)
    assert clean("{LG} plain words.", "en").dropped == ()


@given(st.text(), st.sampled_from(["en", "de", "xx"]))
def test_any_text_gives_letters_that_encode(text: str, language: str) -> None:
    normal = normalise(text, language)
    if normal is not None:
        assert VOCABULARY.index("<unk>") not in encode(normal)
        assert normal == " ".join(normal.split()) != ""
        assert normalise(normal, language) == normal


@given(st.lists(st.sampled_from([0, *range(4, 32)]), max_size=40))
def test_decoding_agrees_with_transformers(tokenizer: Wav2Vec2CTCTokenizer, ids: list[int]) -> None:
    # its skip_special_tokens drops blanks before repeats collapse, so that "EE" becomes "E"
    theirs = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert decode_ctc(ids) == " ".join(theirs.split())


def test_special_tokens_are_not_spelt() -> None:
    assert decode_ctc([1, 7, 3, 7, 2, 0]) == "AA"


def test_encoding_agrees_with_transformers(tokenizer: Wav2Vec2CTCTokenizer) -> None:
    text = "THE QUICK BROWN FOX'S JUMP OVER LAZY DOGS V"
    assert encode(text) == tokenizer(text).input_ids


@given(st.from_regex(r"[A-Z']{1,8}( [A-Z']{1,8}){0,3}", fullmatch=True))
def test_decoding_undoes_encoding_with_blanks_between(text: str) -> None:
    assert decode_ctc([index for symbol in encode(text) for index in (symbol, symbol, 0)]) == text
