"""The engine and the servers, once for all platform tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform import docker_engine, tally
from tests.platform.docker_engine import Platform

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is in this folder: `make test` leaves it to `make test-platform`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("platform")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what became of the faults."""
    for line in tally.lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """A running Docker Engine that has the project's image."""
    held = docker_engine.client()
    yield held
    held.close()


@pytest.fixture(scope="session")
def platform(engine: Any) -> Iterator[Platform]:
    """PostgreSQL, SeaweedFS and MLflow's server on a private network."""
    with docker_engine.platform(engine) as held:
        yield held
