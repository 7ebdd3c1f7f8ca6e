"""Numbers beyond cardinals in English and German: for each form, a pattern and what is said."""

import re
from collections.abc import Callable, Sequence
from datetime import date

from mtlser.data import number_words as words

Say = Callable[["re.Match[str]"], str | None]
"""What is said for a match; `None`: it stays as it is."""
Form = tuple["re.Pattern[str]", Say]

MONTHS = {
    "en": (
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    ),
    "de": (
        "januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september",
        "oktober", "november", "dezember",
    ),
}  # fmt: skip
_DATIVE = "am|beim|dem|den|des|im|vom|zum|zur|ab"
"""German words after which an ordinal ends in -n."""
_CASE = rf"(?:\b(?P<dative>{_DATIVE})\s+|\b(?P<article>der|die|das)\s+)"
_CASE_OR_UNTIL = _CASE.replace("am|", "am|bis|")
_START = r"(?<![\w.,:/-])"
"""Nothing that a number could belong to."""
_NOT_WITHIN = r"(?<![\w.,:/])"
_END = r"(?!\w|[.,:/-]\d)"
_HALVES = {"en": ("one half", "halves"), "de": ("ein halb", "halbe")}
_UNIT = r"hundred|thousand|million|billion|trillion|tausend|million(?:en)?|milliarden?"


MINUS = r"(?:(?P<minus>\N{MINUS SIGN}))?"
NUMBER_POINT = (
    MINUS + r"(?:(?P<grouped>\d{1,3}(?:,\d{3})+(?!\d))|(?P<digits>\d+)|(?=(?<![\w.])\.\d))"
    r"(?:\.(?P<fraction>\d+))?"
)
NUMBER_COMMA = (
    MINUS + r"(?:(?P<grouped>(?<!\d)\d{1,3}(?:\.\d{3})+(?!\d))(?:,(?P<more>\d+))?"
    r"|(?P<digits>\d+)(?:[.,](?P<fraction>\d+))?)"
)


def parts(match: "re.Match[str]") -> tuple[str, str | None]:
    """Digits before and after the decimal sign; `None` where there is none."""
    groups = match.groupdict()
    before = re.sub(r"\D", "", groups["grouped"] or groups.get("digits") or "0")
    return before, groups.get("more") or groups.get("fraction")


def joined(parts: Sequence[str | None], between: str = " ") -> str | None:
    """The parts as one text; `None` where one is missing."""
    known = [part for part in parts if part]
    return between.join(known) if len(known) == len(parts) else None


def plain_or_year(digits: str, language: str) -> str | None:
    """The number in words; one from 1100 to 2099 as a year."""
    spelt = words.year if words.is_year(digits) else words.whole
    return spelt(digits, language)


def shared(language: str, number: str) -> Sequence[Form]:
    """Telephone numbers, money, fractions and ranges."""
    amount = number.removeprefix(MINUS)
    before = rf"{MINUS}(?P<sign>[$£€])\s?{amount}(?:\s(?P<unit>{_UNIT})\b)?"
    after = rf"{MINUS}{amount}(?:\s(?P<unit>{_UNIT}))?\s?(?P<sign>[$£€])(?!\d)"
    amounts = (before, after) if language == "en" else (after, before)
    return (
        (
            re.compile(_START + r"\+?\d+(?:-\d+){2,}" + _END),
            lambda match: words.one_by_one(re.sub(r"\D", "", match[0]), language),
        ),
        *((re.compile(each), lambda match: _money(match, language)) for each in amounts),
        (
            re.compile(_START + r"(\d+)\s?/\s?(\d+)" + _END),
            lambda match: _fraction(match, language),
        ),
        (
            re.compile(_START + r"(\d{1,4})\s?[-\u2013]\s?(\d{1,4})" + _END),
            lambda match: _range(match, language),
        ),
    )


def _money(match: "re.Match[str]", language: str) -> str | None:
    before, after = parts(match)
    minus = "minus " if match["minus"] else ""
    if match["unit"] is None:
        said = words.money(before, after, match["sign"], language)
    else:
        number = (
            words.whole(before, language)
            if after is None
            else words.decimal(before, after, language)
        )
        said = joined([number, match["unit"], words.currency(match["sign"], language)])
    return said and minus + said


def alone(language: str) -> Sequence[Form]:
    """A currency's sign that stands alone, as in `5 million €`."""
    alone = re.compile(r"(?<!\S)[$£€](?!\S)")
    return ((alone, lambda match: words.currency(match[0], language)),)


def _fraction(match: "re.Match[str]", language: str) -> str | None:
    """A proper fraction up to tenths; `9/11` and `24/7` are two numbers."""
    above, below = match[1], match[2]
    if not (len(above) == 1 and (below in set("23456789") or below == "10") and above != "0"):
        return None
    if int(above) >= int(below):
        return None
    if below == "2":
        return _HALVES[language][0]
    number = words.whole(above, language)
    part = words.ordinal(below, language) or ""
    if language == "de":
        return f"{'ein' if above == '1' else number} {part}l"
    part = "quarter" if below == "4" else part
    return f"{number} {part}" + ("" if above == "1" else "s")


def _range(match: "re.Match[str]", language: str) -> str | None:
    """Two ascending numbers; others, as the score 3-2, are read one after the other."""
    low, high = match[1], match[2]
    if int(low) >= int(high) or low[0] == "0":
        return None
    between = {"en": " to ", "de": " bis "}[language]
    return joined([plain_or_year(low, language), plain_or_year(high, language)], between)


def dates(language: str) -> Sequence[Form]:
    """2020-12-24, and 12/24/2020 or 24.12.2020 where day and month cannot be exchanged."""
    case = f"{_CASE}?" if language == "de" else "()"
    iso = rf"{case}{_START}(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d){_END}"
    if language == "de":
        other = rf"{case}{_START}(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{{4}}){_END}"
    else:
        other = rf"{_START}(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<year>\d{{4}}){_END}"
    return tuple((re.compile(each), lambda match: _date(match, language)) for each in (iso, other))


def _date(match: "re.Match[str]", language: str) -> str | None:
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if language == "en" and "/" in match[0]:
        if month > len(MONTHS["en"]):
            month, day = day, month
        elif day <= len(MONTHS["en"]) and day != month:
            return None
    try:
        date(year, month, day)
    except ValueError:
        return None
    named = MONTHS[language][month - 1]
    spelt = plain_or_year(str(year), language)
    if language == "en":
        return joined([named, words.ordinal(str(day), language), spelt])
    return joined([_inflected(match, str(day)), named, spelt])


def english() -> Sequence[Form]:
    """Times, local telephone numbers, ordinals and decades."""
    return (
        (
            re.compile(_START + r"\d{3}-\d{4}" + _END),
            lambda match: words.one_by_one(match[0].replace("-", ""), "en"),
        ),
        (
            re.compile(
                _NOT_WITHIN
                + r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?!\w*\d|[:/]\d)(\s?[ap]\.?m\b)?"
            ),
            _english_time,
        ),
        (
            re.compile(r"(?<![\d.,])(\d[\d,]*)(?:st|nd|rd|th)\b"),
            lambda match: words.ordinal(match[1].replace(",", ""), "en"),
        ),
        (re.compile(r"(?<![\w.,])'?(\d{1,4})'?s\b"), _decade),
    )


def _english_time(match: "re.Match[str]") -> str | None:
    hour, minute, second, half = match.groups()
    if minute == "00" and not second:
        minutes = "" if half else "o'clock"
    else:
        number = words.whole(str(int(minute)), "en")
        minutes = f"oh {number}" if minute[0] == "0" else number or ""
    parts = [
        words.whole(str(int(hour)), "en"),
        minutes,
        second and words.whole(str(int(second)), "en"),
    ]
    return " ".join(filter(None, [*parts, (half or "").strip()]))


def _decade(match: "re.Match[str]") -> str | None:
    number = plain_or_year(match[1], "en")
    return number and words.several(number)


def german() -> Sequence[Form]:
    """Times, ordinals, and suffixes that belong to a number."""
    months = "|".join(MONTHS["de"])
    return (
        (
            re.compile(
                _NOT_WITHIN
                + r"(\d{1,2})(?:[:.](\d\d))?\s*uhr\b|"
                + _NOT_WITHIN
                + r"(\d{1,2}):(\d\d)"
                + r"(?!\w|[.,:/]\d)"
            ),
            _german_time,
        ),
        (
            re.compile(
                rf"{_CASE_OR_UNTIL}?{_START}(?P<day>\d{{1,2}})\.\s*(?=(?:{months})\b|jahrhundert)"
            ),
            lambda match: _inflected(match, match["day"]),
        ),
        (
            re.compile(rf"{_CASE}{_START}(?P<day>\d{{1,3}})\.(?!\w)"),
            lambda match: _inflected(match, match["day"]),
        ),
        (re.compile(r"(?<![\d.,])(\d{1,4})-?(er[ns]?|fach|mal)\b"), _suffixed),
    )


def _german_time(match: "re.Match[str]") -> str | None:
    hour, minute = match[1] or match[3], match[2] or match[4]
    if int(hour) > 24 or int(minute or 0) > 59:
        return None
    hours = "ein" if int(hour) == 1 else words.whole(str(int(hour)), "de")
    minutes = words.whole(str(int(minute)), "de") if minute and int(minute) else ""
    return f"{hours} uhr {minutes}"


def _inflected(match: "re.Match[str]", day: str) -> str | None:
    """The article as it is, and the ordinal with its ending after it."""
    groups = match.groupdict()
    before = groups.get("dative") or groups.get("article") or ""
    said = words.ordinal(str(int(day)), "de")
    return said and f"{before} {said}{'n' if groups.get('dative') else ''}".strip()


def _suffixed(match: "re.Match[str]") -> str | None:
    number = plain_or_year(match[1], "de")
    return number and f"{number}{match[2]}"
