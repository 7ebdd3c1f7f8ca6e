"""`mtlser copy` and `clean`: outputs from place to place, and old versions on S3."""

import shutil
from typing import Annotated

import typer

from mtlser import storage
from mtlser.cli.flags import Out, announce, command
from mtlser.errors import MtlserError
from mtlser.storage.marker import MARKER

COPY_EXAMPLE = "Example: mtlser copy s3://speech/runs/demo --out runs/demo"
CLEAN_EXAMPLE = "Example: mtlser clean s3://speech/runs --keep 3"


def copy(
    place: Annotated[str, typer.Argument(help="Folder or s3:// address of an output.")], out: Out
) -> None:
    """Copy an output, whole or not at all; one on S3 is compared with its SHA-256 first."""
    source = storage.fetch(place)
    if not source.is_dir():
        raise MtlserError(f"{place}: is a file; give the folder of an output")
    with storage.output(out) as folder:
        leave = shutil.ignore_patterns(MARKER)
        shutil.copytree(source, folder, ignore=leave, dirs_exist_ok=True)
    announce(f"copied: {out}")


def clean(
    place: Annotated[str, typer.Argument(help="s3:// address of outputs.")],
    keep: Annotated[
        int, typer.Option(min=1, help="Versions of each output that stay, with the current one.")
    ] = 3,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete; otherwise they are only shown.")
    ] = False,
) -> None:
    """Show or delete old versions on S3, and what uploads left that were killed a day ago.

    A version that a pointer leads to stays.
    """
    from mtlser.storage.s3 import clean as cleaning

    if not storage.is_s3(place):
        raise MtlserError(f"{place}: expected an s3:// address; local places keep no old versions")
    found = cleaning.old_versions(place, keep)
    for old in found:
        what = "old" if old.finished else "unfinished"
        typer.echo(f"{old.address}  {what}, {old.files} files, {old.size / 1e6:.1f} MB")
        if yes:
            cleaning.delete(old.address)
    total = sum(old.size for old in found) / 1e6
    done = "deleted" if yes else "to be deleted"
    following = () if yes or not found else (command("clean", place, "--keep", str(keep), "--yes"),)
    announce(f"{len(found)} versions {done}, {total:.1f} MB", *following)
