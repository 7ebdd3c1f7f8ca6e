"""`mtlser synth`, `ingest`, `split` and `audit`: from recordings to folds."""

from typing import Annotated, get_args

import typer

from mtlser import recipe as recipes
from mtlser import stages, storage
from mtlser.cli import show
from mtlser.cli.flags import (
    CorpusName,
    Manifest,
    Out,
    RecipeName,
    Root,
    Sets,
    again,
    announce,
    command,
    given,
    resolve,
)
from mtlser.records import Protocol

SYNTH_EXAMPLE = "Example: mtlser synth --out build/synthetic --seed 0"
INGEST_EXAMPLE = "Example: mtlser ingest --corpus table --root RECORDINGS --dry-run"
SPLIT_EXAMPLE = "Example: mtlser split --manifest corpus --recipe demo --out folds"
AUDIT_EXAMPLE = "Example: mtlser audit --manifest corpus --protocol recording"
PROTOCOLS = ", ".join(get_args(Protocol)) + "."


def synth(
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="Of every random choice.")] = 0,
    pretraining: Annotated[
        int, typer.Option(min=0, help="So many utterances of the backbone's own corpus instead.")
    ] = 0,
) -> None:
    """Write the synthetic corpus: an IEMOCAP-shaped release, byte-identical for a seed."""
    stages.synth(out, seed, pretraining)
    recipe = "backbone" if pretraining else "demo"
    following = command("ingest", "--recipe", recipe, "--root", out, "--out", "corpus")
    announce(f"release: {out}", following)


def ingest(
    out: Annotated[str | None, typer.Option(help="Folder or s3:// address to write.")] = None,
    corpus: CorpusName = None,
    root: Root = None,
    recipe: RecipeName = None,
    sets: Sets = None,
    clips: Annotated[
        str, typer.Option(help="s3:// address for the audio, which steps fetch as they read it.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be read; write nothing.")
    ] = False,
) -> None:
    """Read a corpus: 16 kHz mono audio, a manifest, and a count of all that is left out."""
    resolved = resolve(recipe, sets, corpus, root)
    if dry_run:
        found = stages.preview(resolved)
        show.previewed(found)
        whole = command(
            "run", *given(recipe, sets, corpus, root), "--set", f"split.protocol={found.protocol}",
            "--out", f"runs/{resolved.name}", program="mtlser-pipeline",
        )  # fmt: skip
        announce("nothing was decoded or written", whole)
        return
    if out is None:
        raise typer.BadParameter(
            "missing: give a folder, or --dry-run to look first", param_hint="--out"
        )
    stages.ingest(resolved, out, clips)
    repeated = given(recipe, sets, corpus, root)
    announce(f"corpus: {out}", command("split", "--manifest", out, "--out", "folds", *repeated))


def split(manifest: Manifest, out: Out, recipe: RecipeName = None, sets: Sets = None) -> None:
    """Cut the folds of the recipe's protocol and audit what they leak."""
    trainings = stages.split(manifest, resolve(recipe, sets), out)
    show.audited(out)
    repeated = again(recipe, sets)
    announce(
        f"folds: {out}; trainings: {' '.join(trainings)}",
        command("search", "--manifest", manifest, "--folds", out, "--out", "chosen", *repeated),
    )


def audit(
    manifest: Manifest,
    folds: Annotated[str | None, typer.Option(help="Folds folder; else the recipe cuts.")] = None,
    protocol: Annotated[str | None, typer.Option(help=PROTOCOLS)] = None,
    recipe: RecipeName = None,
    sets: Sets = None,
) -> None:
    """Print what a protocol leaks, and how well a guess without audio does."""
    if protocol is not None:
        sets = [*(sets or []), recipes.override("split.protocol", protocol)]
    from mtlser.data import audit as leaks
    from mtlser.data import fingerprints
    from mtlser.data import folds as cut

    source = storage.fetch(manifest)
    utterances = stages.load_manifest(source)
    resolved = resolve(recipe, sets)
    plan = stages.load_folds(storage.fetch(folds)) if folds else cut.plan(utterances, resolved)
    found = leaks.audit(utterances, plan, fingerprints.at_hand(source, utterances))
    typer.echo(leaks.describe(found))
    refused = leaks.refusal(found, plan)
    if refused is not None:
        typer.echo(f"`mtlser split` refuses them: {refused}")
