"""The `size` command: what steps should ask for, and whether a profile does."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.server.options import Sets, console, tell

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.requests import Request

EXAMPLE = "Example: mtlser-pipeline size --recipe demo --clips 10000 --profile cpu"


def size(
    recipe: Annotated[
        str, typer.Option(help="Shipped name (`mtlser recipes`) or path to a .toml file.")
    ],
    clips: Annotated[int, typer.Option(min=1, help="Utterances of the corpus.")],
    sets: Sets = None,
    encoder: Annotated[
        str | None, typer.Option(help="Which encoder it is like; else the recipe's own.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Of audio, for the space that it takes.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Warn where it asks for less: shipped name or .toml file.")
    ] = None,
) -> None:
    """Show what each step should ask a cluster for, and the measurements that this rests on.

    Memory is the measured peak, plus what grows with the corpus, plus a quarter. Times are of the
    measurement. Both are of the conditions told below the table.
    """
    from mtlser import recipe as recipes
    from pipeline import requests
    from pipeline.dags import profile as profiles

    given = recipes.load(recipe, tuple(sets or ()))
    asked = profiles.load(profile) if profile else None
    named = encoder or given.model.encoder
    found = requests.requests(given, clips, named)
    console().print(_table(found, clips))
    used = dict.fromkeys(each.row.on for each in found if each.row)
    for key in used:
        typer.echo(f"{key}: {requests.measured().conditions[key]}")
    for sentence in _not_measured(found, named, hours):
        typer.echo(f"not measured: {sentence}")
    for each, asks in requests.too_small(found, asked) if asked else ():
        tell(
            f"warning: profile {profile}: {each.step} asks for {asks}, and {each.peak_mib} MiB are "
            f"expected; give it {each.memory_mib}Mi"
        )


def _table(found: "list[Request]", clips: int) -> "Table":
    from rich.table import Table

    table = Table("step", box=None, pad_edge=False)
    measured = ("measured (MiB)", "time (s)", "clips")
    for name in ("memory", "cpu", f"peak of {clips} clips (MiB)", *measured):
        table.add_column(name, justify="right")
    table.add_column("in")
    for each in found:
        if each.row is None:
            table.add_row(each.step, *["-"] * 7)
            continue
        least = "at least " if each.is_least else ""
        row = each.row
        table.add_row(
            each.step,
            f"{least}{each.memory_mib}Mi",
            str(row.cpu),
            f"{least}{each.peak_mib}",
            str(row.memory_mib),
            "-" if row.seconds is None else f"{row.seconds:g}",
            str(row.clips),
            row.on,
        )
    return table


def _not_measured(found: "list[Request]", encoder: str, hours: float | None) -> list[str]:
    """What the table does not tell, one sentence each."""
    absent = [each.step for each in found if each.row is None]
    least = [f"{each.step} ({each.row.encoder})" for each in found if each.row and each.is_least]
    sentences = [f"{', '.join(absent)}"] if absent else []
    if least:
        sentences.append(f"the encoder {encoder}; of a smaller one are: {', '.join(least)}")
    sentences.append("memory of GPUs; more processors than these; clips longer than some seconds")
    audio = "" if hours is None else f" ({hours:g} h take {hours * 0.1152:.1f} GB at 16 kHz)"
    sentences.append(f"disk, beyond 4 GiB for the demo: the audio{audio}, and cached features")
    return sentences
