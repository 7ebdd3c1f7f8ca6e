"""Writes that are killed at half of their bytes, by themselves and two at a time."""

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlser import files
from mtlser.errors import MtlserError, NoSpaceError
from tests.helpers.writers import WRITERS, text


def forked(action: Callable[[], object]) -> int:
    """Process id of a copy of this process that does the action and ends."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return child


def ended(child: int) -> int:
    """Exit code of a process; minus the signal's number where one killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def limited(size: int, action: Callable[[], object]) -> None:
    """Does the action; the kernel ends this process once a file has more than `size` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    action()


def content(folder: Path) -> dict[str, bytes]:
    """Bytes of every file but those under a temporary, hidden name, and earlier versions."""
    result = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in result.items()
        if not any(part.startswith(".") and ".tmp" in part for part in name.parts)
        and name.suffix != ".earlier"
    }


def written(folder: Path, write: Callable[[Path, int], object], version: int) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    write(folder, version)
    return content(folder)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("earlier", [True, False], ids=["over an old one", "over none"])
def test_a_write_killed_at_half_of_its_bytes_leaves_the_old_or_none(
    tmp_path: Path, name: str, earlier: bool
) -> None:
    write = WRITERS[name]
    old = written(tmp_path / "old", write, 0) if earlier else {}
    if earlier:
        shutil.copytree(tmp_path / "old", tmp_path / "target")
    both = written(tmp_path / "new", write, 1)
    (tmp_path / "target").mkdir(exist_ok=True)
    half = max(map(len, both.values())) // 2
    child = forked(lambda: limited(half, lambda: write(tmp_path / "target", 1)))
    assert ended(child) == -signal.SIGXFSZ
    after = content(tmp_path / "target")
    assert after.keys() >= old.keys()
    for path, seen in after.items():
        assert seen in (old.get(path), both.get(path)), path
    assert any(after.get(path) != new for path, new in both.items()), "it was killed before its end"
    write(tmp_path / "target", 1)
    assert content(tmp_path / "target").keys() == {*old, *both}
    assert not [path for path in (tmp_path / "target").rglob("*") if ".tmp" in path.name]


def test_two_writers_of_one_file_that_are_both_killed_leave_the_old(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    files.write_text(target, text(0))
    seen, output = os.pipe()

    def write() -> None:
        with files.atomic_file(target) as temporary, temporary.open("w") as file:
            file.write(text(1)[:4000])
            file.flush()
            os.write(output, b"x")
            signal.pause()

    children = [forked(write) for _ in range(2)]
    for _ in children:
        assert os.read(seen, 1) == b"x"
    assert len(list(tmp_path.iterdir())) == 3, "each has a file of its own"
    for child in children:
        os.kill(child, signal.SIGKILL)
        assert ended(child) == -signal.SIGKILL
    assert target.read_text() == text(0)
    files.write_text(target, text(1))
    assert target.read_text() == text(1)
    os.close(seen)
    os.close(output)


@pytest.mark.parametrize("swaps", [True, False], ids=["swapped at once", "in two steps"])
@pytest.mark.parametrize("last", range(4))
def test_a_folder_that_is_replaced_is_there_at_any_time_or_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: bool, last: int
) -> None:
    """Killed before each of its renames and before the old one is deleted."""
    target, left = tmp_path / "folder", [last]
    WRITERS["folder"](tmp_path, 0)
    rename, remove = Path.rename, shutil.rmtree

    def write() -> None:
        def mortal(path: Path, other: Path) -> Path:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(path, other)

        def remove_then_die(path: Path, ignore_errors: bool = False) -> None:
            remove(path, ignore_errors=ignore_errors)
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(Path, "rename", mortal)
        monkeypatch.setattr(shutil, "rmtree", remove_then_die)
        if not swaps:
            monkeypatch.setattr(files, "_exchanged", lambda *_: False)
        WRITERS["folder"](tmp_path, 1)

    assert ended(forked(write)) == -signal.SIGKILL
    if swaps:
        assert (target / "file").read_text() in {text(0), text(1)}
    with files.scratch_folder(tmp_path, "folder"):
        assert (target / "file").read_text() in {text(0), text(1)}
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_nothing_and_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    files.write_text(target, "old")
    with pytest.raises(RuntimeError), files.atomic_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    with (
        pytest.raises(NoSpaceError, match=r"no space left on its disk.*as --work"),
        files.atomic_file(target, flag="--work") as temporary,
    ):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "old"


def test_a_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("old")
    with pytest.raises(MtlserError, match="cannot be written"):
        files.replace_folder(tmp_path / "a", tmp_path / "b" / "c")
    assert (tmp_path / "b").read_text() == "old"


def test_files_and_folders_have_the_modes_that_the_user_asks_for(tmp_path: Path) -> None:
    """Others of a team read a corpus: temporary files of Python's own are their owner's alone."""
    before = os.umask(0o002)
    try:
        files.write_text(tmp_path / "one.txt", "x")
        with files.atomic_folder(tmp_path / "two") as folder:
            (folder / "three.txt").write_text("x")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"one.txt": 0o664, "two": 0o775, "three.txt": 0o664}
