"""`mtlser check-data`, `mtlser promote` and `mtlser rollback`: a retraining by hand, and back."""

from typing import Annotated

import typer

from mtlser import stages, storage, tracking
from mtlser.cli import show
from mtlser.cli.flags import (
    Key,
    Manifest,
    Out,
    RecipeName,
    Sets,
    again,
    announce,
    command,
    resolve,
)
from mtlser.errors import MtlserError
from mtlser.recipes import names

CHECK_EXAMPLE = "Example: mtlser check-data --manifest corpus --recipe demo --out checked"
PROMOTE_EXAMPLE = "Example: mtlser promote --model final --report ours --rival theirs --out told"
ROLLBACK_EXAMPLE = "Example: mtlser rollback --name mtlser --reason 'WER doubled in production'"


def check_data(
    manifest: Manifest,
    out: Out,
    recipe: RecipeName = None,
    sets: Sets = None,
    run: Key = "",
) -> None:
    """Compare a corpus with the champion's, and say whether there is anything to train."""
    checked = stages.check_data(manifest, resolve(recipe, sets), out, run)
    repeated = again(recipe, sets)
    if checked.verdict == "unchanged":
        announce(f"checked: {out}; nothing is new, so there is nothing to train")
        return
    announce(
        f"checked: {out}; verdict: {checked.verdict}",
        command("split", "--manifest", manifest, "--out", "folds", *repeated),
    )


def promote(
    *,
    model: Annotated[str, typer.Option(help="Folder of the challenger's final fit.")],
    report: Annotated[str, typer.Option(help="The challenger's report folder.")],
    rival: Annotated[
        str, typer.Option(help="Report folder of the champion's recipe on the same folds.")
    ],
    out: Out,
    recipe: RecipeName = None,
    sets: Sets = None,
    run: Key = "",
) -> None:
    """Register a challenger; make it champion where it passes the recipe's gate."""
    resolved = resolve(recipe or str(storage.fetch(report) / "recipe.toml"), sets)
    stages.promote(model, report, rival, resolved, out, run)
    show.registered(out)
    name = resolved.registry.name
    announce(
        f"registered: {out}/registered.json",
        command("predict", f"models:/{name}@champion", "clip.wav"),
        command("rollback", "--name", name, note="to the champion before"),
    )


def rollback(
    name: Annotated[str, typer.Option(help="Registered model.")],
    to: Annotated[
        int | None, typer.Option(min=1, help="Version; else the champion before this one.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept on the version that is left.")] = "",
) -> None:
    """Make the previous champion champion again; once more goes one further back."""
    from mtlser.registry import champions
    from mtlser.tracking import mlflow_runs

    try:
        names.model(name)
    except ValueError as error:
        raise MtlserError(f"--name {name!r}: {error}") from None
    client = mlflow_runs.connect(tracking.existing_uri(f"models:/{name}@champion"))
    done = mlflow_runs.with_retries(
        lambda: champions.rollback(client, name, to, reason), f"roll back model {name}"
    )
    champions.tell(name, done.champion, done.left, f"rolled back {done.note}")
    announce(
        f"champion of {done.name} is version {done.champion}; version {done.left} was left "
        f"{done.note}",
        command("predict", f"models:/{name}@champion", "clip.wav"),
    )
