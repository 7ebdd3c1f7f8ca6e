"""Figures of one run as data: plotly's traces, a text alternative and the numbers as a table.

Colours are left to the page: `meta.colour` names one of its nine, `meta.heat` its shade.
"""

from collections.abc import Sequence
from typing import Any

from mtlser.evaluation import noise_facts
from mtlser.evaluation.number_records import Spread
from mtlser.evaluation.numbers import seed_sd
from mtlser.evaluation.score_records import ConditionScores, Scores, SystemScores
from mtlser.records import CLEAN, Record
from mtlser.reporting.formats import percent, spread
from mtlser.reporting.tables import Table

COLOURS = 9
"""Colours of the style sheet."""
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "cross",
    "x",
    "triangle-up",
    "star",
    "hexagon",
    "pentagon",
)


class Figure(Record):
    """One interactive figure."""

    id: str
    title: str
    caption: str
    description: str
    """For readers who do not see it."""
    data: tuple[dict[str, Any], ...]
    """Plotly traces."""
    x: dict[str, Any]
    """Plotly's settings of every x axis."""
    y: dict[str, Any]
    panels: tuple[str, ...] = ()
    """Titles of several plots side by side; empty: one plot."""
    panel_width: int = 220
    """Least width of a panel, in CSS pixels; as many as fit stand side by side."""
    height: int = 340
    """Of the figure, or of each panel, in CSS pixels."""
    table: Table


class Absent(Record):
    """A figure of the paper that this page cannot draw, and why."""

    number: str
    shows: str
    reason: str


def line(
    name: str,
    x: Sequence[Any],
    y: Sequence[float | None],
    sd: Sequence[float | None] | None,
    place: int,
    *,
    hover: str = "%{y:.1f} %",
) -> dict[str, Any]:
    """One line with markers of its own colour, dash and sign; `sd` as error bars."""
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": {"dash": DASHES[place // COLOURS % len(DASHES)], "width": 2},
        "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 8},
        "meta": {"colour": place % COLOURS + 1},
        "hovertemplate": "%{fullData.name}, %{x}: " + hover + "<extra></extra>",
    }
    if sd is not None and (bars := _bars(sd)):
        trace |= bars
        trace["hovertemplate"] = (
            "%{fullData.name}, %{x}: " + hover + " ± %{error_y.array:.1f}<extra></extra>"
        )
    return trace


def by_fold(scores: Scores) -> Figure:
    """WA and UA on each fold (paper, figure 4); other systems wait in the legend."""
    names = list(scores.fold_names)
    traces, rows, descriptions = [], [], []
    for place, one in enumerate(scores.systems):
        for shade, metric in enumerate(("wa", "ua") if place == 0 else ("ua",)):
            known = {fold.name: getattr(fold.numbers, metric) for fold in one.clean.folds}
            sds = {fold.name: seed_sd(fold, metric) for fold in one.clean.folds}
            values = [hundred(known.get(name)) for name in names]
            label = metric.upper() if place == 0 else f"{one.system} {metric.upper()}"
            traces.append(
                {
                    "type": "bar",
                    "name": label,
                    "x": names,
                    "y": values,
                    "visible": True if place == 0 else "legendonly",
                    "meta": {"colour": (place + (place > 0) + shade) % COLOURS + 1},
                    "hovertemplate": "%{fullData.name}, %{x}: %{y:.1f} %<extra></extra>",
                    **_bars([hundred(sds.get(name)) for name in names]),
                }
            )
            rows.append((one.system, metric.upper(), *(percent(known.get(n)) for n in names)))
            if place == 0:
                shown = ", ".join(f"{n} {percent(known.get(n))}" for n in names)
                descriptions.append(f"{metric.upper()}: {shown}")
    return Figure(
        id="figure-4",
        title=f"WA and UA of {scores.main} by fold",
        caption="As the paper's figure 4: clean test of each fold, percent. "
        + ("Error bars: SD over seeds. " if scores.systems[0].clean.seed_spreads else "")
        + "Click a name above the figure to show or hide it.",
        description="Percent. " + "; ".join(descriptions) + ".",
        data=tuple(traces),
        x={"type": "category", "title": {"text": "held out"}, "showgrid": False},
        y={"range": [0, 100], "ticksuffix": " %"},
        table=Table(
            id="figure-4-numbers",
            caption="WA and UA by fold, percent",
            columns=("System", "Metric", *names),
            rows=tuple(rows),
        ),
    )


def _bars(sds: Sequence[float | None]) -> dict[str, Any]:
    """Error bars of a trace; empty where no value has any."""
    if all(sd is None for sd in sds):
        return {}
    return {"error_y": {"type": "data", "array": list(sds), "thickness": 1.2, "width": 3}}


def heat(
    place: int, x: list[Any], y: list[Any], z: Sequence[Sequence[float | None]], text: str
) -> dict[str, Any]:
    """One panel's shaded cells with their values written in."""
    suffix = "" if place == 0 else str(place + 1)
    return {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": [list(row) for row in z],
        "texttemplate": text,
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "meta": {"heat": True},
    }


NOISE_METRICS = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "Macro F1"), ("wer", "WER"))


def noise(systems: Sequence[SystemScores]) -> tuple[Figure, ...]:
    """One figure a metric over the signal-to-noise ratio; empty without noisy systems."""
    figures = (_noise(systems, metric, label) for metric, label in NOISE_METRICS)
    return tuple(figure for figure in figures if figure is not None)


def _noise(systems: Sequence[SystemScores], metric: str, label: str) -> Figure | None:
    measured = [s for s in systems if metric in s.clean.spreads]
    kinds = list(dict.fromkeys(k for s in measured for c in s.test if (k := _split(c)[0])))
    levels = sorted({snr for s in measured for c in s.test if (snr := _split(c)[1]) is not None})
    ticks = [*(f"{level:g} dB" for level in levels), CLEAN]
    if not kinds:
        return None
    key = metric.replace("_", "-")
    traces: list[dict[str, Any]] = []
    rows, descriptions = [], []
    for one in measured:
        known = {_split(c): c.spreads.get(metric) for c in one.test}
        for kind in kinds:
            spreads: list[Spread | None] = [known.get((kind, level)) for level in levels]
            spreads.append(one.clean.spreads[metric])
            name = one.system if len(kinds) == 1 else f"{one.system}, {kind}"
            means = [hundred(s.mean if s else None) for s in spreads]
            sds = [hundred(s.sd if s else None) for s in spreads]
            traces.append(line(name, ticks, means, sds, len(traces)))
            rows.append((name, *(spread(s) for s in spreads)))
            descriptions.append(
                f"{name}: " + ", ".join(map(" ".join, zip(ticks, rows[-1][1:], strict=True)))
            )
    return Figure(
        id=f"noise-{key}",
        title=f"{label} under noise",
        caption=f"{label} over the signal-to-noise ratio of {' and '.join(kinds)}: mean over folds "
        "± SD, percent (the paper's table 5 as a curve).",
        description="Percent. " + "; ".join(descriptions) + ".",
        data=tuple(traces),
        x={"type": "category", "categoryorder": "array", "categoryarray": ticks},
        y={"rangemode": "tozero", "ticksuffix": " %"},
        table=Table(
            id=f"noise-{key}-numbers",
            caption=f"{label} under noise, percent",
            columns=("System", *ticks),
            rows=tuple(rows),
        ),
    )


def _split(scores: ConditionScores) -> tuple[str, float | None]:
    """Kind and SNR of a condition's name: `babble@5dB`; a name of another shape has no SNR."""
    named = noise_facts.parts(scores.condition)
    if named is None:
        return "", None
    try:
        return named[0], float(named[1])
    except ValueError:
        return "", None


def hundred(rate: float | None) -> float | None:
    """A rate in percent, rounded as far as a figure can show.

    >>> hundred(0.65217), hundred(None)
    (65.22, None)
    """
    return None if rate is None else round(rate * 100, 2)
