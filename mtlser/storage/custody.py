"""What a step's output was made from, by content: written by every step, verified by every reader.

A finished folder holds `custody.json`: digests of the manifest and the folds, of the custody
records of what went into it, and of its own files. One folder's record names the others', so that
a report leads back to the weights, the folds and the manifest that its figures came from.

Nothing here is signed. Whoever may write all files can write all records anew; what is tied to
them are files that are exchanged, edited, mixed or stale, by mistake or in part (docs/promises.md).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from mtlser.errors import MtlserError
from mtlser.files import sha256_file
from mtlser.records import Record, read_json, write_json
from mtlser.records.paths import PathBelow

CUSTODY = "custody.json"
SHORT = 12
"""Hex digits of a digest that a sentence shows."""

Step = Literal[
    "ingest", "split", "search", "fit", "train", "noise_eval", "report", "register", "promote"
]
"""`fit` is a model folder, `train` the cell around it with its predictions."""


class Custody(Record):
    """The record of one folder (`custody.json`)."""

    format: Literal[1] = 1
    step: Step
    cell: str = ""
    """Text of the cell, for `fit`, `train` and `noise_eval`."""
    recipe_hash: str = ""
    manifest: str = ""
    """Digest of the manifest; empty where the step knows none."""
    folds: str = ""
    """Digest of the fold plan; empty where the step knows none."""
    made_from: dict[str, str] = Field(default_factory=dict)
    """Digests of the custody records of the folders that went into this one, by what they are."""
    files: dict[PathBelow, str] = Field(default_factory=dict)
    """SHA-256 of each file, by its path below the folder."""
    rows: dict[PathBelow, str] = Field(default_factory=dict)
    """Digest of the lines of each JSON Lines file, whatever their order; see `digest_rows`."""
    unrecorded: int = 0
    """Of a report: files of predictions without a record that went into it."""
    sha256: str = ""
    """The record's own `digest`, by which an edited one is told."""

    @property
    def digest(self) -> str:
        """SHA-256 of the record without what is at its default; it stands for the folder."""
        text = self.model_dump_json(exclude_defaults=True, exclude={"sha256"})
        return hashlib.sha256(text.encode()).hexdigest()


def digest_rows(lines: Iterable[bytes]) -> str:
    """SHA-256 over the sorted SHA-256 of all lines: equal for the same lines in another order.

    >>> digest_rows([b"one", b"two"]) == digest_rows([b"two", b"one"])
    True
    """
    return digest_of_rows(map(digest_row, lines))


def digest_row(line: bytes) -> bytes:
    """SHA-256 of one line without its end."""
    return hashlib.sha256(line.rstrip(b"\r\n")).digest()


def digest_of_rows(rows: Iterable[bytes]) -> str:
    """`digest_rows` of the lines whose `digest_row` these are."""
    return hashlib.sha256(b"".join(sorted(rows))).hexdigest()


def rows_of(path: Path) -> str:
    """`digest_rows` of a file."""
    with path.open("rb") as file:
        return digest_rows(file)


def seal(  # noqa: PLR0913 - what a record says
    folder: Path,
    step: Step,
    files: Sequence[str],
    *,
    made_from: Mapping[str, Custody | None] | None = None,
    cell: str = "",
    recipe_hash: str = "",
    manifest: str = "",
    folds: str = "",
    unrecorded: int = 0,
) -> Custody:
    """The record of a folder, written into it; the last thing that a step does there.

    Args:
        folder: the step's output.
        step: which step wrote it.
        files: paths below it that the record answers for; those that are not there are left out.
        made_from: records of the folders that went into it; `None` for one without.
        cell: text of the cell.
        recipe_hash: of the recipe.
        manifest: digest of the manifest.
        folds: digest of the fold plan.
        unrecorded: of a report: files of predictions without a record.
    """
    there = [name for name in sorted(files) if (folder / name).is_file()]
    record = Custody(
        step=step,
        cell=cell,
        recipe_hash=recipe_hash,
        manifest=manifest,
        folds=folds,
        unrecorded=unrecorded,
        made_from={
            what: each.digest
            for what, each in sorted((made_from or {}).items())
            if each is not None
        },
        files={name: sha256_file(folder / name) for name in there},
        rows={name: rows_of(folder / name) for name in there if name.endswith(".jsonl")},
    )
    record = record.model_copy(update={"sha256": record.digest})
    write_json(folder / CUSTODY, record)
    return record


def read(folder: Path) -> Custody | None:
    """The record of a folder, its files not looked at; `None` where it has none.

    Raises:
        MtlserError: it is no such record, or was edited.
    """
    path = folder / CUSTODY
    return read_file(path) if path.is_file() else None


def read_file(path: Path) -> Custody:
    """The record that a file holds.

    Raises:
        MtlserError: it is no such record, or was edited.
    """
    record = read_json(path, Custody)
    if record.sha256 != record.digest:
        raise MtlserError(
            f"{path} has digest {record.digest[:SHORT]} and says {record.sha256[:SHORT]}: it was "
            f"edited; run `{command(record.step)}` again"
        )
    return record


def verified(folder: Path) -> Custody | None:
    """The record of a folder whose files are those that the step wrote; `None`: it has none.

    Raises:
        MtlserError: a file is missing or another one than the record says.
    """
    record = read(folder)
    if record is None:
        return None
    for name, digest in record.files.items():
        _verify(folder / name, digest, record.step)
    return record


def verified_file(path: Path) -> Path:
    """The path itself; a record beside the file says that it is the one that its step wrote.

    Raises:
        MtlserError: it is another one than the record says; one without a record passes.
    """
    record = read(path.parent) if path.is_file() else None
    if record is not None and path.name in record.files:
        _verify(path, record.files[path.name], record.step)
    return path


def _verify(path: Path, digest: str, step: Step) -> None:
    if not path.is_file():
        raise MtlserError(
            f"{path} is missing, and {CUSTODY} of its folder names it; run `{command(step)}` again"
        )
    now = sha256_file(path)
    if now != digest:
        raise MtlserError(
            f"{path} has SHA-256 {now[:SHORT]}, {CUSTODY} beside it says "
            f"{digest[:SHORT]}: it was changed or exchanged after it was written; "
            f"run `{command(step)}` again"
        )


def command(step: Step) -> str:
    """The command that writes what a step writes.

    >>> command("noise_eval")
    'mtlser noise-eval'
    """
    return "mtlser " + ("train" if step == "fit" else step.replace("_", "-"))
