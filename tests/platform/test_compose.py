"""`infra/compose.yaml` for real: it starts, keeps what it is told, and loses nothing by a restart.

Where the images of PostgreSQL and SeaweedFS cannot be pulled, stand-ins take their place: the same
servers, which read the same variables, from Debian and PyPI.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.helpers.infra import INFRA, tool
from tests.helpers.servers import free_port, status, until
from tests.platform import docker_engine

OVERRIDE = """
services:
  postgres: {image: POSTGRES}
  s3: {image: SEAWEEDFS}
  mlflow:
    ports: !override ["127.0.0.1:PORT:5000"]
"""
SECRETS = {"POSTGRES_PASSWORD": "p" * 20, "S3_ACCESS_KEY": "a" * 20, "S3_SECRET_KEY": "k" * 40}
pytestmark = pytest.mark.timeout(600)


@dataclass
class Composed:
    """The services, under a project's name of their own."""

    name: str
    port: int
    files: tuple[Path, ...]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __call__(self, *words: str) -> str:
        """What `docker compose` says."""
        given = [flag for file in self.files for flag in ("-f", str(file))]
        done = subprocess.run(
            [tool("docker-compose"), "-p", self.name, *given, *words],
            env={**os.environ, **SECRETS}, capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr[-3000:]}"
        return done.stdout

    def start(self) -> None:
        self("up", "--detach", "--wait", "--no-build", "--pull", "never")
        until(lambda: status(f"{self.address}/health"), "MLflow answers", 240)

    def states(self) -> dict[str, str]:
        """Health of each service that stays, by name."""
        listed = self("ps", "--format", "json").strip()
        rows = json.loads(listed) if listed.startswith("[") else map(json.loads, listed.split("\n"))
        return {row["Service"]: row["Health"] for row in rows}


@pytest.fixture(scope="module")
def composed(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("compose")
    images = docker_engine.stand_ins(engine)
    port = free_port()
    override = folder / "override.yaml"
    text = OVERRIDE
    for name, value in {**images, "PORT": str(port)}.items():
        text = text.replace(name, value)
    override.write_text(text)
    held = Composed(f"mtlser-{uuid.uuid4().hex[:8]}", port, (INFRA / "compose.yaml", override))
    try:
        held.start()
        yield held
    finally:
        held("down", "--volumes", "--timeout", "5")


def tracked(address: str, run: str) -> tuple[float, list[str]]:
    """What MLflow knows of a run: its metric and its artifacts."""
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    result = client.get_run(run)
    return result.data.metrics["ua"], [each.path for each in client.list_artifacts(run)]


def test_the_services_are_healthy_and_keep_runs_over_a_restart(
    composed: Composed, tmp_path: Path
) -> None:
    until(lambda: set(composed.states().values()) == {"healthy"}, "all are healthy", 120)
    assert set(composed.states()) == {"mlflow", "postgres", "s3"}
    client = MlflowClient(tracking_uri=composed.address, registry_uri=composed.address)
    run = client.create_run(client.create_experiment("mtlser/emodb")).info.run_id
    client.log_metric(run, "ua", 0.5)
    (tmp_path / "report.html").write_text("<p>a report</p>")
    client.log_artifact(run, str(tmp_path / "report.html"))
    query = f"select value from latest_metrics where run_uuid = '{run}'"
    outcome = composed("exec", "-T", "postgres", "psql", "-U", "mlflow", "-tAc", query, "mlflow")
    assert outcome.strip() == "0.5"
    keys = "import boto3; print(boto3.client('s3').list_objects_v2(Bucket='mlflow')['Contents'])"
    assert f"{run}/artifacts/report.html" in composed("exec", "-T", "mlflow", "python", "-c", keys)

    composed("down", "--timeout", "20")
    composed.start()
    assert tracked(composed.address, run) == (0.5, ["report.html"])
