"""Where a search's list of trainings is kept, for tests of it: a journal and a database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.servers import postgres


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as server:
        yield server.uri


@pytest.fixture(params=["journal", "database"])
def address(request: pytest.FixtureRequest) -> str:
    """Of the database, or none for the journal."""
    return str(request.getfixturevalue("database")) if request.param == "database" else ""


@pytest.fixture
def names(tmp_path: Path) -> dict[int, str]:
    """Studies of the test's own."""
    return {fold: f"{tmp_path.name} fold {fold}" for fold in (0, 1)}
