"""Tables for a paper: Markdown and LaTeX (booktabs) beside the page."""

import re
from collections.abc import Sequence
from pathlib import Path

from mtlser.files import write_text
from mtlser.reporting.tables import Table

TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "★": r"$\star$",
}


def markdown(tables: Sequence[Table]) -> str:
    r"""The tables as GitHub's Markdown; a bar or a line break in a cell cannot end it.

    >>> print(markdown([Table(id="t", caption="C", columns=("A", "B"), rows=(("x|y", "1.0"),))]))
    ### C
    <BLANKLINE>
    | A | B |
    | :--- | ---: |
    | x\|y | 1.0 |
    <BLANKLINE>
    """
    parts = []
    for table in tables:
        rule = ["| " + " | ".join(":---" if left else "---:" for left in table.left) + " |"]
        bold = [
            tuple(f"**{cell}**" for cell in row) if index in table.strong else row
            for index, row in enumerate(map(_plain, table.rows))
        ]
        lines = [_line(_plain(table.columns)), *rule, *map(_line, bold)]
        note = f"\n{table.note}\n" if table.note else ""
        parts.append(f"### {table.caption}\n\n" + "\n".join(lines) + f"\n{note}")
    return "\n".join(parts)


def latex(tables: Sequence[Table]) -> str:
    r"""The tables as LaTeX floats with `\toprule` rules, to be `\input` beside `booktabs`.

    >>> text = latex([Table(id="t", caption="C", columns=("A", "B"), rows=(("x_1", "1 ± 2"),))])
    >>> r"x\_1 & 1 $\pm$ 2 \\" in text, r"\label{tab:t}" in text
    (True, True)
    """
    head = "% Needs \\usepackage{booktabs}; wide tables may want \\resizebox or landscape.\n"
    return head + "\n".join(_float(table) for table in tables)


def write(folder: Path, tables: Sequence[Table]) -> None:
    """Writes `tables.md` and `tables.tex` to a folder, each whole."""
    for name, text in (("tables.md", markdown(tables)), ("tables.tex", latex(tables))):
        write_text(folder / name, text)


def _float(table: Table) -> str:
    shape = "".join("l" if left else "r" for left in table.left)
    rows = [
        _row(row, bold=index in table.strong) for index, row in enumerate(map(_tex, table.rows))
    ]
    note = f"\\par\\smallskip\\footnotesize {_escape(table.note)}\n" if table.note else ""
    return (
        "\\begin{table}\n\\centering\\small\n"
        f"\\caption{{{_escape(table.caption)}}}\n\\label{{tab:{table.id}}}\n"
        f"\\begin{{tabular}}{{{shape}}}\n\\toprule\n{_row(_tex(table.columns))}\n\\midrule\n"
        + "\n".join(rows)
        + f"\n\\bottomrule\n\\end{{tabular}}\n{note}\\end{{table}}\n"
    )


def _row(cells: Sequence[str], *, bold: bool = False) -> str:
    shown = [f"\\textbf{{{cell}}}" for cell in cells] if bold else cells
    return " & ".join(shown) + r" \\"


def _tex(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(_escape, cells))


def _escape(text: str) -> str:
    return "".join(TEX.get(sign, sign) for sign in " ".join(text.split()))


def _plain(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(re.sub(r"([|\\`*_<>])", r"\\\1", " ".join(cell.split())) for cell in cells)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
