"""A figure as a PNG file, for papers and slides: what the page draws, drawn by Matplotlib."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlser.files import atomic_file
from mtlser.reporting.figures import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150
DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
MARKERS = {
    "circle": "o", "square": "s", "diamond": "D", "cross": "P", "x": "X", "triangle-up": "^",
    "star": "*", "hexagon": "h", "pentagon": "p",
}  # fmt: skip


def write(path: Path, figure: Figure) -> None:
    """Draws lines, maps and surfaces, each panel beside the others."""
    from matplotlib.figure import Figure as Canvas

    panels = max(1, len(figure.panels))
    canvas = Canvas(figsize=(max(6.4, 4.2 * panels), 4.2), layout="constrained")
    canvas.suptitle(figure.title)
    solid = figure.data[0]["type"] == "surface"
    for place in range(panels):
        kind = {"projection": "3d"} if solid else {}
        axes = canvas.add_subplot(1, panels, place + 1, **kind)
        suffix = "" if place == 0 else str(place + 1)
        for trace in figure.data:
            if trace.get("xaxis", "x") == f"x{suffix}":
                _DRAW[trace["type"]](axes, trace)
        axes.set_xlabel(_title(figure.x))
        axes.set_ylabel(_title(figure.y))
        if figure.panels:
            axes.set_title(figure.panels[place], fontsize=10)
    with atomic_file(path) as temporary:
        canvas.savefig(temporary, format="png", dpi=DPI)


def _title(axis: Mapping[str, Any]) -> str:
    """What an axis shows, else its unit."""
    unit = str(axis.get("ticksuffix", "")).strip()
    return str(axis.get("title", {}).get("text", unit))


def _lines(axes: "Axes", trace: Mapping[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(
        trace["x"],
        _numbers(trace["y"]),
        label=trace["name"],
        linestyle=DASHES[trace["line"]["dash"]],
        marker=MARKERS[trace["marker"]["symbol"]],
    )
    if all(isinstance(x, int) for x in trace["x"]):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)


def _map(axes: "Axes", trace: Mapping[str, Any]) -> None:
    shades = "Blues_r" if trace["meta"].get("reversed") else "Blues"
    z = [_numbers(row) for row in trace["z"]]
    axes.imshow(z, origin="lower", aspect="auto", cmap=shades, alpha=0.7)
    axes.set_xticks(range(len(trace["x"])), trace["x"])
    axes.set_yticks(range(len(trace["y"])), trace["y"])
    for row, texts in enumerate(trace["text"]):
        for column, text in enumerate(texts):
            axes.text(column, row, text, ha="center", va="center", fontsize=7)


def _surface(axes: Any, trace: Mapping[str, Any]) -> None:
    import numpy as np

    x, y = np.meshgrid(trace["x"], trace["y"])
    z = np.array([_numbers(row) for row in trace["z"]])
    shades = "Blues_r" if trace["meta"].get("reversed") else "Blues"
    axes.plot_surface(x, y, z, cmap=shades, edgecolor="grey", linewidth=0.4)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


_DRAW = {"scatter": _lines, "heatmap": _map, "surface": _surface}
