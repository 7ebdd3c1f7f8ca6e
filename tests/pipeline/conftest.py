"""The DAGs, compiled once for the tests of this folder."""

from pathlib import Path

import pytest

from pipeline.dags import compile as compiling
from pipeline.dags import profile as profiles
from tests.helpers.compiled_dags import IMAGE
from tests.helpers.local_runs import machine

__all__ = ["compiled", "machine"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Every DAG in every profile."""
    folder = tmp_path_factory.mktemp("ir")
    return {
        profile: {path.stem: path for path in compiling.write(folder / profile, IMAGE, profile)}
        for profile in profiles.names()
    }
