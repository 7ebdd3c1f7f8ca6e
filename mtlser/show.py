"""What the command line prints: plain tables, on a terminal or into a file."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlser.serving.load import FilePrediction

WIDTH = 120
"""Columns where the output is no terminal, so that a table in a log is not cut."""


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows under headings."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(shown)


def predictions(found: "Sequence[FilePrediction]") -> None:
    """Prints one line a file: emotion, every probability, text and speaker."""
    classes = list(found[0].probabilities) if found else []
    rows = [
        (
            each.file,
            each.emotion,
            *(f"{each.probabilities[name]:.2f}" for name in classes),
            "-" if each.text is None else each.text,
            each.speaker or "-",
        )
        for each in found
    ]
    table(("file", "emotion", *classes, "text", "speaker"), rows)
