"""How both commands begin and end: version, one line of error, exit codes."""

import errno
import logging
import sys
from collections.abc import Callable

import pytest
import typer

from mtlser import recipe as recipes
from mtlser.cli import app, entry
from mtlser.errors import MtlserError
from pipeline import cli as pipeline_cli

MAINS = {"mtlser": app.main, "mtlser-pipeline": pipeline_cli.main}


def fails(error: BaseException) -> Callable[..., None]:
    def raised(*_: object, **__: object) -> None:
        raise error

    return raised


@pytest.mark.parametrize("name", MAINS)
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x"), 1, "make room"),
        (OSError(errno.EACCES, "Permission denied", "x"), 2, "x: Permission denied; give another"),
        (MtlserError("two\nlines of https://user:word@host"), 2, "two lines of https://host"),
    ],
)
def test_both_commands_end_alike(
    name: str,
    error: BaseException,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = {"mtlser": ["recipes", "demo"], "mtlser-pipeline": ["run", "--recipe", "demo"]}[name]
    monkeypatch.setattr(sys, "argv", [name, *command])
    monkeypatch.setattr(recipes, "load", fails(error))
    with pytest.raises(SystemExit) as ended:
        MAINS[name]()
    err = capsys.readouterr().err
    assert ended.value.code == code
    assert err.startswith(f"{name}: ") and words in err and err.count("\n") == 1


@pytest.mark.parametrize("name", MAINS)
def test_the_version_is_printed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--version"])
    monkeypatch.setenv("MTLSER_COMMIT", "abc123")
    with pytest.raises(SystemExit) as ended:
        MAINS[name]()
    assert ended.value.code == 0
    assert "commit abc123" in capsys.readouterr().out


def test_what_the_library_logs_goes_to_stderr_once_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = typer.Typer()

    @commands.command()
    def one() -> None:
        logging.getLogger("mtlser").info("read from https://user:word@host")

    monkeypatch.setattr(sys, "argv", ["one"])
    for _ in range(2):
        with pytest.raises(SystemExit):
            entry.start(commands, "one")
    assert capsys.readouterr() == ("", 2 * "read from https://host\n")
