"""Options and small parts that the commands for a Kubeflow Pipelines server share."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlser import recipe as recipes
from mtlser.recipe import Recipe

if TYPE_CHECKING:
    from rich.console import Console

EXPERIMENT = "mtlser"
WIDTH = 140
"""Columns of tables where they go to a file."""

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override of the recipe; repeatable."),
]
Image = Annotated[str | None, typer.Option(help="Image of every step; a release gives its digest.")]
Profile = Annotated[str, typer.Option(help="What steps ask for: a shipped name or a .toml file.")]
Experiment = Annotated[str, typer.Option(help="Kubeflow's experiment, made where absent.")]
ServiceAccount = Annotated[
    str | None,
    typer.Option(
        "--service-account",
        help="Of the run's pods; else that of the schedule replaced, or the server's default.",
    ),
]
Rival = Annotated[
    str | None, typer.Option(help="The second recipe of `compare`, with the same overrides.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


def load(recipe: str, rival: str | None, sets: list[str] | None) -> dict[str, Recipe]:
    """The recipes by the parameter that takes them; doubts about their folders go to stderr."""
    from pipeline.server import packages

    overrides = tuple(sets or ())
    given = {"recipe": recipes.load(recipe, overrides)}
    if rival is not None:
        given["rival"] = recipes.load(rival, overrides)
    for key, each in given.items():
        for doubt in packages.check_places(each, key):
            tell(f"warning: {doubt}")
    return given


def image_of(image: str | None) -> str:
    """The image given, else the project's own name and version."""
    from components import IMAGE

    return image or IMAGE


def console() -> "Console":
    """Where tables go; of a fixed width in a file."""
    from rich.console import Console

    screen = Console()
    return screen if screen.is_terminal else Console(width=WIDTH)


def print_json(content: dict[str, Any]) -> None:
    """Prints one JSON document."""
    typer.echo(json.dumps(content, indent=2))


def tell(sentence: str) -> None:
    """Writes one line to stderr."""
    sys.stderr.write(f"mtlser-pipeline: {sentence}\n")
