"""Attempts at a step of Kubeflow: what is tried again, what is not, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtlser.errors import MtlserError, NoSpaceError
from mtlser.runtime import ATTEMPT_S, PAUSE_S, RETRIES
from mtlser.stages import attempts
from mtlser.stages.attempts import AttemptsFailedError, Policy

TWICE = Policy(retries=2, pause_s=0.0, attempt_s=None)


def counted(notes: str) -> int:
    """Notes a call; how many there were."""
    with Path(notes).open("a", encoding="utf-8") as file:
        file.write("x")
    return Path(notes).stat().st_size


def well(notes: str, more: int = 0) -> list[int]:
    return [counted(notes), more]


def mistaken(notes: str) -> None:
    counted(notes)
    raise MtlserError("alpha = 7: expected 0 to 1")


def ill(notes: str, how: str, good_at: int = 9) -> str:
    if counted(notes) >= good_at:
        return "well"
    if how == "killed beside a process" and os.fork() == 0:
        time.sleep(20)  # holds what the attempt answers by
        os._exit(0)
    if how.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "late":
        time.sleep(600)
    if how == "full":
        raise NoSpaceError("/out: no room")
    if how == "away":
        try:
            raise ConnectionRefusedError("http://user:word@mlflow")
        except ConnectionRefusedError:
            raise MtlserError("MLflow is away") from None
    raise ZeroDivisionError("http://user:word@host a bug of ours")


def test_a_result_comes_back_as_it_is(tmp_path: Path) -> None:
    assert attempts.run(TWICE, well, str(tmp_path / "n"), more=3) == [1, 3]


def test_a_mistake_is_told_and_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="alpha = 7: expected 0 to 1"):
        attempts.run(TWICE, mistaken, str(tmp_path / "n"))
    assert (tmp_path / "n").read_text() == "x"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("bug", "ill crashed; tried again in 0 s (2 left)"),
        ("full", "ill crashed"),
        ("away", "ill crashed"),
        ("killed", "ill was killed by signal 9, for want of memory most likely; tried again"),
        ("killed beside a process", "ill was killed by signal 9"),
    ],
)
def test_a_crash_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, told: str
) -> None:
    assert attempts.run(TWICE, ill, str(tmp_path / "n"), how, good_at=2) == "well"
    assert (tmp_path / "n").read_text() == "xx"
    assert told in caplog.text


def crowded(notes: str, how: str) -> str:
    """Starts a process of its own, as a search does its workers, before it ends."""
    with Path(notes).open("a", encoding="utf-8") as file:
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        file.write(f"{left.pid}\n")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "late":
        time.sleep(600)
    return "well"


@pytest.mark.parametrize("how", ["killed", "late", "well"])
def test_what_an_attempt_has_started_ends_with_it(tmp_path: Path, how: str) -> None:
    """Else it keeps its memory, and the container, which waits for its output, never ends."""
    notes, once = tmp_path / "n", Policy(retries=1, pause_s=0.0, attempt_s=6.0)
    if how == "well":
        assert attempts.run(once, crowded, str(notes), how) == "well"
    else:
        with pytest.raises(AttemptsFailedError):
            attempts.run(once, crowded, str(notes), how)
    started = notes.read_text().split()
    assert len(started) == (1 if how == "well" else 2)
    for pid in started:
        assert ended(int(pid)), pid


def ended(pid: int) -> bool:
    """Whether a process is gone, or is a zombie, soon."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except FileNotFoundError:
            return True
        if state[0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_an_attempt_that_takes_too_long_is_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    impatient = Policy(retries=1, pause_s=0.0, attempt_s=6.0)
    assert attempts.run(impatient, ill, str(tmp_path / "n"), "late", good_at=2) == "well"
    assert "ill took longer than 0:06 and was ended; tried again in 0 s (1" in caplog.text


def test_the_last_crash_ends_the_step_and_shows_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    once = Policy(retries=1, pause_s=0.0, attempt_s=None)
    with pytest.raises(AttemptsFailedError, match="ill crashed; it was attempt 2, the last"):
        attempts.run(once, ill, str(tmp_path / "n"), "bug")
    told = capfd.readouterr().err
    assert told.count("ZeroDivisionError: http://host a bug of ours") == 2
    assert "word" not in told


def test_the_pauses_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(attempts, "_once", lambda *_: (None, "ill crashed"))
    with pytest.raises(AttemptsFailedError):
        attempts.run(Policy(3, 60.0, None), ill, "", "bug")
    assert slept == [60.0, 120.0, 240.0]


def test_the_environment_says_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (RETRIES, PAUSE_S, ATTEMPT_S):
        monkeypatch.delenv(name, raising=False)
    assert Policy.read() is None
    monkeypatch.setenv(RETRIES, "2")
    assert Policy.read() == Policy(2, 0.0, None)
    monkeypatch.setenv(PAUSE_S, "60")
    monkeypatch.setenv(ATTEMPT_S, "3600")
    assert Policy.read() == Policy(2, 60.0, 3600.0)
