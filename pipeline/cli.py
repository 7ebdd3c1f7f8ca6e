"""The `mtlser-pipeline` command: compile the DAGs, or run one here.

A user's mistake ends in one line on stderr and exit code 2, a failed step in exit code 1. Heavy
packages load only inside the command that needs them.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mtlser import recipe as recipes
from mtlser.cli import entry
from mtlser.cli.entry import Version
from mtlser.errors import (
    public_address,
)
from mtlser.files import read_text
from pipeline import size_command
from pipeline.server import commands as server_commands

NAME = "mtlser-pipeline"
WIDTH = 110
"""Columns of the scores' tables where they go to a file."""

app = typer.Typer(
    help="The whole path from wav to registered model, as a Kubeflow pipeline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def main_options(version: Version = False) -> None:
    """The whole path from wav to registered model, as a Kubeflow pipeline."""


@app.command("compile", epilog="Example: mtlser-pipeline compile --out build/pipelines")
def compile_dag(
    out: Annotated[Path, typer.Option(help="Folder for one NAME.yaml a DAG.")],
    image: Annotated[
        str | None, typer.Option(help="Image of every step; a release gives its digest.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="What steps ask for: a name in infra/profiles, or a .toml file.")
    ] = "gpu",
) -> None:
    """Write every DAG as YAML, ready for a Kubeflow Pipelines server."""
    from components import IMAGE
    from pipeline import sizes
    from pipeline.dags import DAGS
    from pipeline.dags import compile as compiling

    for path in compiling.write(out, image or IMAGE, profile):
        typer.echo(sizes.told(path, DAGS[path.stem].loops))


app.command("size", epilog=size_command.EXAMPLE)(size_command.size)


@app.command("run", epilog="Example: mtlser-pipeline run --recipe demo --out runs/demo")
def run_dag(
    recipe: Annotated[
        str, typer.Option(help="Shipped name (`mtlser recipes`) or path to a .toml file.")
    ],
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override of the recipe; repeatable."),
    ] = None,
    dag: Annotated[str, typer.Option(help="crossval, search, compare or retrain.")] = "crossval",
    rival: Annotated[
        str | None, typer.Option(help="The second recipe of `compare`, with the same overrides.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="Folder or s3:// address to leave; runs/RECIPE where none is given."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Go on with an interrupted run although the code changed."),
    ] = False,
) -> None:
    """Run a whole DAG on this machine; the same command goes on where a killed run stopped."""
    from mtlser import storage
    from pipeline.job import Job
    from pipeline.local import run as local
    from pipeline.local import staging
    from pipeline.local.progress import Progress

    overrides = tuple(sets or ())
    resolved = recipes.load(recipe, overrides)
    job = Job(resolved, dag, recipes.load(rival, overrides) if rival else None)
    place = out or f"runs/{resolved.name}"
    address = place if storage.is_s3(place) else ""
    folder = staging.folder(address) if address else Path(place)
    console = Console()
    try:
        done = local.run(job, folder, Progress(console), keep=keep, address=address)
    except local.StepFailed as error:
        entry.end(NAME, str(error), 1, whole=True)
    except local.Stopped as stopped:
        entry.end(NAME, "stopped; the same command goes on from here", 128 + stopped.number)
    _close(console, done, place, dag)


server_commands.register(app)


def _close(console: Console, done: Path, place: str, dag: str) -> None:
    """Prints the scores, where the report is, and how to open MLflow."""
    from mtlser import storage, tracking
    from mtlser.cli.flags import command
    from mtlser.evaluation.score_records import Scores
    from mtlser.records import read_json
    from mtlser.reporting import table

    unchanged = _unchanged(done) if dag == "retrain" else None
    if (done / "scores.json").is_file() and not unchanged:
        scores = read_json(done / "scores.json", Scores)
        width = console.width if console.is_terminal else WIDTH
        typer.echo(table.console(scores, width=width, colour=console.is_terminal))
    for shown in ("drift.json",) if unchanged else ("report.html", "chosen.json", "drift.json"):
        if (done / shown).is_file():
            # Of a run that found nothing new, nothing goes to S3.
            at = done if unchanged and storage.is_s3(place) else place.rstrip("/")
            typer.echo(f"{shown.split('.')[0] + ':':9}{at}/{shown}")
            break
    if unchanged or (done / "registered.json").is_file():
        typer.echo(f"outcome: {unchanged or _registered(done)}")
    if tracking.tracked():
        mlflow = Path(sys.executable).parent / "mlflow"
        typer.echo(f"MLflow:  {_opens_mlflow(tracking.uri(), mlflow)}")
        if tracking.page(tracking.uri()) is None:
            typer.echo(f"{'':9}and open {tracking.page('http://127.0.0.1:5000')}")
    if (done / "model").is_dir():
        typer.echo(f"predict: {command('predict', place, 'clip.wav')}")


def _opens_mlflow(address: str, program: Path) -> str:
    """What opens MLflow's page: an address, or a command; a password stays in the environment."""
    import shlex

    from mtlser import tracking

    page = tracking.page(address)
    if page is not None:
        return page
    command = shlex.join([str(program), "ui", "--backend-store-uri"])
    hidden = public_address(address) != address
    return f'{command} "$MLFLOW_TRACKING_URI"' if hidden else f"{command} {shlex.quote(address)}"


def _unchanged(done: Path) -> str | None:
    """Why a retraining trained nothing; `None` where it did."""
    import json

    shown = json.loads(read_text(done / "drift.json"))
    return f"nothing was trained: {shown['reason']}" if shown["verdict"] == "unchanged" else None


def _registered(done: Path) -> str:
    """What became of the model."""
    from mtlser.records import read_json
    from mtlser.registry.versions import Registered

    record = read_json(done / "registered.json", Registered)
    if record.version is None:
        return record.reason
    return f"version {record.version}; champion: version {record.champion_now} ({record.reason})"


def main() -> None:
    """Runs the command line."""
    entry.start(app, NAME)


if __name__ == "__main__":
    main()
