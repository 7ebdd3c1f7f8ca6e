"""Numbers in words, as num2words spells them: cardinals, ordinals, years, money, single digits.

A value that has no spelling is `None`: the caller leaves its digits in the text, where they are
counted as dropped.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

Mode = Literal["cardinal", "ordinal", "year"]

MOST_DIGITS = 15
"""A longer number is read digit by digit, as numbers of cards and accounts are."""
CURRENCIES = {"$": "USD", "£": "GBP", "€": "EUR"}
"""Signs that num2words has words for, in English and German."""
_REFUSALS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, TypeError,
    ValueError,
)  # fmt: skip
"""What num2words raises for a language, mode or value that it does not know; `lang` decides."""


def whole(digits: str, language: str) -> str | None:
    """An integer in words; digit by digit where it begins with 0 or is longer than 15 digits.

    >>> whole("1000000", "en"), whole("007", "en")
    ('one million', 'zero zero seven')
    """
    if len(digits) > MOST_DIGITS or (digits[0] == "0" and len(digits) > 1):
        return one_by_one(digits, language)
    return _spelt(digits, language)


def one_by_one(digits: str, language: str) -> str | None:
    """Each digit in words.

    >>> one_by_one("0199", "de")
    'null eins neun neun'
    """
    names = {digit: _spelt(digit, language) for digit in sorted(set(digits))}
    known = [names[digit] or "" for digit in digits]
    return " ".join(known) if all(known) else None


def decimal(integer: str, fraction: str, language: str) -> str | None:
    """A decimal number in words: the fraction digit by digit.

    >>> decimal("3", "14", "en"), decimal("3", "14", "de")
    ('three point one four', 'drei komma eins vier')
    """
    point = {"en": "point", "de": "komma"}.get(language)
    if point is None:
        short = len(integer + fraction) <= MOST_DIGITS
        return _spelt(f"{integer}.{fraction}", language) if short else None
    before, after = whole(integer, language), one_by_one(fraction, language)
    return f"{before} {point} {after}" if before and after else None


def ordinal(digits: str, language: str) -> str | None:
    """The ordinal in words.

    >>> ordinal("21", "en"), ordinal("3", "de")
    ('twenty-first', 'dritte')
    """
    return _spelt(digits, language, "ordinal") if len(digits) <= MOST_DIGITS else None


def year(digits: str, language: str) -> str | None:
    """A year in words.

    >>> year("1990", "en"), year("1990", "de"), year("2005", "en")
    ('nineteen ninety', 'neunzehnhundertneunzig', 'two thousand and five')
    """
    return _spelt(digits, language, "year")


def is_year(digits: str) -> bool:
    """Whether four digits on their own are read as a year: 1100 to 2099."""
    return len(digits) == 4 and "1100" <= digits <= "2099"


def several(word: str) -> str:
    """The English plural of a number, as in a decade.

    >>> several("nineteen ninety"), several("six"), several("nineteen hundred")
    ('nineteen nineties', 'sixes', 'nineteen hundreds')
    """
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("x") else f"{word}s"


def money(integer: str, fraction: str | None, sign: str, language: str) -> str | None:
    """An amount of money in words; a fraction other than of two digits stays a decimal number.

    >>> money("5", "50", "$", "en"), money("5", None, "€", "de"), money("1", "5", "$", "en")
    ('five dollars fifty cents', 'fünf Euro', 'one point five dollars')
    """
    code = CURRENCIES.get(sign)
    if code is None or len(integer) > MOST_DIGITS:
        return None
    if fraction is not None and len(fraction) != 2:
        number, unit = decimal(integer, fraction, language), currency(sign, language)
        return f"{number} {unit}" if number and unit else None
    amount = _amount(f"{integer}.{fraction or '00'}", code, language)
    if amount is None:
        return None
    units, _, parts = amount.partition("|")
    if not int(fraction or "0"):
        return units
    return f"{units}{parts}" if int(integer) else parts.strip()


def currency(sign: str, language: str) -> str | None:
    """The currency's plural.

    >>> currency("£", "en")
    'pounds'
    """
    amount = _amount("5.00", CURRENCIES.get(sign, ""), language)
    return None if amount is None else amount.partition("|")[0].partition(" ")[2]


def _amount(value: str, code: str, language: str) -> str | None:
    """`five dollars| fifty cents`."""
    from num2words import num2words

    if language not in {"en", "de"}:
        return None
    return _tried(
        lambda: str(
            num2words(Decimal(value), lang=language, to="currency", currency=code, separator="|")
        ).replace(" sterling", "")
    )


def _spelt(value: str, language: str, mode: Mode = "cardinal") -> str | None:
    from num2words import num2words

    number: str | int = value if "." in value else int(value)
    return _tried(lambda: str(num2words(number, lang=language, to=mode)))


def _tried(spell: Callable[[], str]) -> str | None:
    try:
        return spell()
    except _REFUSALS:
        return None
