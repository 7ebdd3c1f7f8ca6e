"""`mtlser report`: one page from predictions, or from finished runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from mtlser import stages, storage
from mtlser.cli import show
from mtlser.cli.flags import Key, Out, RecipeName, Sets, again, announce, command, resolve
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe

RECIPE = "recipe.toml"


def report(  # noqa: PLR0913 - one parameter a flag
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="PREDICTIONS...",
            help="Cell, noisy or run folders, or files of predictions; with --compare: run "
            "folders, MLflow run ids, models:/NAME@ALIAS.",
        ),
    ],
    *,
    out: Out,
    folds: Annotated[
        str, typer.Option(help="Folds folder, as `mtlser split` wrote it, or its folds.json.")
    ] = "",
    manifest: Annotated[
        str, typer.Option(help="Corpus folder, for what ingest kept and left out.")
    ] = "",
    chosen: Annotated[str, typer.Option(help="Chosen folder, as `mtlser search` wrote it.")] = "",
    main: Annotated[str, typer.Option(help="System that the report is about; else `mtlser`.")] = "",
    listen: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Put the N most confidently misclassified test clips into the page as audio, "
            "at most 50 of 4 s each (10 MB); needs --manifest. Share such a page only where the "
            "corpus' license allows it.",
        ),
    ] = 0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Set finished runs side by side instead.")
    ] = False,
    recipe: RecipeName = None,
    sets: Sets = None,
    run: Key = "",
) -> None:
    """Score predictions of any system and write one page, tables and `scores.json`."""
    if compare:
        _refuse_with_compare(folds, manifest, chosen, main, listen, recipe, sets)
        stages.compare(results, out)
        announce(f"comparison: {out}/report.html")
        return
    if not folds:
        raise MtlserError(
            "--folds is missing; give the folds folder that the predictions were made on, as "
            "`mtlser split` wrote it"
        )
    known = _recipe(results, recipe, sets, stated=bool(manifest or chosen))
    stages.report(manifest, folds, chosen, results, known, out, run, main, listen=listen)
    show.scored(out)
    page = f"report: {out}/report.html"
    if not (manifest and chosen):
        announce(page, command("report", "--compare", out, "OTHER", "--out", "compared"))
        return
    repeated = again(recipe, sets)
    given = ["--manifest", manifest, "--folds", folds]
    announce(
        page,
        command("train", *given, "--chosen", out, "--final", "--out", "final", *repeated),
        command("register", "--model", "final", "--report", out, "--out", "registered", *repeated),
    )


def _recipe(
    results: list[str], recipe: str | None, sets: list[str] | None, *, stated: bool
) -> Recipe | None:
    """The recipe that is named, the one beside the predictions, or none."""
    if recipe or sets or stated:
        return resolve(recipe, sets)
    for place in results:
        folder = None if storage.is_s3(place) else Path(place).expanduser()
        if folder is not None and (folder / RECIPE).is_file():
            return resolve(str(folder / RECIPE), None)
    return None


def _refuse_with_compare(
    folds: str,
    manifest: str,
    chosen: str,
    main: str,
    listen: int,
    recipe: str | None,
    sets: list[str] | None,
) -> None:
    given = {
        "--folds": folds,
        "--manifest": manifest,
        "--chosen": chosen,
        "--main": main,
        "--listen": listen,
        "--recipe": recipe,
        "--set": sets,
    }
    named = [flag for flag, value in given.items() if value]
    if named:
        raise MtlserError(
            f"{', '.join(named)} with --compare: finished runs bring their own; give runs and "
            "--out alone"
        )
