"""Rows under headings without lines: on a terminal, in a file, in a log."""

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 120
"""Columns where the output is no terminal, so that a table in a log is not cut."""


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    """The table for a console of rich."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as plain lines.

    >>> print(text(("measure", "p"), [("level", ".02")]))
    measure  p
    level    .02
    """
    from rich.console import Console

    written = StringIO()
    Console(file=written, width=WIDTH, color_system=None).print(grid(headings, rows))
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())
