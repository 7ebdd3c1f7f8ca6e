"""Runs tracked by a real MLflow server over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import recipe, tracking
from mtlser.tracking import mlflow_runs
from tests.helpers.servers import mlflow_server

RECIPE = recipe.load("demo")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    database = f"sqlite:///{tmp_path}/server.db"
    with mlflow_server(database, str(tmp_path / "kept"), tmp_path) as running:
        yield running.address


def test_a_server_over_http_keeps_runs_and_artifacts(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MTLSER_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setattr(mlflow_runs, "SETTLE_S", 0.0)
    with tracking.parent(RECIPE, "job") as run:
        child = run.child("a", "a")
        child.metrics({"ua": 0.5}, step=3)
    kept_run = MlflowClient(tracking_uri=server).get_run(str(child.id))
    assert kept_run.data.metrics == {"ua": 0.5}
    assert [retained.name for retained in (tmp_path / "kept").rglob("recipe.toml")] == [
        "recipe.toml"
    ]
