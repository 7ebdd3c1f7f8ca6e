"""Locks between processes: a killed holder stops nobody, and who waits says for whom."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from mtlser.storage import lock
from mtlser.storage.work_folder import WorkFolder, opened

HOLD = """
import sys
from pathlib import Path
from mtlser.storage import lock
with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(path: Path, cwd: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock until its input ends, or it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(lock.__file__).parents[2])},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_killed_holder_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with another(path, tmp_path) as process:
        assert f"process {process.pid} on " in lock.holder(path)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with lock.held(path):
            assert f"process {os.getpid()} on " in lock.holder(path)


def test_a_waiting_process_says_once_for_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lock, "SAID_S", 0.01)
    path = tmp_path / ".lock"
    entered: list[bool] = []

    def wait() -> None:
        with lock.held(path):
            entered.append(True)

    with another(path, tmp_path) as process, caplog.at_level(logging.WARNING):
        said = f"waiting for process {process.pid} on "
        thread = Thread(target=wait)
        thread.start()
        while said not in caplog.text:
            thread.join(0.01)
        assert not entered
        assert process.stdin is not None
        process.stdin.close()
        thread.join(60)
    assert entered == [True]
    assert caplog.text.count(said) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "\0\0", "{}"])
def test_a_lock_without_a_readable_holder_is_somebodys(tmp_path: Path, content: str) -> None:
    (tmp_path / ".lock").write_text(content)
    assert lock.holder(tmp_path / ".lock") == "another process"
    with lock.held(tmp_path / ".lock"):
        assert f"process {os.getpid()}" in lock.holder(tmp_path / ".lock")


def test_a_relative_work_folder_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker, a link and a lock below it are found from any other folder."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with opened("work", "out") as work:
        plain = WorkFolder(Path("work"))
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert work.folder == plain.folder == tmp_path / "work"
        (work.folder / "state").touch()
    with opened("../work", "out") as again:
        assert (again.folder / "state").samefile(tmp_path / "work" / "state")
