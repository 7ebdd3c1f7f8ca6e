"""`mtlser copy` and `clean`: outputs from place to place, and what is old."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from mtlser import storage, tracking
from mtlser.cli.flags import Out, announce, command, days
from mtlser.errors import MtlserError
from mtlser.storage.marker import MARKER

COPY_EXAMPLE = "Example: mtlser copy s3://speech/runs/demo --out runs/demo"
CLEAN_EXAMPLE = "Example: mtlser clean s3://speech/runs --keep 3 --older-than 90d"


def copy(
    place: Annotated[str, typer.Argument(help="Folder or s3:// address of an output.")],
    out: Out,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="On S3: files under their own names, to look at; no step reads them."
        ),
    ] = False,
) -> None:
    """Copy an output, whole or not at all; one on S3 is compared with its SHA-256 first."""
    source = storage.fetch(place)
    if not source.is_dir():
        raise MtlserError(f"{place}: is a file; give the folder of an output")
    if plain:
        if not storage.is_s3(out):
            raise MtlserError(f"--plain: {out} is not on S3; a local copy is always plain")
        from mtlser.storage.s3 import plain as plain_copies

        plain_copies.copy(source, place, out)
        announce(f"copied: {out}")
        return
    with storage.output(out) as folder:
        leave = shutil.ignore_patterns(MARKER)
        shutil.copytree(source, folder, ignore=leave, dirs_exist_ok=True)
    announce(f"copied: {out}")


def clean(
    place: Annotated[
        str,
        typer.Argument(
            help="s3:// address of outputs; `mlflow`: its runs; `cache`: the folder MTLSER_CACHE."
        ),
    ],
    keep: Annotated[
        int,
        typer.Option(min=1, help="On S3: versions of each output that stay, with the current one."),
    ] = 3,
    older_than: Annotated[
        str, typer.Option(help="Only what is older, in days: 90d. Needed for `mlflow` and `cache`.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete; otherwise they are only shown.")
    ] = False,
) -> None:
    """Show or delete what is old: versions on S3, runs of MLflow, or copies on this machine.

    A version on S3 that a pointer leads to stays; uploads killed a day ago go. So do runs that have
    ended and that neither the champion, the challenger nor the champion before came from, with
    their models. Of the cache goes what was last used so long ago and before each process that
    uses it began. Runs of Kubeflow: `mtlser-pipeline clean`.
    """
    age = days(older_than)
    if place == "mlflow":
        _clean_runs(age, older_than, yes=yes)
        return
    if place == "cache":
        _clean_cache(age, older_than, yes=yes)
        return
    from mtlser.storage.s3 import clean as cleaning

    if not storage.is_s3(place):
        raise MtlserError(
            f"{place}: expected an s3:// address or one of the words mlflow, cache; local places "
            "keep no old versions"
        )
    found = cleaning.old_versions(place, keep, age)
    for old in found:
        what = "old" if old.finished else "unfinished"
        typer.echo(f"{old.address}  {what}, {_size(old.files, old.size)}")
        if yes:
            cleaning.delete(old.address)
    total = sum(old.size for old in found) / 1e6
    done = "deleted" if yes else "to be deleted"
    older = ("--older-than", older_than) if older_than else ()
    again = command("clean", place, "--keep", str(keep), *older, "--yes")
    announce(
        f"{len(found)} versions {done}, {total:.1f} MB", *(() if yes or not found else (again,))
    )


def _clean_runs(age: timedelta, older_than: str, *, yes: bool) -> None:
    from mtlser.registry import retention

    if not age:
        raise MtlserError("runs of MLflow are deleted by age alone: give one, as --older-than 90d")
    uri = tracking.existing_uri("mlflow")
    found = retention.old_runs(uri, datetime.now(UTC) - age)
    for old in found:
        models = "".join(f", {name} version {number}" for name, number in old.versions)
        typer.echo(f"{old.ended}  {old.name}  {len(old.runs)} runs{models}")
        if yes:
            retention.delete(uri, old)
    done = "deleted; `mlflow gc` frees their space" if yes else "to be deleted"
    again = command("clean", "mlflow", "--older-than", older_than, "--yes")
    announce(f"{len(found)} pipeline runs {done}", *(() if yes or not found else (again,)))


def _clean_cache(age: timedelta, older_than: str, *, yes: bool) -> None:
    from mtlser.storage import old_cache

    if not age:
        raise MtlserError("the cache is cleaned by age alone: give one, as --older-than 90d")
    cache = storage.cache_folder()
    found = old_cache.clean(cache, datetime.now(UTC) - age, delete=yes)
    for old in found:
        typer.echo(f"{old.used}  {cache / old.name}  {old.what}, {_size(old.files, old.size)}")
    done = "deleted" if yes else "to be deleted"
    again = command("clean", "cache", "--older-than", older_than, "--yes")
    total = f"{sum(old.size for old in found) / 1e6:.1f} MB"
    announce(f"{len(found)} entries {done}, {total}", *(() if yes or not found else (again,)))


def _size(files: int, size: int) -> str:
    return f"{files} files, {size / 1e6:.1f} MB"
