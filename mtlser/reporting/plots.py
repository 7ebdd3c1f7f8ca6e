"""Charts as inline SVG text: pure functions, colours left to the page's style sheet.

Every chart has a title and a description for readers who do not see it; the page shows the same
numbers in a table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 760, 290
COLOURS = 4
"""Colours of the style sheet."""
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 32


@dataclass(frozen=True)
class Series:
    """One line or one kind of bar: rates 0-1 by category, `None` where there is none."""

    name: str
    values: Sequence[float | None]
    sds: Sequence[float | None]
    colour: int
    """Which colour of the style sheet, from 1."""
    dashed: bool = False


def bars(
    categories: Sequence[str], series: Sequence[Series], title: str, description: str
) -> Markup:
    """Grouped bars of rates from 0 to 100 %, one group a category."""
    step = _step(categories)
    width = step * 0.8 / max(1, len(series))
    parts = []
    for place, one in enumerate(series):
        for index, value in enumerate(one.values):
            if value is not None:
                x = LEFT + index * step + step * 0.1 + place * width
                tip = f"{one.name}, {categories[index]}: {value * 100:.1f} %"
                parts.append(
                    Markup(
                        '<rect class="fill-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
                        'height="{:.1f}" rx="1.5"><title>{}</title></rect>'
                    ).format(one.colour, x, _y(value), width * 0.92, _y(0) - _y(value), tip)
                )
    return _frame(categories, parts, title, description)


def lines(
    categories: Sequence[str], series: Sequence[Series], title: str, description: str
) -> Markup:
    """Lines of rates from 0 to 100 % with ± 1 SD, one point a category."""
    step, parts = _step(categories), []
    for place, one in enumerate(series):
        shift = (place - (len(series) - 1) / 2) * 5
        spots = [
            (LEFT + (index + 0.5) * step + shift, value, sd, categories[index])
            for index, (value, sd) in enumerate(zip(one.values, one.sds, strict=True))
            if value is not None
        ]
        path = " ".join(f"{x:.1f},{_y(value):.1f}" for x, value, _, _ in spots)
        dash = ' stroke-dasharray="6 4"' if one.dashed else ""
        parts.append(
            Markup('<polyline class="line-{}" points="{}"{}/>').format(
                one.colour, path, Markup(dash)
            )
        )
        parts += [_spot(one, x, value, sd, name) for x, value, sd, name in spots]
    return _frame(categories, parts, title, description)


def _spot(one: Series, x: float, value: float, sd: float | None, category: str) -> Markup:
    bar = Markup("")
    if sd is not None:
        high, low = min(1.0, value + sd), max(0.0, value - sd)
        bar = Markup(
            '<line class="line-{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
        ).format(one.colour, x, x, _y(high), _y(low))
    spread = "" if sd is None else f" ± {sd * 100:.1f}"
    tip = f"{one.name}, {category}: {value * 100:.1f}{spread} %"
    return bar + Markup(
        '<circle class="fill-{}" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>'
    ).format(one.colour, x, _y(value), tip)


def _frame(
    categories: Sequence[str], parts: Sequence[Markup], title: str, description: str
) -> Markup:
    grid = Markup("").join(
        Markup(
            '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
            '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
        ).format(LEFT, WIDTH - RIGHT, _y(v / 100), _y(v / 100), LEFT - 8, _y(v / 100) + 4, v)
        for v in range(0, 101, 20)
    )
    step = _step(categories)
    names = Markup("").join(
        Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            LEFT + (index + 0.5) * step, HEIGHT - BOTTOM + 20, name
        )
        for index, name in enumerate(categories)
    )
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>'
        "<desc>{}</desc>{}{}{}</svg>"
    ).format(WIDTH, HEIGHT, title, title, description, grid, names, Markup("").join(parts))


def _step(categories: Sequence[str]) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(categories))


def _y(rate: float) -> float:
    return TOP + (1 - rate) * (HEIGHT - TOP - BOTTOM)
