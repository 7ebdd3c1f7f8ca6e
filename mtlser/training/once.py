"""Work that is done once: its folder is found again after a kill, and by whoever wants the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from mtlser.storage import lock
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import processes
from mtlser.training.checkpoint import Checkpoint

ResultT = TypeVar("ResultT")


def once(
    work: WorkFolder, name: str, make: Callable[[Path, Checkpoint], None], needs: str = ""
) -> Path:
    """The folder `name` of a work folder, made unless it is there.

    Of two that want the same one at once in one folder, the second waits and takes what the first
    has made.

    Args:
        work: where it is kept.
        name: says all that decides its content.
        make: writes it, whole, and keeps on the way what it goes on from after a kill; called in
            all processes of a training, of which the main one writes.
        needs: what the folder holds, lest it be made again: a part may have been removed.
    """
    team = processes.current()
    done = work.folder / name
    with _alone(done, team.main):
        there = team.main and work.restore_folder(name) and (done / needs).exists()
        if team.from_main(there):
            return done
        checkpoint = Checkpoint(work, f"{name}.part")
        make(done, checkpoint)
        if team.main and work.store_folder(name):
            checkpoint.remove()
        team.from_main(None)  # the others wait until it is there
    return done


def begun(work: WorkFolder, name: str, begin: Callable[[Checkpoint], ResultT]) -> ResultT | None:
    """What `begin` returns, which does a part of the work of `once`; `None` where all is done.

    Args:
        work: where it is kept.
        name: as `once` is given it, which goes on from there.
        begin: keeps on the way what the work goes on from.
    """
    with _alone(work.folder / name, main=True):
        if work.restore_folder(name):
            return None
        return begin(Checkpoint(work, f"{name}.part"))


@contextmanager
def _alone(done: Path, main: bool) -> Iterator[None]:
    """The block that no other process is in for the same folder."""
    done.parent.mkdir(parents=True, exist_ok=True)
    if not main:
        yield
        return
    with lock.held(done.with_name(f"{done.name}.lock")):
        yield
