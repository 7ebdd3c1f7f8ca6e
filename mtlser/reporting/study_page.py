"""A study's folder: one page, and each figure and table as PNG and CSV."""

import csv
import io
from pathlib import Path

from mtlser.evaluation.study_records import Study
from mtlser.files import write_text
from mtlser.reporting import material, page, pictures, study_figures
from mtlser.reporting.surface import MEASURES
from mtlser.reporting.tables import Table
from mtlser.tracking import NullRun

PAGE, TABLES, FIGURES = "study.html", "tables", "figures"


def write(folder: Path, study: Study) -> None:
    """Writes the page, `tables/*.csv` and `figures/*.png` to a folder."""
    drawn, tables = study_figures.figures(study), study_figures.tables(study)
    for name in (TABLES, FIGURES):
        (folder / name).mkdir()
    for table in [*tables, *(figure.table for figure in drawn)]:
        write_text(folder / TABLES / f"{table.id}.csv", csv_of(table))
    for figure in drawn:
        pictures.write(folder / FIGURES / f"{figure.id}.png", figure)
    write_text(folder / PAGE, render(study))


def render(study: Study) -> str:
    """The page as HTML text; every value in it is escaped."""
    drawn = study_figures.figures(study)
    return page.shell(
        "study.html.j2",
        drawn,
        {"study": study.model_dump_json()},
        material.environment(NullRun()),
        title=study_figures.TITLES[study.kind],
        study=study,
        metric=MEASURES[study.metric].name,
        figures=drawn,
        absent=study_figures.absent(study),
        tables=study_figures.tables(study),
    )


def csv_of(table: Table) -> str:
    r"""The table as CSV, its columns in the first line.

    >>> csv_of(Table(id="t", caption="C", columns=("A", "B"), rows=(("x, y", "1"),)))
    'A,B\n"x, y",1\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([table.columns, *table.rows])
    return text.getvalue()
