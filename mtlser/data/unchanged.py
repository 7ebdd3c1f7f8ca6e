"""Whether releases are as they were when a corpus folder was made of them.

Then a second ingest would write what is there, and has nothing to do. A file is unchanged where its
path, size and time of change are, as for a single recording (`mtlser.data.earlier`).
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mtlser.data import corpora, earlier
from mtlser.files import write_text
from mtlser.recipe import Recipe
from mtlser.storage.marker import MARKER, RELEASE

READERS = ("pandas", "pyarrow", "pydantic")
"""Libraries that tables are read with; those of recordings are in `earlier.decoder_digest`."""


def fingerprint(recipe: Recipe, roots: Sequence[Path], clips: str) -> str | None:
    """SHA-256 over all that an ingest's result depends on, as it is now.

    `None`: a reader of another package has a part in it, whose code is not looked at.

    Args:
        recipe: its sections on data and labels.
        roots: the release of each corpus.
        clips: where the shards of audio go, see `stages.ingest`.
    """
    if any(data.corpus not in corpora.CORPORA for data in recipe.corpora):
        return None
    sha = hashlib.sha256(f"{clips}\n{_code()}\n{earlier.decoder_digest()}\n".encode())
    for data, root in zip(recipe.corpora, roots, strict=True):
        sha.update(data.model_dump_json().encode())
        for line in sorted(_files(root)):
            sha.update(f"{line}\n".encode())
        if data.table is not None:
            sha.update(f"{_line(root / data.table, root)}\n".encode())
    sha.update(recipe.labels.model_dump_json().encode())
    return sha.hexdigest()


def keep(folder: Path, found: str | None) -> None:
    """Notes in a corpus folder, which is whole, what it was made of and what it holds."""
    if found is not None:
        write_text(folder / RELEASE, json.dumps({"release": found, "holds": _holds(folder)}) + "\n")


def same(folder: Path, found: str | None) -> bool:
    """Whether a corpus folder was made of just that, and holds what it held then."""
    try:
        kept = json.loads((folder / RELEASE).read_text(encoding="utf-8"))
        made_of, held = kept["release"], kept["holds"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return found is not None and bool(made_of == found) and bool(held == _holds(folder))


def _holds(folder: Path) -> list[str]:
    """The files of a corpus folder, with their sizes and times of change."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [_line(path, folder) for path in paths if path.name not in {RELEASE, MARKER}]


def _files(root: Path) -> Iterator[str]:
    """Yields a line for each file below a folder, through links too, each folder once."""
    seen: set[tuple[int, int]] = set()
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        is_now = os.stat(folder)  # noqa: PTH116
        if (is_now.st_dev, is_now.st_ino) in seen:
            continue
        seen.add((is_now.st_dev, is_now.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    waiting.append(entry.path)
                else:
                    yield _line(Path(entry.path), root)


def _line(path: Path, root: Path) -> str:
    try:
        is_now = path.stat()
    except OSError:
        return json.dumps([os.path.relpath(path, root), None])
    return json.dumps([os.path.relpath(path, root), is_now.st_size, is_now.st_mtime_ns])


@cache
def _code() -> str:
    """SHA-256 of the code that reads data, and of the libraries that it reads them with."""
    package = Path(__file__).parents[1]
    sha = hashlib.sha256()
    for path in sorted([*package.glob("data/**/*.py"), *package.glob("records/*.py")]):
        sha.update(path.relative_to(package).as_posix().encode())
        sha.update(path.read_bytes())
    for library in READERS:
        sha.update(f"{library}=={version(library)}".encode())
    return sha.hexdigest()
