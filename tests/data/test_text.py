"""Transcripts to the 32 symbols and back."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words
from transformers import Wav2Vec2CTCTokenizer

from mtlser.data.alphabets import VOCABULARY, decode_ctc, encode, keeps_letters
from mtlser.data.corpora.emodb import SENTENCE
from mtlser.data.spelling import spell
from mtlser.data.synthetic import sentences
from mtlser.data.text import Cleaned, clean, normalise


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


DIGITS = st.text("0123456789.,:/-+$€£% ½th\u00a0'−snrduh", max_size=40)
"""Texts that are mostly numbers."""
UNITS = (
    "ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN",
    "TWELVE", "THIRTEEN", "FOURTEEN", "FIFTEEN", "SIXTEEN", "SEVENTEEN", "EIGHTEEN", "NINETEEN",
)  # fmt: skip
NAMES = {word: value for value, word in enumerate(UNITS)} | {
    word: 10 * tens
    for tens, word in enumerate(
        ("TWENTY", "THIRTY", "FORTY", "FIFTY", "SIXTY", "SEVENTY", "EIGHTY", "NINETY"), start=2
    )
}
POWERS = {"THOUSAND": 10**3, "MILLION": 10**6, "BILLION": 10**9, "TRILLION": 10**12}


def value(words: str) -> int:
    """The integer that English words say."""
    total = group = 0
    for word in words.split():
        if word in POWERS:
            total, group = total + group * POWERS[word], 0
        elif word == "HUNDRED":
            group *= 100
        elif word != "AND":
            group += NAMES[word]
    return total + group


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000,000 people on the 1st", "ONE MILLION PEOPLE ON THE FIRST"),
        ("the 1990s, the '80s", "THE NINETEEN NINETIES THE EIGHTIES"),
        ("2nd 21st 112th", "SECOND TWENTY FIRST ONE HUNDRED AND TWELFTH"),
        ("3.14 and .5", "THREE POINT ONE FOUR AND ZERO POINT FIVE"),
        ("$5 $5.50 $0.50", "FIVE DOLLARS FIVE DOLLARS FIFTY CENTS FIFTY CENTS"),
        ("£3 5 € $1.5 million", "THREE POUNDS FIVE EURO ONE POINT FIVE MILLION DOLLARS"),
        ("-$5", "MINUS FIVE DOLLARS"),
        ("10:30, 10:05, 10:00", "TEN THIRTY TEN OH FIVE TEN O'CLOCK"),
        ("10:00 am, 9:30-10:30", "TEN AM NINE THIRTY TEN THIRTY"),
        ("5% or 5.5 %", "FIVE PERCENT OR FIVE POINT FIVE PERCENT"),
        ("1/2 3/4 ½", "ONE HALF THREE QUARTERS ONE HALF"),
        ("9/11 24/7", "NINE ELEVEN TWENTY FOUR SEVEN"),
        ("2020-12-24", "DECEMBER TWENTY FOURTH TWENTY TWENTY"),
        ("12/24/2020", "DECEMBER TWENTY FOURTH TWENTY TWENTY"),
        ("1/2/2020", "ONE TWO TWENTY TWENTY"),
        ("10-12, 1990-1995", "TEN TO TWELVE NINETEEN NINETY TO NINETEEN NINETY FIVE"),
        ("3-2", "THREE TWO"),
        ("-5 covid-19 −7", "MINUS FIVE COVID NINETEEN MINUS SEVEN"),
        ("1990 2005 1,990", "NINETEEN NINETY TWO THOUSAND AND FIVE ONE THOUSAND NINE HUNDRED AND "
         "NINETY"),
        ("007", "ZERO ZERO SEVEN"),
        ("555-1234", "FIVE FIVE FIVE ONE TWO THREE FOUR"),
        ("10,20", "TEN TWENTY"),
        ("1.2.3", "ONE POINT TWO POINT THREE"),
        ("٣ dogs", "THREE DOGS"),
    ],
)  # fmt: skip
def test_english_numbers(text: str, expected: str) -> None:
    assert clean(text, "en") == Cleaned(expected, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3. Mai", "DRITTE MAI"),
        ("der 1.", "DER ERSTE"),
        ("am 3. Mai", "AM DRITTEN MAI"),
        ("am 24.12.2020", "AM VIERUNDZWANZIGSTEN DEZEMBER ZWEITAUSENDZWANZIG"),
        ("Das kostet 5. Ja", "DAS KOSTET FUENF JA"),
        ("1.000.000", "EINE MILLION"),
        ("1.000,50 und 3,14", "EINTAUSEND KOMMA FUENF NULL UND DREI KOMMA EINS VIER"),
        ("5 € 5,50 €", "FUENF EURO FUENF EURO FUENFZIG CENT"),
        ("5 Millionen €", "FUENF MILLIONEN EURO"),
        ("10:30 Uhr, 10.30 Uhr, 1 Uhr", "ZEHN UHR DREISSIG ZEHN UHR DREISSIG EIN UHR"),
        ("1990, die 90er", "NEUNZEHNHUNDERTNEUNZIG DIE NEUNZIGER"),
        ("3/4, 1/3", "DREI VIERTEL EIN DRITTEL"),
        ("10-12 %", "ZEHN BIS ZWOELF PROZENT"),
        ("-5", "MINUS FUENF"),
        ("007", "NULL NULL SIEBEN"),
    ],
)
def test_german_numbers(text: str, expected: str) -> None:
    assert clean(text, "de") == Cleaned(expected, ())


def test_other_languages_spell_what_num2words_knows_and_count_the_rest() -> None:
    assert clean("1.000 et 3,5", "fr").text == "MILLE ET TROIS VIRGULE CINQ"
    assert clean("5 €, 7 %", "fr") == Cleaned("CINQ SEPT", (("%", 1), ("€", 1)))
    assert clean("¥5", "en") == Cleaned("FIVE", (("¥", 1),))


def test_a_number_too_long_for_a_name_is_read_digit_by_digit() -> None:
    assert clean("7" * 400, "en").text == " ".join(["SEVEN"] * 400)
    assert clean("1" * 16, "de").text == " ".join(["EINS"] * 16)
    assert clean("1" + "0" * 5000 + ".5", "en").dropped == ()


@given(st.one_of(DIGITS, st.text()), st.sampled_from(["en", "de", "fr", "ru", "ja", "tr", "xx"]))
def test_no_text_stops_cleaning(text: str, language: str) -> None:
    cleaned = clean(text, language)
    if cleaned.text is not None and not keeps_letters(text, language, None):
        assert re.fullmatch(r"[A-Z']+( [A-Z']+)*", cleaned.text)
    if cleaned.text is not None:
        assert cleaned.text == " ".join(cleaned.text.split())
        assert not any(char.isdecimal() for char in cleaned.text)
    if language in {"en", "de"} and text.isascii():
        assert not any(char.isdigit() for char, _ in cleaned.dropped)


@given(st.integers(0, 10**15 - 1))
def test_an_english_integer_says_its_value_with_and_without_separators(number: int) -> None:
    assert value(normalise(f"{number:,}", "en") or "") == number
    if not 1100 <= number < 2100:  # a year
        assert normalise(str(number), "en") == normalise(f"{number:,}", "en")
        assert normalise(f"-{number}", "en") == f"MINUS {normalise(str(number), 'en')}"


@given(st.integers(0, 10**15 - 1))
def test_a_german_integer_is_the_same_with_and_without_separators(number: int) -> None:
    grouped = normalise(f"{number:,}".replace(",", "."), "de")
    assert grouped == normalise(num2words(number, lang="de"), "de")
    if not 1100 <= number < 2000:
        assert normalise(str(number), "de") == grouped


def test_the_demo_s_and_emodb_s_sentences_hold_no_number() -> None:
    """Their transcripts do not depend on how numbers are spelt."""
    folder = Path(sentences.__file__).parent
    for text in (*SENTENCE.values(), *(each.read_text() for each in folder.glob("*.txt"))):
        assert not re.search(r"[\d$€£%½-]", text) or spell(text.lower(), "en") == text.lower()


def test_special_tokens_are_not_spelt() -> None:
    assert decode_ctc([1, 7, 3, 7, 2, 0]) == "AA"


def test_encoding_agrees_with_transformers(tokenizer: Wav2Vec2CTCTokenizer) -> None:
    text = "THE QUICK BROWN FOX'S JUMP OVER LAZY DOGS V"
    assert encode(text) == tokenizer(text).input_ids


@given(st.from_regex(r"[A-Z']{1,8}( [A-Z']{1,8}){0,3}", fullmatch=True))
def test_decoding_undoes_encoding_with_blanks_between(text: str) -> None:
    assert decode_ctc([index for symbol in encode(text) for index in (symbol, symbol, 0)]) == text
