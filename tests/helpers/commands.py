"""The command line, run in this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlser.cli import app

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command line in a temporary folder; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.setenv("MTLSER_TRACKING", "off")

    def called(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mtlser", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            app.main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return called


def refused(outcome: tuple[int, str, str], *output: str) -> None:
    """One sentence on stderr, exit code 2, no traceback."""
    code, _, err = outcome
    assert code == 2, err
    assert err.startswith("mtlser: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for words in output:
        assert words in err
