"""Folders from S3, read whole or not at all, each object downloaded once.

A reader follows the pointer at a place (see `mtlser.storage.s3.pointer`) and compares each file
with the SHA-256 there. Below a prefix without a pointer (a release that somebody copied there) it
takes all objects; a place inside an output leads to the files of that output.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from mtlser import files
from mtlser.errors import MtlserError
from mtlser.files import sha256_file
from mtlser.storage import in_use
from mtlser.storage.links import link
from mtlser.storage.marker import MARKER
from mtlser.storage.s3 import cache as stored_objects
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import keys
from mtlser.storage.s3 import pointer as pointers
from mtlser.storage.s3.client import MISSING, Place, Remote
from mtlser.storage.s3.plain import PLAIN
from mtlser.storage.s3.pointer import VERSIONS, Pointer
from mtlser.storage.s3.retry import again

FORBIDDEN = {"403", "AccessDenied"}
Leave = Callable[[Place, list[Remote]], tuple[list[Remote], Mapping[str, str]]]
"""What to download of a listing, and texts of files that stand for the rest, by name."""


def fetch(location: str, cache: Path, leave: Leave | None = None) -> Path:
    """A local folder (or file, where `location` is one object) with what `location` holds now.

    Objects are kept once, by their SHA-256, or by place, etag and size where that is not known; a
    fetched folder is a tree of hard links to them, named by its listing: it never changes, and two
    processes may fetch it at once. It stays until this process ends, and then until `mtlser clean
    cache`. What is there is compared with its SHA-256, and downloaded again where it is damaged.

    Args:
        location: the place.
        cache: the cache folder.
        leave: chooses what is downloaded; `None`: everything.

    Raises:
        MtlserError: nothing is there, the upload is not whole, an object is another one than was
            uploaded, or S3 refuses.
    """
    place = Place.parse(location)
    with objects.explained(location), in_use.used(cache):
        client = objects.connect()
        remotes = wanted(client, place, location)
        listing = digest(remotes)
        remotes, texts = leave(place, remotes) if leave else (remotes, {})
        tree = cache / "trees" / _hash(objects.endpoint() or "", str(place), listing, *texts)
        try:
            once = {_stored(place, remote, cache): remote for remote in remotes}.values()
            objects.parallel(lambda remote: _download(client, place, remote, cache), once)
            if tree.is_dir():
                in_use.touch(tree)
                for remote in remotes:
                    stored_objects.mend(
                        _link_of(tree, place, remote), _stored(place, remote, cache)
                    )
            else:
                _link_tree(place, remotes, cache, tree, texts)
        except OSError as error:
            raise _no_room(location, cache, error) from None
    single = [remote.name for remote in remotes] == [""]
    return tree / PurePosixPath(place.prefix).name if single else tree


def fetch_object(place: Place, remote: Remote, cache: Path) -> Path:
    """Where the cache has one object, downloaded where it is not there or damaged.

    Raises:
        MtlserError: it is absent or another one, or S3 refuses.
    """
    path = _stored(place, remote, cache)
    with objects.explained(str(place)), in_use.used(cache):
        in_use.touch(path)
        try:
            if not stored_objects.is_whole(path):
                client = objects.connect()
                again(lambda: _download(client, place, remote, cache))
        except OSError as error:
            raise _no_room(str(place), cache, error) from None
    return path


def _no_room(location: str, cache: Path, error: OSError) -> MtlserError:
    if files.is_full(error):
        return files.no_space(cache, "MTLSER_CACHE")
    return MtlserError(
        f"{location}: cannot be kept in {cache}: {error.strerror or error}; give a "
        "folder with room as MTLSER_CACHE"
    )


def wanted(client: Any, place: Place, location: str) -> list[Remote]:
    """The objects that make up a place, in order of their names; an object itself has no name.

    Raises:
        MtlserError: nothing is there, or the upload is not whole.
    """
    remotes = present(client, place, location)
    if remotes is None:
        raise MtlserError(
            f"{location}: nothing there; expected objects below this prefix: check it, or run "
            "the step that writes it"
        )
    if not remotes:
        raise MtlserError(f"{location}: the folder is empty; run the step that writes it")
    keys.check_tree(location, [remote.name for remote in remotes])
    return remotes


def present(client: Any, place: Place, location: str) -> list[Remote] | None:
    """The same; `None` where nothing is there, none of an output without files.

    Raises:
        MtlserError: the upload is not whole.
    """
    found = pointers.read(client, place)
    if found is not None and found.pointer.version:
        return found.pointer.objects(place)
    return _listed(client, place, location) or _inside(client, place) or None


def digest(remotes: list[Remote]) -> str:
    """SHA-256 over name, content and size of objects, as 64 hex digits."""
    lines = [f"{each.name}\0{each.sha256 or each.etag}\0{each.size}\n" for each in remotes]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _listed(client: Any, place: Place, location: str) -> list[Remote]:
    """All objects below a prefix, each output in it as its pointer says."""
    there = {remote.name: remote for remote in objects.listed(client, place)}
    if copies := [name for name in there if PurePosixPath(name).name == PLAIN]:
        raise MtlserError(
            f"{location}: {copies[0]} says that this is a copy for people, which may be half of an "
            "old one; give the place of the output itself, which that file names"
        )
    for name in sorted(name for name in there if PurePosixPath(name).name == MARKER):
        folder = name.removesuffix(MARKER)
        if name not in there:  # of a version, below an output that was seen before
            continue
        found = pointers.read(client, place.below(folder))
        if found is not None and found.pointer.version:
            own = found.pointer.objects(place.below(folder))
            there = {each: there[each] for each in there if not each.startswith(folder)}
            there |= {folder + each.name: replace(each, name=folder + each.name) for each in own}
        else:
            _take_unversioned(there, folder, found.pointer if found else None, location)
    unfinished = [name for name in there if f"/{VERSIONS}/" in f"/{name}"]
    if unfinished:
        folder = f"/{unfinished[0]}".partition(f"/{VERSIONS}/")[0].strip("/")
        raise _not_finished(location, folder)
    return [remote for _, remote in sorted(there.items())]


def _take_unversioned(
    there: dict[str, Remote], folder: str, pointer: Pointer | None, location: str
) -> None:
    """Leaves, of an output of mtlser 0.1, the files that its marker lists."""
    if pointer is None or pointer.state != "complete":
        raise _not_finished(location, folder)
    for path, size in pointer.files.items():
        remote = there.get(folder + path)
        if remote is None or remote.size != size:
            seen = "absent" if remote is None else f"{remote.size} bytes"
            raise MtlserError(
                f"{location}: {folder + path} is {seen}, expected {size} bytes; run the step that "
                "writes it again"
            )
    strays = {folder + MARKER, *(folder + stray for stray in pointer.strays)}
    if not folder:
        strays |= there.keys() - pointer.files.keys()
    for name in strays & there.keys():
        del there[name]


def _not_finished(location: str, folder: str) -> MtlserError:
    return MtlserError(
        f"{location}: the upload of {folder or 'this folder'} was not finished; run the step that "
        "writes it again"
    )


def _inside(client: Any, place: Place) -> list[Remote]:
    """The files below a place inside an output, or the file that it is; none: in no output."""
    from botocore.exceptions import ClientError

    parts = place.prefix.split("/")
    for count in range(len(parts) - 1, -1, -1):
        parent, rest = Place(place.bucket, "/".join(parts[:count])), "/".join(parts[count:])
        try:
            found = pointers.read(client, parent)
        except ClientError as error:
            if error.response["Error"]["Code"] in FORBIDDEN:
                return []
            raise
        if found is None or not found.pointer.version:
            continue
        return [
            replace(each, name=each.name.removeprefix(rest).removeprefix("/"))
            for each in found.pointer.objects(parent)
            if each.name == rest or each.name.startswith(f"{rest}/")
        ]
    return []


def _stored(place: Place, remote: Remote, cache: Path) -> Path:
    """Where the cache has an object."""
    name = remote.sha256 or _hash(
        objects.endpoint() or "", place.bucket, remote.key, remote.etag, str(remote.size)
    )
    return cache / "objects" / name[:2] / name


def _download(client: Any, place: Place, remote: Remote, cache: Path) -> None:
    from botocore.exceptions import ClientError

    path, where = _stored(place, remote, cache), f"s3://{place.bucket}/{remote.key}"
    if stored_objects.is_whole(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_file(path, durable=False, flag="MTLSER_CACHE") as temporary:
        try:
            _get(client, place, remote, temporary)
        except ClientError as error:
            if error.response["Error"]["Code"] not in MISSING:
                raise
            raise MtlserError(
                f"{where}: absent, though it is part of {place}; read that again, and where it "
                "stays so, run the step that writes it"
            ) from None
        if temporary.stat().st_size != remote.size:
            raise MtlserError(f"{where}: changed during download; run it again")
        if remote.sha256 and sha256_file(temporary) != remote.sha256:
            raise MtlserError(
                f"{where}: not the file that was uploaded, whose SHA-256 is "
                f"{remote.sha256[:12]}; run the step that writes it again"
            )
        temporary.chmod(0o444)
        stored_objects.sign(path, temporary)


def _get(client: Any, place: Place, remote: Remote, path: Path) -> None:
    if remote.size > objects.SMALL:
        client.download_file(place.bucket, remote.key, str(path))
        return
    path.write_bytes(client.get_object(Bucket=place.bucket, Key=remote.key)["Body"].read())


def _link_of(tree: Path, place: Place, remote: Remote) -> Path:
    """Where a tree has an object; its own name where the place is a single one."""
    return tree / (remote.name or PurePosixPath(place.prefix).name)


def _link_tree(
    place: Place, remotes: list[Remote], cache: Path, tree: Path, texts: Mapping[str, str]
) -> None:
    tree.parent.mkdir(parents=True, exist_ok=True)
    with files.scratch_folder(tree.parent, tree.name) as temporary:
        for name, text in texts.items():
            files.write_text(temporary / name, text)
        for remote in remotes:
            link(_stored(place, remote, cache), _link_of(temporary, place, remote))
        try:
            temporary.rename(tree)
        except OSError:
            if not tree.is_dir():  # else another process was first
                raise


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
