"""Flags that commands share, and the recipe that they add up to."""

import os
import re
import shlex
from datetime import timedelta
from typing import Annotated

import typer

from mtlser import recipe as recipes
from mtlser.data.corpora import CORPORA
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.runtime import SEARCH_STORE
from mtlser.tracking import RUN_VARIABLE

DEFAULTS = {"iemocap": "paper", "emodb": "emodb"}
"""Recipe of a corpus where `--recipe` names none."""
RecipeName = Annotated[
    str | None,
    typer.Option("--recipe", help="Shipped name (`mtlser recipes`) or path to a .toml file."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override of the recipe; repeatable."),
]
CorpusName = Annotated[
    str | None,
    typer.Option("--corpus", help=f"{', '.join(CORPORA)}, or a plug-in by name."),
]
Root = Annotated[str | None, typer.Option(help="Folder or s3:// address of the release.")]
Manifest = Annotated[str, typer.Option(help="Corpus folder, as `mtlser ingest` wrote it.")]
Folds = Annotated[str, typer.Option(help="Folds folder, as `mtlser split` wrote it.")]
FoldIndex = Annotated[int, typer.Option("--fold", min=0, help="Index of the fold, from 0.")]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Of the training; else the recipe's seed."),
]
System = Annotated[str, typer.Option(help="`mtlser`, or a baseline such as `svm`.")]
Out = Annotated[str, typer.Option(help="Folder or s3:// address to write.")]
Work = Annotated[str, typer.Option(help="Folder or s3:// address to resume from.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Trainings side by side on this machine; 0: `search.jobs`.")
]
Store = Annotated[
    str,
    typer.Option(
        envvar=SEARCH_STORE, help="Database with the search's list, that other machines share."
    ),
]
Key = Annotated[
    str,
    typer.Option("--run", envvar=RUN_VARIABLE, help="Steps with one key share one MLflow run."),
]


def resolve(
    name: str | None, sets: list[str] | None, corpus: str | None = None, root: str | None = None
) -> Recipe:
    """The recipe that is named, else the one of the corpus; flags are overrides of it."""
    flags = [
        recipes.override(f"data.{key}", value)
        for key, value in (("corpus", corpus), ("root", root))
        if value is not None
    ]
    source = name or DEFAULTS.get(corpus or "iemocap", "own")
    return recipes.load(source, (*flags, *(sets or [])))


def given(
    name: str | None, sets: list[str] | None, corpus: str | None, root: str | None
) -> list[str]:
    """The flags of the next command that give the recipe which `resolve` gave."""
    flags = ["--recipe", name or DEFAULTS.get(corpus or "iemocap", "own")]
    for key, value in (("corpus", corpus), ("root", root)):
        if value is not None:
            flags += ["--set", recipes.plain_override(f"data.{key}", value)]
    return flags + again(None, sets)


def again(recipe: str | None, sets: list[str] | None) -> list[str]:
    """The recipe flags once more, for the next command."""
    flags = ["--recipe", recipe] if recipe else []
    for override in sets or []:
        flags += ["--set", override]
    return flags


def days(older_than: str) -> timedelta:
    """The time that `--older-than` gives; empty: none.

    >>> days("90d").days, days("").days
    (90, 0)

    Raises:
        MtlserError: it is no number of days.
    """
    matched = re.fullmatch(r"(\d{1,5})d", older_than or "0d")
    if matched is None:
        raise MtlserError(f"--older-than {older_than}: expected days, such as 90d")
    return timedelta(days=int(matched[1]))


def command(*words: str, program: str = "mtlser", note: str = "") -> str:
    """A command to be copied into a shell, which takes it apart into these words again.

    Args:
        words: of the command, after the program.
        program: `mtlser` or `mtlser-pipeline`.
        note: what it does; a shell skips it.

    >>> command("predict", "my runs/demo", "clip.wav", note="one file")
    "mtlser predict 'my runs/demo' clip.wav  # one file"
    """
    return shlex.join([program, *words]) + (f"  # {note}" if note else "")


def announce(done: str, *following: str) -> None:
    """Prints what a step did, and the commands that usually follow; of `torchrun` once.

    Args:
        done: what the step did.
        following: commands, as `command` makes them.
    """
    if os.environ.get("RANK", "0") != "0":
        return
    typer.echo("\n".join([done, *(f"next: {each}" for each in following)]))
