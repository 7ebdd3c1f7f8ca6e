"""Runs tracked by a real MLflow server over HTTP."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import mlflow_runs, recipe, tracking

RECIPE = recipe.load("demo")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "kept")]
    with (tmp_path / "server.log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _answering(f"http://127.0.0.1:{port}", running)
    finally:
        os.killpg(running.pid, 15)
        running.wait()


def _answering(address: str, running: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return address
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError("the MLflow server did not start")


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
    assert [kept.name for kept in (tmp_path / "kept").rglob("recipe.toml")] == ["recipe.toml"]
