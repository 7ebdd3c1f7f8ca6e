"""Local paths and `s3://` addresses behind the same few calls; whole folders or nothing.

A finished output folder holds the marker `.mtlser.json`, which lists its files. It protects a
folder that mtlser did not write from being replaced; on S3 it leads to the files as well (see
`mtlser.storage.s3.pointer`).
"""

import hashlib
import os
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from mtlser import files
from mtlser.errors import MtlserError
from mtlser.files import sha256_file
from mtlser.storage import disk, in_use
from mtlser.storage.marker import MARKER, RUN_LOG, Marker
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import fetching, upload
from mtlser.storage.s3.client import is_s3

__all__ = [
    "cache_folder",
    "cached_folder",
    "digest_folder",
    "fetch",
    "is_s3",
    "output",
    "sha256_file",
    "work",
]


def cache_folder() -> Path:
    """The folder of everything that can be fetched or computed again.

    `MTLSER_CACHE`, else `XDG_CACHE_HOME/mtlser`, else `~/.cache/mtlser`.
    """
    given = os.environ.get("MTLSER_CACHE")
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).absolute() if base else Path.home() / ".cache") / "mtlser"


def cached_folder(kind: str, key: str) -> Path:
    """A folder of the cache, which need not be there; it stays until this process ends.

    Args:
        kind: what such folders are for; one of `old_cache.KINDS`.
        key: which of them.
    """
    cache = cache_folder()
    with in_use.used(cache):
        in_use.touch(cache / kind / key)
    return cache / kind / key


def fetch(location: str) -> Path:
    """The local path of `location`: itself where it is local, else a read-only copy in the cache.

    An `s3://bucket/prefix` is listed anew each time; only objects whose etag or size changed are
    downloaded, side by side.

    Raises:
        MtlserError: nothing is there, it is empty or half-written, or S3 refuses.
    """
    if not location:
        raise MtlserError("no place given; expected a local path or an s3://bucket/prefix address")
    if is_s3(location):
        return fetching.fetch(location, cache_folder())
    path = Path(location).expanduser()
    if not path.exists():
        raise MtlserError(
            f"{location}: no such file or folder; check the path, or give an s3://bucket/prefix "
            "address"
        )
    if path.is_dir() and not any(path.iterdir()):
        raise MtlserError(f"{location}: the folder is empty; run the step that writes it")
    return path


@contextmanager
def output(location: str) -> Iterator[Path]:
    """Yields an empty folder that takes its place at `location` when the block succeeds.

    A local place appears by one rename; an earlier output there is replaced. A place on S3
    changes over by one write; what was there is kept as an old version. When the block fails,
    nothing is left and an earlier output stays.

    Raises:
        MtlserError: the place holds something that mtlser did not write, cannot be written, or
            another process wrote there meanwhile; or S3 refuses.
        NoSpaceError: its disk is full.
    """
    if is_s3(location):
        slot = upload.reserve(location)
        _refuse_run(slot.before.pointer if slot.before else None, location)
        outgoing = cached_folder("outgoing", "")
        _make(outgoing)
        with (
            files.scratch_folder(outgoing, "upload") as folder,
            disk.room(outgoing, "MTLSER_CACHE", folder),
        ):
            yield folder
            _upload(folder, slot)
        return
    target = Path(location).expanduser().resolve()
    _refuse_foreign(target, location)
    _make(target.parent)
    with (
        files.scratch_folder(target.parent, target.name) as folder,
        disk.room(target.parent, "--out", folder),
    ):
        yield folder
        files.write_text(folder / MARKER, Marker.of(folder).model_dump_json() + "\n")
        files.replace_folder(folder, target)


@contextmanager
def work(work: str, out: str) -> Iterator[Path]:
    """Yields a local folder for state that outlives a killed stage.

    Args:
        work: the folder itself, made where absent and kept, or an S3 address, for a folder in the
            cache of its own that is kept; empty: `OUT.work` beside a local `out`, or a folder in
            the cache keyed by the S3 address, either kept when the block fails or is killed and
            deleted when it succeeds.
        out: where the stage writes.

    Raises:
        MtlserError: the folder cannot be made.
        NoSpaceError: its disk is full.
    """
    if is_s3(work):
        folder, flag = _keyed(work), "MTLSER_CACHE"
    elif work:
        folder, flag = Path(work).expanduser().absolute(), "--work"
    elif is_s3(out):
        folder, flag = _keyed(out), "MTLSER_CACHE"
    else:
        target = Path(out).expanduser().resolve()
        folder, flag = target.with_name(target.name + ".work"), "--work"
    _make(folder)
    with disk.room(folder, flag):
        yield folder
    if not work:
        shutil.rmtree(folder, ignore_errors=True)


def _keyed(address: str) -> Path:
    """The folder of the cache that belongs to an S3 address."""
    place = f"{objects.endpoint() or ''} {address.rstrip('/')}"
    key = hashlib.sha256(place.encode()).hexdigest()[:24]
    return cached_folder("work", key)


def digest_folder(folder: Path) -> str:
    """SHA-256 over the relative path and the bytes of every file below `folder`.

    The marker is left out, so that a folder and its copy on S3 have one digest. Registered versions
    carry this digest of their model folder.
    """
    total = hashlib.sha256()
    for name in sorted(Marker.of(folder).files, key=Path):
        total.update(name.encode() + b"\0")
        total.update(bytes.fromhex(sha256_file(folder / name)))
    return total.hexdigest()


def _upload(folder: Path, slot: upload.Slot) -> None:
    """Uploads an output; one that could not be stays on this disk."""
    try:
        upload.upload(folder, slot)
    except MtlserError as error:
        kept = folder.with_name(f"kept-{uuid.uuid4().hex[:12]}")
        folder.rename(kept)
        again = f"mtlser copy {shlex.quote(str(kept))} --out {shlex.quote(slot.location)}"
        raise MtlserError(f"{error}; this output is kept on this machine: `{again}`") from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if files.is_full(error):
            raise files.no_space(folder, "--out or --work") from None
        raise MtlserError(
            f"{folder}: cannot make the folder: {error.strerror}; give another place"
        ) from None


def _refuse_foreign(target: Path, location: str) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise MtlserError(f"{location}: is a file; give a folder that is new or written by mtlser")
    if any(target.iterdir()) and not (target / MARKER).is_file():
        raise MtlserError(
            f"{location}: holds files that no mtlser step wrote, so it is not replaced; give a "
            "new folder, or remove this one yourself"
        )
    if (target / MARKER).is_file():
        with suppress(ValidationError):  # of another version: ours all the same
            text = (target / MARKER).read_bytes()
            _refuse_run(Marker.model_validate_json(text), location)


def _refuse_run(marker: Marker | None, location: str) -> None:
    """Refuses the place of a whole pipeline run, which one step's output would replace."""
    if marker is not None and RUN_LOG in marker.files:
        raise MtlserError(
            f"{location}: holds a whole pipeline run, which this step's output would replace; "
            "give another --out"
        )
