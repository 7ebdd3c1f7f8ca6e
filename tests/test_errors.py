"""Errors come from a worker process as they were raised there."""

import copy
from pathlib import Path

import pytest

from mtlser.data.audio_file import AudioError
from mtlser.errors import (
    DamagedError,
    DeviceLostError,
    MtlserError,
    NoSpaceError,
    TooManyCellsError,
)
from pipeline.server.connection import ServerError

FULL = NoSpaceError("the disk is full")
FULL.place = Path("out")
RAISED = (
    MtlserError("wrong"),
    TooManyCellsError("200 cells", 120),
    DamagedError(Path("state"), "cut"),
    DeviceLostError("the GPU is gone"),
    AudioError("silent", Path("a.wav"), "only zeros"),
    ServerError("not found", 404),
    FULL,
)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_is_passed_between_processes_whole(error: MtlserError) -> None:
    passed = copy.copy(error)  # by the same method as between processes
    assert type(passed) is type(error)
    assert str(passed) == str(error)
    assert vars(passed) == vars(error)
    assert passed.exit_code == error.exit_code
