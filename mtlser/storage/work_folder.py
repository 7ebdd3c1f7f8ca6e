"""The folder for what outlives a killed stage, with a copy on S3 where its disk does not.

A stage works on local files. Where the work folder has a mirror, what is stored is uploaded, and
a stage that starts on an empty disk downloads it from there.
"""

import logging
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mtlser import files, storage
from mtlser.errors import DamagedError, MtlserError
from mtlser.storage import checked
from mtlser.storage.s3 import clean
from mtlser.storage.s3 import files as s3_files
from mtlser.storage.s3.upload import upload

log = logging.getLogger(__name__)

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class WorkFolder:
    """A local folder, and the `s3://` address of its copy; empty: no copy."""

    folder: Path
    mirror: str = ""
    _behind: list[str] = field(default_factory=list, repr=False, compare=False)
    """Files that the mirror has yet to get, oldest first."""

    def __post_init__(self) -> None:
        # A link or a lock below a relative folder would lead elsewhere from another one.
        object.__setattr__(self, "folder", self.folder.absolute())

    def store(self, name: str) -> None:
        """Makes the file `name` outlive this machine.

        What the mirror was away for goes up first: no file there names one that is not.
        """
        if self.mirror:
            self._behind[:] = [*(other for other in self._behind if other != name), name]
            self._mirrored(self._catch_up)

    def first_good(
        self, name: str, read: Callable[[Path], ValueT], problems: list[DamagedError]
    ) -> ValueT | None:
        """What `read` makes of the file `name`: as it is here, on the mirror, or was before.

        The copy that is read is the file afterwards.

        Args:
            name: the file.
            read: raises `DamagedError` for a copy that is not as it was written.
            problems: gets what was wrong with the copies before that one.

        Returns:
            `None` where no copy is good, or there is none.
        """
        for path in self._copies(name):
            try:
                return read(path)
            except DamagedError as error:
                problems.append(error)
        return None

    def _copies(self, name: str) -> Iterator[Path]:
        """Yields the path of `name` once for each copy, which has taken its place there."""
        path = self.folder / name
        if path.is_file():
            yield path
        if self.mirror and s3_files.get(f"{self.mirror}/{name}", path):
            yield path
        if files.earlier(path).is_file():
            files.earlier(path).replace(path)
            yield path

    def delete(self, name: str, *, here: bool = True) -> None:
        """Deletes the file `name` on the mirror and, unless it is to stay here, on this disk."""
        if here:
            (self.folder / name).unlink(missing_ok=True)
            files.earlier(self.folder / name).unlink(missing_ok=True)
        self._behind[:] = [other for other in self._behind if other != name]

        def delete() -> None:
            self._catch_up()
            s3_files.delete(f"{self.mirror}/{name}")

        self._mirrored(delete)

    def store_folder(self, name: str) -> bool:
        """Makes a finished folder outlive this machine, whole; false where that failed."""
        return self._mirrored(lambda: upload(self.folder / name, f"{self.mirror}/{name}"))

    def restore_folder(self, name: str) -> bool:
        """True where the finished folder `name` is there, after taking it from the mirror.

        A damaged one is removed; the mirror's copy takes its place, if that is as it was written.
        """
        folder = self.folder / name
        if folder.is_dir() and not _whole(folder):
            with files.scratch_folder(folder.parent, folder.name) as scratch:
                folder.rename(scratch / folder.name)  # a killed removal leaves no half of it
        if not folder.is_dir() and self.mirror and s3_files.holds(f"{self.mirror}/{name}"):
            stored = storage.fetch(f"{self.mirror}/{name}")
            if _whole(stored):
                folder.parent.mkdir(parents=True, exist_ok=True)
                with files.atomic_folder(folder) as copy:
                    shutil.copytree(stored, copy, dirs_exist_ok=True)
        return folder.is_dir()

    def _catch_up(self) -> None:
        """Uploads what the mirror has yet to get."""
        while self._behind:
            name = self._behind[0]
            s3_files.put(self.folder / name, f"{self.mirror}/{name}")
            self._behind.remove(name)

    def _mirrored(self, action: Callable[[], None]) -> bool:
        """Does what the mirror asks for; one that is away is told of, and no reason to stop."""
        if self.mirror:
            try:
                action()
            except MtlserError as error:
                log.warning("not mirrored: %s", error)
                return False
        return True


def _whole(folder: Path) -> bool:
    """Whether a finished folder is as it was written; says so where it is not."""
    try:
        checked.verify_folder(folder)
    except DamagedError as error:
        log.warning("%s: damaged (%s); it is not used", error.path, error.problem)
        return False
    return True


@contextmanager
def opened(work: str, out: str, *, main: bool = True) -> Iterator[WorkFolder]:
    """The work folder of a stage.

    Args:
        work: a folder, or an `s3://` address to mirror a folder of the cache to, which both stay;
            empty: a folder named by `out`, deleted when the block succeeds.
        out: where the stage writes.
        main: false in the processes that only help: they keep nothing.
    """
    if not main:
        with temporary() as folder:
            yield WorkFolder(folder)
        return
    mirror = work.rstrip("/") if storage.is_s3(work) else ""
    with storage.work(work, out) as folder:
        yield WorkFolder(folder, mirror)


def usable(address: str) -> str:
    """The `s3://` address, where this process may write; else empty, and a warning says why."""
    probe = f"{address}/.probe-{uuid.uuid4().hex[:12]}"
    try:
        with temporary() as folder:
            (folder / "probe").touch()
            s3_files.put(folder / "probe", probe)
        s3_files.delete(probe)
    except MtlserError as error:
        log.warning("checkpoints do not outlive this machine: %s", error)
        return ""
    return address


def remove(address: str) -> None:
    """Deletes all that a work folder's copy at an `s3://` address holds.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    clean.delete(address)


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mtlser-") as folder:
        yield Path(folder)
