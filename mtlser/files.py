"""Files and folders that are written whole: a killed or failed write leaves the old one, or none.

Everything that mtlser leaves on a local disk goes through `atomic_file`, `write_text` or
`atomic_folder`: written under a temporary name beside the target, then renamed.
"""

import codecs
import ctypes
import errno
import fcntl
import hashlib
import os
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtlser.errors import MtlserError, NoSpaceError

FULL_CODES = (errno.ENOSPC, errno.EDQUOT)
FULL_SIGNS = ("No space left on device", "Disk quota exceeded", "database or disk is full")
"""What libraries say that raise an error of their own."""
HEX = "[0-9a-f]" * 12
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks and the encodings that they name."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def is_full(error: BaseException) -> bool:
    """True where the error tells of a full disk or a spent quota.

    >>> is_full(OSError(28, "No space left on device")), is_full(OSError(13, "Permission denied"))
    (True, False)
    """
    if isinstance(error, OSError) and error.errno in FULL_CODES:
        return True
    return any(sign in str(error) for sign in FULL_SIGNS)


def no_space(place: Path, flag: str) -> NoSpaceError:
    """The sentence on a full disk.

    Args:
        place: what could not be written.
        flag: how another place is given.
    """
    error = NoSpaceError(
        f"{place}: no space left on its disk; make room there, or give another place as {flag}, "
        "and run the same command again: what is finished is kept"
    )
    error.place = place
    return error


@contextmanager
def atomic_file(
    path: Path, *, flag: str = "--out", durable: bool = True, retain: bool = False
) -> Iterator[Path]:
    """Yields a path of the same name, whose file takes the place of `path` when the block succeeds.

    When the block fails, nothing is left of it. Two processes may write one file at once: the last
    one to finish wins. The path lies in a hidden folder of its own, so that what a library leaves
    beside it when it is killed goes too, at the next write.

    Args:
        path: the file to write or replace; its folder exists.
        flag: how another place is given, for the sentence on a full disk.
        durable: whether the bytes reach the disk before the name does, so that a power cut
            leaves the old file or the new one. Not needed for what is checked when read.
        retain: whether the file that is replaced stays as `earlier(path)`.

    Raises:
        NoSpaceError: the disk is full.
    """
    try:
        with scratch_folder(path.parent, path.name) as scratch:
            temporary = scratch / path.name
            yield temporary
            if durable:
                _sync(temporary)
            if retain and path.exists():
                _retain(path, scratch / earlier(path).name)
            temporary.replace(path)
            if durable:
                _sync(path.parent)
    except NoSpaceError:
        raise
    except Exception as error:
        if is_full(error):
            raise no_space(path.parent, flag) from error
        raise


def earlier(path: Path) -> Path:
    """Where the version before that of the file `path` stays, if it does.

    >>> earlier(Path("run/state.json")).name
    'state.json.earlier'
    """
    return path.with_name(path.name + ".earlier")


def _retain(path: Path, scratch: Path) -> None:
    """Gives the file a second name, `earlier(path)`, at once; a copy where there are no links."""
    try:
        os.link(path, scratch)
    except OSError:
        shutil.copyfile(path, scratch)
    scratch.replace(earlier(path))


def write_text(path: Path, text: str) -> None:
    """Writes or replaces the UTF-8 text file `path`, whole.

    Raises:
        NoSpaceError: the disk is full.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: Path) -> str:
    """The text of a file that a user may have written: UTF-8, or UTF-16 or -32 with a mark.

    A byte order mark is no part of it, and every line ends in a line feed.

    Raises:
        MtlserError: it is in another encoding; says in which, and how to convert it.
    """
    text = decode(path.read_bytes(), path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(content: bytes, path: Path) -> str:
    """The text of bytes that are UTF-8, or UTF-16 or -32 with a byte order mark, without the mark.

    Raises:
        MtlserError: they are not; names `path`, the encoding that it seems to have, and how to
            convert it.
    """
    try:
        text = content.decode(marked_encoding(content) or "utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(path, content, content.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        raise not_utf8(path, content, 1)
    return text


def marked_encoding(content: bytes) -> str | None:
    """The encoding that a byte order mark names; `None` without one."""
    return next((name for mark, name in MARKS if content.startswith(mark)), None)


def not_utf8(path: Path, content: bytes, line: int) -> MtlserError:
    """The sentence on a text that is not UTF-8.

    Args:
        path: its file.
        content: its bytes, or the first that are not UTF-8.
        line: number of the line that cannot be read.
    """
    seems = marked_encoding(content)
    if seems is None and b"\0" in content:
        little = content[1::2].count(0) >= content[::2].count(0)
        seems = "utf-16le" if little else "utf-16be"
    name = (seems or "windows-1252").upper()
    return MtlserError(
        f"{path}: line {line} is not UTF-8, the file seems to be {name}; convert it with "
        f"`iconv -f {name} -t UTF-8 {shlex.quote(str(path))} > NEW` and give NEW"
    )


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yields a new hidden folder in `parent` that is gone afterwards, unless it was renamed.

    Its lock is held meanwhile: a later call with this name removes what a killed process left.

    Args:
        parent: an existing folder.
        name: what the folder is for; part of its name.
    """
    _recover(parent, name)
    folder = parent / f".{name}.{uuid.uuid4().hex[:12]}.tmp"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `target` when the block succeeds.

    Raises:
        MtlserError: the target cannot be written.
    """
    with scratch_folder(target.parent, target.name) as folder:
        yield folder
        replace_folder(folder, target)


def replace_folder(folder: Path, target: Path) -> None:
    """Renames `folder`, a scratch folder, to `target`; an earlier folder there is deleted.

    Linux swaps the two at once, and the end of the scratch folder deletes the earlier one.
    Elsewhere a process killed between two renames leaves the earlier folder under a hidden name,
    and the next write to `target` brings it back.

    Raises:
        MtlserError: the target cannot be written.
    """
    earlier = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.old")
    try:
        if not (target.exists() and _exchanged(folder, target)):
            _set_aside(folder, target, earlier)
    except OSError as error:
        raise MtlserError(
            f"{target}: cannot be written: {error.strerror}; give another --out"
        ) from None
    shutil.rmtree(earlier, ignore_errors=True)


def _set_aside(folder: Path, target: Path, earlier: Path) -> None:
    """Renames in two steps; the earlier folder comes back if the second fails."""
    if target.exists():
        target.rename(earlier)
    try:
        folder.rename(target)
    except OSError:
        if earlier.exists():
            earlier.rename(target)
        raise


def _exchanged(one: Path, other: Path) -> bool:
    """Swaps the names of two folders at once; false where the system cannot."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    done: int = call(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)
    return done == 0


def _recover(parent: Path, name: str) -> None:
    """Brings back or removes what killed processes left of the folder `name`."""
    literal, target = _literal(name), parent / name
    for earlier in parent.glob(f".{literal}.{HEX}.old"):
        if target.exists():
            shutil.rmtree(earlier, ignore_errors=True)
        else:
            earlier.rename(target)
    for stale in parent.glob(f".{literal}.{HEX}.tmp"):
        try:
            handle = os.open(stale, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(stale, ignore_errors=True)
        except OSError:  # another process is writing it
            pass
        finally:
            os.close(handle)


def _sync(path: Path) -> None:
    """Waits until a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that does not sync folders
            os.fsync(handle)
    finally:
        os.close(handle)


def _literal(name: str) -> str:
    """The name as a pattern that matches it alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
