"""Work that is done once: its folder is found again after a kill, and by whoever wants the same."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from mtlser.storage import lock
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import processes
from mtlser.training.checkpoint import Checkpoint


def once(work: WorkFolder, name: str, make: Callable[[Path, Checkpoint], None]) -> Path:
    """The folder `name` of a work folder, made unless it is there.

    Of two that want the same one at once in one folder, the second waits and takes what the first
    has made.

    Args:
        work: where it is kept.
        name: says all that decides its content.
        make: writes it, whole, and keeps on the way what it goes on from after a kill; called in
            all processes of a training, of which the main one writes.
    """
    team = processes.current()
    done = work.folder / name
    done.parent.mkdir(parents=True, exist_ok=True)
    with lock.held(done.with_name(f"{done.name}.lock")) if team.main else nullcontext():
        if team.from_main(team.main and work.restore_folder(name)):
            return done
        checkpoint = Checkpoint(work, f"{name}.part")
        make(done, checkpoint)
        if team.main and work.store_folder(name):
            checkpoint.remove()
        team.from_main(None)  # the others wait until it is there
    return done
