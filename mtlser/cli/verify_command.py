"""The command `mtlser verify`, and what it prints."""

from typing import Annotated

import typer

from mtlser import stages
from mtlser.cli import show

EXAMPLE = "Example: mtlser verify runs/demo --manifest corpus"


def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run or report folder.")],
    *,
    manifest: Annotated[
        str,
        typer.Option(
            help="Corpus folder, to predict a sample again from its audio, clean and under noise."
        ),
    ] = "",
    sample: Annotated[
        int,
        typer.Option(min=1, help="Clean, and noisy, test predictions of each cell to make again."),
    ] = 3,
    out: Annotated[str, typer.Option(help="Folder to write verification.json to.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Derive a run's figures again from its files; say what agrees, differs, is not at hand.

    Noise is mixed again as noise-eval mixed it, from noise.root of the run's recipe.toml.

    Exit code 1 where something differs. What is not at hand differs in nothing: read the table.
    """
    result = stages.verify(run, manifest, out, sample)
    if as_json:
        typer.echo(result.model_dump_json(indent=1))
    else:
        rows = [(each.name, each.state, each.detail) for each in result.findings]
        show.table(("", "", ""), rows)
    if result.differs:
        raise typer.Exit(1)
