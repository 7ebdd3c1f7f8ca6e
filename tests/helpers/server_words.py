"""Runs `mtlser-pipeline` in this process, for tests of what it says and how it ends."""

import contextlib
import functools
import io
import sys
from dataclasses import dataclass
from unittest import mock

from pipeline import cli
from pipeline.server import packages

CLUSTER = ("--recipe", "emodb", "--set", "data.root=s3://corpora/emodb", "--image", "r/i@sha256:1")
_build = functools.cache(packages.build)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def command(*words: str) -> Done:
    """The ended command; DAGs are compiled once."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["mtlser-pipeline", *words]),
        mock.patch.object(packages, "build", _build),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
