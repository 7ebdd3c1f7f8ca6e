"""Scores for the terminal: systems, noise, and the tests between systems."""

from io import StringIO
from typing import TYPE_CHECKING

from mtlser.evaluation.score_records import Scores, SystemScores
from mtlser.records import CLEAN
from mtlser.reporting import verdict
from mtlser.reporting.formats import (
    p_value,
    points,
    signed,
    speaker_spread,
    spread_of,
    what_spread,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLUMNS = (("WA", "wa"), ("UA", "ua"), ("macro F1", "macro_f1"), ("WER", "wer"))


def console(scores: Scores, width: int = 100, colour: bool = False) -> str:
    """The scores as text tables: systems, conditions of noise, tests; percent.

    Args:
        scores: what was measured.
        width: columns of the terminal.
        colour: with ANSI colours; off where the text goes to a file.
    """
    from rich.console import Console

    text = StringIO()
    screen = Console(
        file=text, width=width, force_terminal=colour, color_system="auto" if colour else None
    )
    if scores.leaks:
        are, too = ("may be", "may be") if scores.sharing_uncertain else ("are", "is")
        screen.print(
            f"NOT SPEAKER-INDEPENDENT: under protocol {scores.protocol} test speakers {are} also "
            f"in training; every score {too} too high.",
            style="bold red",
        )
    if scores.claims:
        states = ", ".join(f"{claim.name} {claim.state}" for claim in scores.claims)
        screen.print(f"Verified: {states}", highlight=False)
    if scores.scorings:
        screen.print(verdict.scorings(scores), highlight=False)
    _systems(screen, scores)
    _noise(screen, scores)
    _tests(screen, scores)
    for note in scores.notes:
        screen.print(f"- {note}", markup=False, highlight=False)
    return text.getvalue()


def _systems(screen: "Console", scores: Scores) -> None:
    folds = len(scores.fold_names)
    title = f"Clean test, {scores.protocol}, {folds} folds, percent: {what_spread(scores)}"
    table = _table(title, "system", *(name for name, _ in COLUMNS), "speaker accuracy")
    for system in scores.systems:
        table.add_row(system.system, *_row(system, CLEAN), speaker_spread(system))
    screen.print(table)


def _noise(screen: "Console", scores: Scores) -> None:
    noisy = [system for system in scores.systems if len(system.test) > 1]
    if not noisy:
        return
    table = _table("Under noise", "system", "condition", *(name for name, _ in COLUMNS))
    for system in noisy:
        for condition in system.test:
            name = condition.condition
            table.add_row(system.system, name, *_row(system, name))
    screen.print(table)


def _tests(screen: "Console", scores: Scores) -> None:
    rows = [row for row in scores.comparisons if row.gap is not None]
    if not rows:
        return
    table = _table(
        "Tests, differences in points: the corrected resampled t-test, which accounts for shared "
        "training data (trust p Holm, adjusted for all systems), then Welch's",
        "comparison",
        "metric",
        "difference",
        "95 % interval",
        "p",
        "p Holm",
        "95 % Welch",
        "p Welch",
    )
    for row in rows:
        test, welch = row.corrected, row.welch
        table.add_row(
            f"{row.main} - {row.other}",
            row.metric.upper(),
            signed(row.gap),
            points(test.interval if test else None),
            p_value(test.p if test else None),
            p_value(row.p_adjusted),
            points(welch.interval if welch else None),
            p_value(welch.p if welch else None),
        )
    screen.print(table)


def _row(system: SystemScores, condition: str) -> list[str]:
    return [spread_of(system.condition(condition), metric) for _, metric in COLUMNS]


def _table(title: str, *columns: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for place, column in enumerate(columns):
        words = place == 0 or column in ("condition", "metric")
        table.add_column(column, justify="left" if words else "right", no_wrap=words)
    return table
