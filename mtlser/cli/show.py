"""What the command line prints: plain tables, on a terminal or into a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtlser import storage
from mtlser.records import read_json

if TYPE_CHECKING:
    from mtlser.data.preview import Preview
    from mtlser.evaluation.unseen import UnseenScores
    from mtlser.serving.load import FilePrediction


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows under headings."""
    from rich.console import Console

    from mtlser.reporting import plain_table

    console = Console()
    if not console.is_terminal:
        console = Console(width=plain_table.WIDTH)
    console.print(plain_table.grid(headings, rows))


def previewed(found: "Preview") -> None:
    """Prints what ingest would read, and some utterances."""
    from mtlser.data import preview

    typer.echo(preview.describe(found))
    rows = [
        (r.id, r.label, r.emotion, r.speaker or "-", r.gender or "-", r.language or "-",
         r.text or "-")
        for r in found.rows
    ]  # fmt: skip
    table(("utterance", "label", "class", "speaker", "gender", "language", "text"), rows)


def audited(folds: str) -> None:
    """Prints what the fold plan of a folds folder leaks."""
    from mtlser.data import audit

    if folder := _local(folds):
        typer.echo(audit.describe(read_json(folder / "audit.json", audit.Audit)))


def scored(report: str) -> None:
    """Prints the tables of a report folder."""
    from mtlser.evaluation.score_records import Scores
    from mtlser.reporting.table import console

    if folder := _local(report):
        typer.echo(console(read_json(folder / "scores.json", Scores)), nl=False)


def registered(place: str) -> None:
    """Prints which version a registered folder tells of, and why it is champion or not."""
    from mtlser.registry.versions import Registered

    if folder := _local(place):
        record = read_json(folder / "registered.json", Registered)
        typer.echo(
            f"{record.name} version {record.version or 'none'}: {record.reason}; champion is "
            f"{record.champion_now or 'none'}"
        )


def unseen(scored: "UnseenScores") -> None:
    """Prints a model's scores on a corpus, then by speaker and gender, worst first."""
    from mtlser.reporting.formats import percent

    numbers = scored.numbers
    names = ("UA", "WA", "macro F1", "WER", "ECE")
    values = (
        *(numbers.ua, numbers.wa, numbers.macro_f1, numbers.wer),
        numbers.calibration_error,
    )
    whole = ("all", str(numbers.utterances), *map(percent, values))
    groups = [
        (g.name, str(g.utterances), *map(percent, (g.ua, g.wa, None, g.wer, None)))
        for g in scored.groups
    ]
    table(("percent", "utterances", *names), [whole, *groups])
    typer.echo(f"Unseen by the model: {scored.unseen}; {scored.detail}.")


def _local(place: str) -> Path | None:
    """The folder, where it can be read without a download."""
    return None if storage.is_s3(place) else Path(place).expanduser()


def predictions(predicted: "Sequence[FilePrediction]") -> None:
    """Prints one line a file: emotion, every probability, text and speaker."""
    classes = list(predicted[0].probabilities) if predicted else []
    names = [Path(each.file).name for each in predicted]
    distinct = len(set(names)) == len(names)
    rows = [
        (
            Path(each.file).name if distinct else each.file,
            each.emotion,
            *(f"{each.probabilities[name]:.2f}" for name in classes),
            "-" if each.text is None else shortened(each.text),
            each.speaker or "-",
        )
        for each in predicted
    ]
    table(("file", "emotion", *classes, "text", "speaker"), rows)


def shortened(text: str, most: int = 300) -> str:
    """The text, or its beginning and how long it is; `--json` prints the whole of it.

    >>> shortened("TO BE"), shortened("TO BE OR NOT", most=5)
    ('TO BE', 'TO BE ... (12 characters; --json prints them)')
    """
    return (
        text
        if len(text) <= most
        else f"{text[:most]} ... ({len(text):,} characters; --json prints them)"
    )
