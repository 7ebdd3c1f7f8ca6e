"""What the commands print reaches a terminal or a pipe of any encoding."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from mtlser import runtime
from mtlser.cli import app, show
from pipeline import cli as pipeline_cli
from tests.helpers.corpus_releases import write_iemocap
from tests.helpers.house import ROOT

Main = Callable[[], None]
NAME = "gr\u00fcn \N{GRINNING FACE}"
HELPS = [
    (main, name, command)
    for main, name, commands in (
        (app.main, "mtlser", app.app),
        (pipeline_cli.main, "mtlser-pipeline", pipeline_cli.app),
    )
    for command in ("", *typer.main.get_command(commands).commands)  # type: ignore[attr-defined]
]


def narrow(encoding: str, monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """What is printed from now on, on streams that refuse what their encoding lacks."""
    written = io.BytesIO()
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(written, encoding=encoding, write_through=True)
        monkeypatch.setattr(sys, name, stream)
    return written


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(("main", "name", "command"), HELPS)
def test_every_help_is_printed(
    main: Main, name: str, command: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = narrow(encoding, monkeypatch)
    monkeypatch.setattr(sys, "argv", list(filter(None, [name, command, "--help"])))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert b"Usage:" in written.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_tables_logs_and_errors_escape_what_the_encoding_lacks(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = narrow(encoding, monkeypatch)
    runtime.print_anything()
    runtime.show_log()
    show.table(("file",), [(NAME,)])
    logging.getLogger("mtlser").info("%s", NAME)
    sys.stderr.write("a name that is no text: \udce9")
    printed = written.getvalue()
    assert printed.count(rb"\U0001f600") == 2
    assert rb"\udce9" in printed


def test_streams_that_are_no_files_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", None)
    runtime.print_anything()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("module", ["mtlser", "pipeline.cli"])
def test_a_command_ends_well_in_a_real_process(module: str, encoding: str, tmp_path: Path) -> None:
    given = ["compile", "--out", NAME]
    if module == "mtlser":
        release = str(write_iemocap(tmp_path / NAME))
        given = ["ingest", "--corpus", "iemocap", "--root", release, "--out", f"{NAME} corpus"]
    done = subprocess.run(
        [sys.executable, "-m", module, *given],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"gr" in done.stdout
