"""Options of the `schedule` command."""

from typing import Annotated

import typer

Name = Annotated[
    str | None, typer.Option(help="Of the schedule; one of the same name is replaced.")
]
Cron = Annotated[
    str | None, typer.Option(help="Six fields, seconds first, in the cluster's time zone (UTC).")
]
ItsRecipe = Annotated[
    str | None,
    typer.Option(help="Shipped name or path to a .toml file; else that of the schedule replaced."),
]
Dag = Annotated[str, typer.Option(help="crossval, search, compare or retrain.")]
Version = Annotated[
    str,
    typer.Option(
        help="latest: each run takes the newest uploaded; current: this code's, for good; "
        "or the name of a version on the server, for good."
    ),
]
CatchUp = Annotated[
    bool,
    typer.Option("--catch-up", help="Make up for runs missed, all of them, one after another."),
]
Listed = Annotated[bool, typer.Option("--list", help="Show the schedules.")]
Delete = Annotated[str | None, typer.Option(metavar="NAME", help="Delete; runs under way go on.")]
Pause = Annotated[str | None, typer.Option(metavar="NAME", help="Start no more runs.")]
Resume = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Start runs again, the last missed one at once."),
]
