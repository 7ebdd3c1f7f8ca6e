"""Commands `search` and `search-worker`."""

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

SEARCH_EXAMPLE = "Example: mtlser search --manifest corpus --folds folds --out chosen"
WORKER_EXAMPLE = (
    "Example: mtlser search-worker --manifest corpus --folds folds --work s3://bucket/work "
    "--store postgresql+psycopg2://HOST/search --first 1"
)


def search(  # noqa: PLR0913 - one parameter a flag
    *,
    manifest: Manifest,
    folds: Folds,
    out: Out,
    recipe: RecipeName = None,
    sets: Sets = None,
    work: Work = "",
    run: Key = "",
    workers: Workers = 0,
    store: Store = "",
) -> None:
    """Choose alpha, beta and epoch on validation; test is never touched."""
    resolved = resolve(recipe, sets)
    stages.search(manifest, folds, resolved, out, work, run, workers=workers, store=store)
    given = ["--manifest", manifest, "--folds", folds, "--chosen", out, "--fold", "0"]
    following = command("train", *given, "--out", "cells/f0", *again(recipe, sets))
    announce(f"chosen: {out}", following)


def search_worker(  # noqa: PLR0913 - one parameter a flag
    *,
    manifest: Manifest,
    folds: Folds,
    work: Work,
    store: Store,
    recipe: RecipeName = None,
    sets: Sets = None,
    run: Key = "",
    workers: Workers = 0,
    first: Annotated[int, typer.Option(min=0, help="Place of this machine among all.")] = 0,
) -> None:
    """Take trainings of a search that other machines work on too, until none is left."""
    resolved = resolve(recipe, sets)
    count = stages.search_worker(manifest, folds, resolved, work, store, run, workers, first)
    given = ["--manifest", manifest, "--folds", folds, "--work", work, "--out", "chosen"]
    note = "with the same --store: chooses"
    announce(
        f"{count} trainings of the search have ended",
        command("search", *given, *again(recipe, sets), note=note),
    )
