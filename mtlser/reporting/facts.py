"""Scores and stage files in the shape that the page shows them in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mtlser.evaluation.score_records import Scores, SystemScores
from mtlser.records import CLEAN, Record
from mtlser.reporting import plots, verdict
from mtlser.reporting.formats import percent

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
    def folded(self) -> bool:
        """True where the table is long."""
        return len(self.rows) > MANY


def fold_chart(scores: Scores) -> Markup:
    """WA and UA of the main system by fold (paper, figure 4)."""
    clean = scores.of(scores.main).clean
    none: list[float | None] = [None] * len(clean.folds)
    series = [
        plots.Series(metric.upper(), clean.values(metric), none, place)
        for place, metric in enumerate(("wa", "ua"), start=1)
    ]
    names = [fold.name for fold in clean.folds]
    told = ", ".join(
        f"{f.name} WA {percent(f.numbers.wa)} UA {percent(f.numbers.ua)}" for f in clean.folds
    )
    return plots.bars(names, series, f"WA and UA of {scores.main} by fold, in percent", told)


def noise_systems(scores: Scores) -> list[SystemScores]:
    """The systems that were measured under noise."""
    return [system for system in scores.systems if len(system.test) > 1]


def noise_chart(scores: Scores) -> Markup | None:
    """WA and UA by condition of each system measured under noise; `None` where none was."""
    series, conditions = _noise_series(scores), _conditions(scores)
    if not series:
        return None
    told = "; ".join(
        f"{one.name}: "
        + ", ".join(f"{c} {percent(v)}" for c, v in zip(conditions, one.values, strict=True))
        for one in series
    )
    return plots.lines(conditions, series, "WA and UA under noise, in percent", told)


def noise_legend(scores: Scores) -> list[tuple[str, int]]:
    """Names of the noise chart's lines with their colours."""
    return [(one.name, one.colour) for one in _noise_series(scores)]


def _conditions(scores: Scores) -> list[str]:
    """All noisy conditions in the order measured, clean last."""
    seen = [c.condition for system in scores.systems for c in system.test if c.condition != CLEAN]
    return [*dict.fromkeys(seen), CLEAN]


def _noise_series(scores: Scores) -> list[plots.Series]:
    conditions = _conditions(scores)
    series: list[plots.Series] = []
    for system in noise_systems(scores):
        known = {c.condition: c.spreads for c in system.test}
        for metric in ("wa", "ua"):
            spreads = [known[c][metric] if c in known else None for c in conditions]
            series.append(
                plots.Series(
                    f"{system.system} {metric.upper()}",
                    [s.mean if s else None for s in spreads],
                    [s.sd if s else None for s in spreads],
                    len(series) % plots.COLOURS + 1,
                    dashed=metric == "ua",
                )
            )
    return series


def corrected_p(scores: Scores) -> dict[tuple[str, str], float]:
    """P of the corrected resampled t-test by (other system, metric)."""
    found = {(row.other, row.metric): verdict.corrected(row) for row in scores.comparisons}
    return {key: test.p for key, test in found.items() if test is not None}


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
    found = []
    if plain:
        names = {key: key if title else _label(key) for key in plain}
        rows = tuple((names[key], _text(value)) for key, value in plain.items())
        found.append(Section(title=title or "Ingest", columns=("", ""), rows=rows))
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            found += _mapping(_label(key), value)
        elif isinstance(value, list) and value:
            found += _list(_label(key), value)
    return found


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
