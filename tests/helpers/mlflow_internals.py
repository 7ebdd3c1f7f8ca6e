"""What the tests use of MLflow beyond its public interface, and the product does not."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.store.db import utils as databases
from mlflow.utils import validation

_rules: Any = validation
_databases: Any = databases


def check_model_name(name: str) -> None:
    """Raises what MLflow raises of a registered model's name."""
    _rules._validate_model_name(name)


def check_metric(name: str) -> None:
    """Raises what MLflow raises of a metric's name."""
    _rules._validate_metric(name, 0.5, 0, 0)


def migrate_once(monkeypatch: pytest.MonkeyPatch, template: Path) -> None:
    """Makes new SQLite databases of this process copies of the first: migrations take seconds.

    Args:
        monkeypatch: of the session.
        template: the file to keep the first in.
    """
    migrated = _databases._initialize_tables

    def initialize(engine: Any) -> None:
        if engine.dialect.name != "sqlite" or not _databases._is_empty_database(engine):
            migrated(engine)
        elif template.exists():
            _copy(template, Path(engine.url.database))
        else:
            migrated(engine)
            _copy(Path(engine.url.database), template)

    monkeypatch.setattr(_databases, "_initialize_tables", initialize)


def _copy(given: Path, place: Path) -> None:
    with closing(sqlite3.connect(given)) as source, closing(sqlite3.connect(place)) as target:
        source.backup(target)
