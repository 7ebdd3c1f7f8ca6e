"""The DAGs, compiled once for the tests of this folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.dags import profile as profiles
from tests.helpers.compiled_dags import IMAGE
from tests.helpers.local_runs import machine

__all__ = ["compiled", "machine"]

ROOT = Path(__file__).parents[2]
COMPILE = """
import sys
from pathlib import Path
from pipeline.dags import compile as compiling
from pipeline.dags import profile as profiles
for profile in profiles.names():
    compiling.write(Path(sys.argv[1]) / profile, sys.argv[2], profile)
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Every DAG in every profile, compiled in a process of its own.

    kfp asks `inspect` for the stack at each setting of a task, and `inspect` looks through all
    modules for each frame without a file: minutes in a worker that has imported everything.
    """
    folder = tmp_path_factory.mktemp("ir")
    subprocess.run([sys.executable, "-c", COMPILE, str(folder), IMAGE], cwd=ROOT, check=True)
    return {
        profile: {path.stem: path for path in sorted((folder / profile).iterdir())}
        for profile in profiles.names()
    }
