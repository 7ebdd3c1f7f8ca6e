"""Command `study`."""

from typing import Annotated

import typer

from mtlser import stages
from mtlser.cli.flags import (
    Folds,
    Key,
    Manifest,
    Out,
    RecipeName,
    Sets,
    Store,
    Work,
    Workers,
    again,
    announce,
    command,
    resolve,
)
from mtlser.evaluation.study_records import Kind

EXAMPLE = (
    "Example: mtlser study ablation --manifest corpus --folds folds --work work --out ablation"
)


def study(  # noqa: PLR0913 - one parameter a flag
    *,
    kind: Annotated[
        Kind,
        typer.Argument(
            help="`ablation`: alpha 0 to 1 with beta 0, and the reverse. `grid`: the recipe's grid "
            "as maps and surfaces. `seeds`: the recipe with several seeds. `encoders`: the recipe "
            "on several encoders.",
        ),
    ],
    manifest: Manifest,
    folds: Folds,
    out: Out,
    recipe: RecipeName = None,
    sets: Sets = None,
    work: Work = "",
    run: Key = "",
    workers: Workers = 0,
    store: Store = "",
    seeds: Annotated[int, typer.Option(help="Of `seeds`: how many, 3 or more.")] = 3,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="Of `encoders`: folder, s3:// address or hub name; repeatable."),
    ] = None,
) -> None:
    """Train what a study of the paper compares, and write its figures; validation alone."""
    resolved = resolve(recipe, sets)
    stages.study(
        kind, manifest, folds, resolved, out, work, run,
        workers=workers, store=store, seeds=seeds, encoders=encoder or (), tell=typer.echo,
    )  # fmt: skip
    given = ["--manifest", manifest, "--folds", folds, "--out", "report", *again(recipe, sets)]
    announce(f"study: {out}/study.html", command("report", *given, out, "..."))
