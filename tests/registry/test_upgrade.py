"""What an earlier version wrote is read: its MLflow database, its registry, its recipe.

`tests/examples/earlier` was written by mtlser of 28 November 2026 (commit 92b4eb0) with MLflow
3.16.1, the minor version before the one that is pinned: two registrations, the second promoted.
Copies that MLflow keeps of metrics and parameters are left out, and so are the artifacts.
"""

import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import recipe as recipes
from mtlser.registry import champions, figures, retention
from mtlser.tracking import mlflow_uris
from tests.helpers.house import ROOT

EARLIER = ROOT / "tests" / "examples" / "earlier"
NAME = "mtlser"
TABLES = ("runs", "params", "tags", "latest_metrics", "model_versions", "model_version_tags")


def rows(database: Path) -> dict[str, int]:
    """How many rows each table has."""
    connection = sqlite3.connect(database)
    counted = {
        table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES
    }
    connection.close()
    return counted


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The earlier version's database, as it was."""
    path = tmp_path / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.executescript((EARLIER / "mlflow-3.16.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


@pytest.fixture
def upgraded(database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address after the step of docs/upgrade.md."""
    address = f"sqlite:///{database}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.delenv("MTLSER_TRACKING", raising=False)
    before = rows(database)
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert rows(database) == before
    return address


def test_the_example_is_of_the_minor_version_before_the_pinned_one() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (pinned,) = re.findall(r"^mlflow==(\d+\.\d+)", pins, re.MULTILINE)
    major, minor = map(int, pinned.split("."))
    (path,) = EARLIER.glob("mlflow-*.sql")
    assert path.name == f"mlflow-{major}.{minor - 1}.sql"


def test_registry_and_runs_of_the_earlier_version_are_read(upgraded: str) -> None:
    client = MlflowClient(upgraded, registry_uri=upgraded)
    assert champions.present(client, NAME) == 2
    assert champions.history(client, NAME) == [1, 2]
    version = mlflow_uris.version(f"models:/{NAME}@champion")
    assert (version.number, version.alias) == (2, "champion")
    assert re.fullmatch(r"[0-9a-f]{64}", version.model_sha256)
    (champion,) = figures.present_champions(upgraded)
    assert (champion.model, champion.version) == (NAME, 2)
    assert champion.since_s is not None
    (runs,) = figures.pipeline_runs(upgraded)
    assert runs.open == 0
    assert client.get_run(version.run_id).data.tags["mtlser.recipe"] == "made-up"


def test_a_roll_back_to_the_earlier_version_s_champion(upgraded: str) -> None:
    client = MlflowClient(upgraded, registry_uri=upgraded)
    done = champions.rollback(client, NAME, reason="after the upgrade")
    assert (done.left, done.champion) == (2, 1)
    assert champions.present(client, NAME) == 1
    old = retention.old_runs(upgraded, datetime.now(UTC) + timedelta(days=1))
    assert all(not each.versions for each in old), "a champion's run stays"


def test_its_recipe_has_the_hash_that_the_registry_says(upgraded: str) -> None:
    """Keys that are new since then are at their defaults and change no hash."""
    recipe = recipes.load(str(EARLIER / "recipe.toml"))
    assert recipe.hash == MlflowClient(upgraded).get_model_version(NAME, "1").tags["recipe_hash"]
