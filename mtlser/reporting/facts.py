"""Stage files (`ingest.json`, `audit.json`) in the shape that the page shows them in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtlser.records import Record
from mtlser.reporting.tables import word_columns

MANY = 12
"""Rows from which on a table is folded away."""

SHOWN = 3
"""Items shown of a list in a table's cell."""


class Section(Record):
    """One small table of names and values."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def left(self) -> tuple[bool, ...]:
        """Which columns hold words and are set to the left."""
        return word_columns(self.rows, len(self.columns))

    @property
    def folded(self) -> bool:
        """True where the table is long."""
        return len(self.rows) > MANY


def audit(content: Mapping[str, Any]) -> dict[str, Any]:
    """What `audit.json` says, by the names that the page shows; absent parts are empty."""
    overall = content.get("overall") or {}
    guesses = overall.get("no_audio_guess") or []
    return {
        "verdict": content.get("verdict"),
        "findings": [*(content.get("reasons") or []), *(content.get("findings") or [])],
        "best": content.get("best_guess"),
        "guesses": [g for g in guesses if isinstance(g, Mapping)],
        "shared": {_label(k): v for k, v in (overall.get("shared") or {}).items()},
    }


def warnings(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """The warnings about the data in `ingest.json`: `kind` and `text` of each."""
    listed = content.get("warnings")
    return [
        {"kind": str(each.get("kind", "")), "text": str(each.get("text", ""))}
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, Mapping)
    ]


def sections(content: Mapping[str, Any], title: str = "") -> list[Section]:
    """Any JSON object as small tables: its plain values in one, each nested object in its own.

    Keys of the object itself are field names and lose their underscores; keys of nested objects
    may be data (speakers, labels) and stay as they are.
    """
    plain = {
        key: value
        for key, value in content.items()
        if not isinstance(value, Mapping | list) or not value
    }
    tables = []
    if plain:
        names = {key: key if title else _label(key) for key in plain}
        rows = tuple((names[key], _text(value)) for key, value in plain.items())
        tables.append(Section(title=title or "Ingest", columns=("", ""), rows=rows))
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            tables += _mapping(_label(key), value)
        elif isinstance(value, list) and value:
            tables += _list(_label(key), value)
    return tables


def _mapping(title: str, value: Mapping[str, Any]) -> list[Section]:
    inner = list(value.values())
    if all(isinstance(row, Mapping) for row in inner):
        columns = list(dict.fromkeys(str(name) for row in inner for name in row))
        rows = tuple(
            (str(key), *(_text(row.get(name, "")) for name in columns))
            for key, row in value.items()
        )
        named = ("", *(_label(name) for name in columns))
        return [Section(title=title, columns=named, rows=rows)]
    return sections(value, title)


def _list(title: str, value: Sequence[Any]) -> list[Section]:
    if all(isinstance(row, Mapping) for row in value):
        columns = list(dict.fromkeys(str(name) for row in value for name in row))
        rows = tuple(tuple(_text(row.get(name, "")) for name in columns) for row in value)
        return [Section(title=title, columns=tuple(map(_label, columns)), rows=rows)]
    return [Section(title=title, columns=("",), rows=tuple((_text(item),) for item in value))]


def _label(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,}"
    if isinstance(value, list | Mapping):
        return _short(value)
    return str(value)


def _short(value: Sequence[Any] | Mapping[str, Any]) -> str:
    """The first items of a list and how many there are; a mapping as JSON."""
    if not value:
        return "none"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    shown = ", ".join(_text(item) for item in value[:SHOWN])
    return shown if len(value) <= SHOWN else f"{shown} … ({len(value):,} in all)"
