"""What the tests use of kfp beyond its public interface, and the product does not."""

import sys
from pathlib import Path
from types import FrameType, SimpleNamespace

import pytest


def user_context(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Puts the user's own settings of kfp at `path`."""
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(path))


def callers_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets kfp look up its callers' names alone.

    Their source lines, which it does not use, are looked for in every module: of a test session
    that has thousands, this is nine tenths of the time that a compilation takes.
    """
    monkeypatch.setattr("kfp.dsl.pipeline_task.inspect", SimpleNamespace(stack=_stack))


def _stack() -> list[tuple[None, None, None, str]]:
    """As `inspect.stack` gives it, but for the names all is left out."""
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame:
        found.append((None, None, None, frame.f_code.co_name))
        frame = frame.f_back
    return found
