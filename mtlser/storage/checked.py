"""Files that carry their own checksum: what is kept between runs is verified when it is read.

| kept | its checksum |
|---|---|
| JSON (`write_json`) | `sha256` beside the content, in the same file |
| a finished folder (`seal_folder`) | `.digests.json` in it, SHA-256 of every file |
| a file of its own format | its digest is in a JSON beside it that is written after it |

A digest lies in the file that it is of, or is written last, so a kill at any moment leaves what can
be verified, or nothing.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mtlser.errors import DamagedError
from mtlser.files import atomic_file, sha256_file
from mtlser.records.paths import below
from mtlser.storage.marker import DIGESTS, MARKER

RecordT = TypeVar("RecordT", bound=BaseModel)
log = logging.getLogger(__name__)


def write_json(path: Path, content: Any, *, retain: bool = False, durable: bool = True) -> None:
    """Writes JSON that `read_json` verifies, whole.

    Args:
        path: the file.
        content: what JSON can hold; keys of dicts are text.
        retain: whether the version that is replaced stays as `files.earlier(path)`.
        durable: whether it reaches the disk at once; else a power cut may damage it.

    Raises:
        NoSpaceError: the disk is full.
    """
    text = _canonical(content)
    with atomic_file(path, durable=durable, retain=retain) as temporary:
        temporary.write_text(f'{{"sha256":"{_sha(text)}","content":{text}}}\n', encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content that `write_json` wrote.

    Raises:
        DamagedError: the file holds something else, or no checksum.
    """
    try:
        record = json.loads(path.read_bytes())
        said, content = record["sha256"], record["content"]
    except OSError as error:
        raise DamagedError(path, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedError(path, "no JSON with a checksum") from None
    if said != _sha(_canonical(content)) or len(record) != 2:
        raise DamagedError(path, "its checksum is another one")
    return content


def read_record(path: Path, kind: type[RecordT]) -> RecordT | None:
    """The record whose fields `write_json` wrote; `None`, said in the log, where it is damaged.

    Also where there is no file, about which nothing is said.
    """
    if not path.is_file():
        return None
    try:
        return kind.model_validate(read_json(path))
    except (DamagedError, ValidationError) as error:
        log.warning("%s: not read (%s)", path, " ".join(str(error).split()))
        return None


def seal_folder(folder: Path) -> None:
    """Writes the digests of all files below `folder` into it."""
    write_json(folder / DIGESTS, {name: sha256_file(folder / name) for name in _names(folder)})


def verify_folder(folder: Path) -> None:
    """Compares a folder with its digests; one without, of an earlier version, passes.

    Raises:
        DamagedError: a file is missing, or another one than was sealed.
    """
    if not (folder / DIGESTS).exists():
        return
    for name, digest in read_json(folder / DIGESTS).items():
        try:
            verify_file(folder / below(name), digest)
        except ValueError as error:
            raise DamagedError(folder / DIGESTS, f"{name!r} {error}") from None


def verify_file(path: Path, digest: str) -> None:
    """Compares a file with its SHA-256; reads it once, at 1 to 2 GB/s.

    Raises:
        DamagedError: it is missing, or another one.
    """
    if not path.is_file():
        raise DamagedError(path, "missing")
    if sha256_file(path) != digest:
        raise DamagedError(path, "its checksum is another one")


def _names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {MARKER, DIGESTS}
    )


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
