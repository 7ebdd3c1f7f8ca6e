"""Starts `mtlser-pipeline`, whose code is the folders `pipeline/` and `components/`.

In a checkout they lie beside `mtlser/`. In a wheel they lie inside it, in `mtlser/_kubeflow/`, so
that an installation adds no other top-level package; they join the import path only of the
processes that this command starts.
"""

import importlib
import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def folder(package: Path = _PACKAGE) -> Path:
    """The folder that holds `pipeline/`, `components/` and `infra/profiles/`.

    Args:
        package: the folder of the installed `mtlser`.
    """
    packaged = package / "_kubeflow"
    return packaged if packaged.is_dir() else package.parent


def main() -> None:
    """Runs `mtlser-pipeline` with the arguments of this process."""
    place = str(folder())
    sys.path.insert(0, place)
    paths = (place, os.environ.get("PYTHONPATH"))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    importlib.import_module("pipeline.cli").main()
