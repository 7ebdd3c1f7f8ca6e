"""The `clean` command: runs that ended long ago."""

from typing import Annotated

import typer

from mtlser.errors import MtlserError


def clean(
    older_than: Annotated[
        str, typer.Option(help="Runs that ended so many days ago or longer, such as 90d.")
    ],
    experiment: Annotated[
        str | None, typer.Option(help="Kubeflow's experiment; else all of them.")
    ] = None,
    keep_champions: Annotated[
        bool,
        typer.Option(
            help="Keep runs that the champion, the challenger or the champion before came from; "
            "they are looked up in MLflow."
        ),
    ] = True,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete; otherwise they are only shown.")
    ] = False,
) -> None:
    """Show or delete runs of mtlser's DAGs that ended long ago.

    Runs that go on stay, as do artifacts on S3 and runs in MLflow (`mtlser clean`). Steps of a
    deleted run are not reused any more.
    """
    from datetime import UTC, datetime

    from mtlser.cli.flags import announce, command, days
    from pipeline.server import old_runs
    from pipeline.server import runs as server

    age = days(older_than)
    if not age:
        raise MtlserError("--older-than 0d: would delete every run; give 1d or more")
    needed = _needed() if keep_champions else set()
    connected = server.connect()
    only = old_runs.experiment_id(connected, experiment) if experiment else None
    found = old_runs.find(connected, datetime.now(UTC) - age, needed, only)
    for old in found:
        why = "  stays: a champion came from it" if old.is_needed else ""
        typer.echo(f"{old.ended:%Y-%m-%d}  {old.state.lower():9}  {old.id}  {old.name}{why}")
        if yes and not old.is_needed:
            old_runs.delete(connected, old)
    goes, stays = (sum(old.is_needed is kept for old in found) for kept in (False, True))
    done = "deleted" if yes else "to be deleted"
    only_words = ("--experiment", experiment) if experiment else ()
    kept_words = () if keep_champions else ("--no-keep-champions",)
    words = ("clean", "--older-than", older_than, *only_words, *kept_words, "--yes")
    again = command(*words, program="mtlser-pipeline")
    announce(f"{goes} runs {done}, {stays} kept", *(() if yes or not goes else (again,)))


def _needed() -> set[str]:
    """Ids of runs that models in use came from.

    Raises:
        MtlserError: no MLflow is named, or it is away.
    """
    import os

    from mtlser import tracking
    from mtlser.registry import retention

    if not os.environ.get("MLFLOW_TRACKING_URI") or not tracking.tracked():
        raise MtlserError(
            "MLFLOW_TRACKING_URI is not set, so the runs that champions came from are not known; "
            "set it, or give --no-keep-champions"
        )
    return retention.needed_keys(tracking.existing_uri("champions"))
