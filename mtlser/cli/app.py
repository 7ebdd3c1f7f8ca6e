"""The `mtlser` command: each stage as a command, paths in, paths out.

Heavy packages load only inside the command that needs them, so that `--help` answers at once.
"""

import shlex
from typing import Annotated

import typer

from mtlser import recipe as recipes
from mtlser import stages, storage
from mtlser.cli import (
    data_commands,
    doctor,
    entry,
    place_commands,
    predict_command,
    profile_command,
    report_command,
    retrain_commands,
    search_commands,
    serve_command,
    show,
    study_command,
    verify_command,
)
from mtlser.cli.entry import Version
from mtlser.cli.flags import (
    FoldIndex,
    Folds,
    Key,
    Manifest,
    Out,
    RecipeName,
    Seed,
    Sets,
    System,
    Work,
    again,
    announce,
    command,
    resolve,
)
from mtlser.errors import MtlserError
from mtlser.records import Cell

app = typer.Typer(
    help="Multi-task speech emotion recognition: wav files in, a report and a model out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(version: Version = False) -> None:
    """Multi-task speech emotion recognition: wav files in, a report and a model out."""


app.command(epilog=data_commands.SYNTH_EXAMPLE)(data_commands.synth)


@app.command("recipes", epilog="Example: mtlser recipes demo")
def show_recipes(
    name: Annotated[
        str | None, typer.Argument(help="Shipped name or path to a .toml file; else the list.")
    ] = None,
) -> None:
    """List the shipped recipes, or print one of them."""
    if name is not None:
        typer.echo(recipes.dumps(recipes.load(name)), nl=False)
        return
    shipped = [recipes.load(each) for each in recipes.names()]
    show.table(("recipe", "about"), [(each.name, each.about) for each in shipped])
    announce(
        "read one whole with `mtlser recipes NAME`",
        command("ingest", "--recipe", "NAME", "--out", "corpus"),
    )


app.command(epilog=data_commands.INGEST_EXAMPLE)(data_commands.ingest)
app.command(epilog=data_commands.SPLIT_EXAMPLE)(data_commands.split)
app.command(epilog=data_commands.AUDIT_EXAMPLE)(data_commands.audit)


app.command(epilog=search_commands.SEARCH_EXAMPLE)(search_commands.search)
app.command(epilog=search_commands.WORKER_EXAMPLE)(search_commands.search_worker)
app.command(epilog=study_command.EXAMPLE)(study_command.study)


@app.command(epilog="Example: mtlser train --manifest corpus --folds folds --fold 0 --out cells/f0")
def train(  # noqa: PLR0913 - one parameter a flag
    *,
    manifest: Manifest,
    folds: Folds,
    out: Out,
    fold: FoldIndex = 0,
    final: Annotated[bool, typer.Option("--final", help="Fit on all data instead.")] = False,
    chosen: Annotated[
        str, typer.Option(help="Chosen or report folder; else the recipe's [train] pair.")
    ] = "",
    system: System = "mtlser",
    seed: Seed = None,
    recipe: RecipeName = None,
    sets: Sets = None,
    work: Work = "",
    run: Key = "",
    processes: Annotated[
        int, typer.Option(min=1, help="Share the training, by torchrun: one a GPU.")
    ] = 1,
) -> None:
    """Train one fold, or take the search's checkpoint of it, and score its test set once."""
    resolved = resolve(recipe, sets)
    chosen_seed = resolved.seed if seed is None else seed
    cell = Cell(system=system, fold=None if final else fold, seed=chosen_seed)
    if final and not chosen:
        raise MtlserError(
            "--final needs what the folds chose; give --chosen REPORT_FOLDER, as `mtlser report` "
            "wrote it"
        )
    stages.train(manifest, folds, chosen, cell.text, resolved, out, work, run, processes)
    repeated = again(recipe, sets)
    if final:
        announce(
            f"final fit: {out}",
            command("predict", out, "clip.wav"),
            command(
                "register", "--model", out, "--report", chosen, "--out", "registered", *repeated
            ),
        )
        return
    given = ["--manifest", manifest, "--folds", folds, *shlex.split(cell.flags)]
    rest = ["--model", out, "--out", f"noisy/f{fold}", *repeated]
    announce(f"cell: {out}", command("noise-eval", *given, *rest))


@app.command(epilog="Example: mtlser pretrain --manifest corpus --folds folds --out build/backbone")
def pretrain(
    manifest: Manifest,
    folds: Folds,
    out: Out,
    recipe: RecipeName = "backbone",
    sets: Sets = None,
    work: Work = "",
) -> None:
    """Pre-train a tiny wav2vec 2.0 from random weights, as the bundled one was."""
    stages.pretrain(manifest, folds, resolve(recipe, sets), out, work)
    encoder = recipes.override("model.encoder", out)
    following = command("run", "--recipe", "demo", "--set", encoder, program="mtlser-pipeline")
    announce(f"backbone: {out}", following)


app.command(epilog=predict_command.EXAMPLE)(predict_command.predict)
app.command(epilog=serve_command.EXAMPLE)(serve_command.serve)


@app.command(
    "noise-eval",
    epilog="Example: mtlser noise-eval --manifest corpus --folds folds --fold 0 "
    "--model cells/f0 --out noisy/f0",
)
def noise_eval(  # noqa: PLR0913 - one parameter a flag
    *,
    manifest: Manifest,
    folds: Folds,
    model: Annotated[str, typer.Option(help="Cell folder, as `mtlser train` wrote it.")],
    out: Out,
    fold: FoldIndex = 0,
    system: System = "mtlser",
    seed: Seed = None,
    recipe: RecipeName = None,
    sets: Sets = None,
) -> None:
    """Predict a fold's test set under every noise and SNR of the recipe."""
    resolved = resolve(recipe, sets)
    chosen_seed = resolved.seed if seed is None else seed
    cell = Cell(system=system, fold=fold, seed=chosen_seed).text
    stages.noise_eval(manifest, folds, model, cell, resolved, out)
    given = ["--manifest", manifest, "--folds", folds, "--chosen", "chosen", "--out", "report"]
    repeated = again(recipe, sets)
    announce(f"noisy: {out}", command("report", *given, *repeated, model, out, "..."))


app.command(epilog="Example: mtlser profile runs/demo --out cost")(profile_command.profile)


app.command(
    epilog="Example: mtlser report --manifest corpus --folds folds --chosen chosen "
    "--out report cells/f0 cells/f1 noisy/f0 noisy/f1"
)(report_command.report)
app.command(epilog=verify_command.EXAMPLE)(verify_command.verify)


@app.command(epilog="Example: mtlser register --model final --report report --out registered")
def register(
    model: Annotated[str, typer.Option(help="Folder of the final fit.")],
    report: Annotated[str, typer.Option(help="Report folder of its cross-validation.")],
    out: Out,
    recipe: RecipeName = None,
    sets: Sets = None,
    run: Key = "",
) -> None:
    """Register the final model in MLflow: challenger, and champion on evidence alone."""
    resolved = resolve(recipe or str(storage.fetch(report) / "recipe.toml"), sets)
    stages.register(model, report, resolved, out, run)
    show.registered(out)
    address = f"models:/{resolved.registry.name}@challenger"
    announce(f"registered: {out}/registered.json", command("predict", address, "clip.wav"))


app.command("check-data", epilog=retrain_commands.CHECK_EXAMPLE)(retrain_commands.check_data)
app.command(epilog=retrain_commands.PROMOTE_EXAMPLE)(retrain_commands.promote)
app.command(epilog=retrain_commands.ROLLBACK_EXAMPLE)(retrain_commands.rollback)
app.command(epilog=place_commands.COPY_EXAMPLE)(place_commands.copy)
app.command(epilog=place_commands.CLEAN_EXAMPLE)(place_commands.clean)
app.command(epilog=doctor.EXAMPLE)(doctor.doctor)


def main() -> None:
    """Runs the command line."""
    entry.start(app, "mtlser")
