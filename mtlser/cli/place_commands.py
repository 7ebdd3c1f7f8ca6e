"""`mtlser copy` and `clean`: outputs from place to place, and what is old on S3 and in MLflow."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from mtlser import storage, tracking
from mtlser.cli.flags import Out, announce, command
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
    place: Annotated[str, typer.Argument(help="s3:// address of outputs, or `mlflow`: its runs.")],
    keep: Annotated[
        int,
        typer.Option(min=1, help="On S3: versions of each output that stay, with the current one."),
    ] = 3,
    older_than: Annotated[
        str, typer.Option(help="Only what is older, in days: 90d. Needed for `mlflow`.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete; otherwise they are only shown.")
    ] = False,
) -> None:
    """Show or delete what is old: versions on S3 and uploads killed a day ago, or runs of MLflow.

    A version that a pointer leads to stays. So do runs that have not ended, and those that the
    champion, the challenger and the champion before came from; other models go with their runs.
    """
    age = _age(older_than)
    if place == "mlflow":
        _clean_runs(age, older_than, yes=yes)
        return
    from mtlser.storage.s3 import clean as cleaning

    if not storage.is_s3(place):
        raise MtlserError(
            f"{place}: expected an s3:// address or the word mlflow; local places keep no old "
            "versions"
        )
    found = cleaning.old_versions(place, keep, age)
    for old in found:
        what = "old" if old.finished else "unfinished"
        typer.echo(f"{old.address}  {what}, {old.files} files, {old.size / 1e6:.1f} MB")
        if yes:
            cleaning.delete(old.address)
    total = sum(old.size for old in found) / 1e6
    done = "deleted" if yes else "to be deleted"
    older = ("--older-than", older_than) if older_than else ()
    again = command("clean", place, "--keep", str(keep), *older, "--yes")
    announce(
        f"{len(found)} versions {done}, {total:.1f} MB", *(() if yes or not found else (again,))
    )


def _age(older_than: str) -> timedelta:
    matched = re.fullmatch(r"(\d{1,5})d", older_than or "0d")
    if matched is None:
        raise MtlserError(f"--older-than {older_than}: expected days, such as 90d")
    return timedelta(days=int(matched[1]))


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
