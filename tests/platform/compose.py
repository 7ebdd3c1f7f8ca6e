"""`infra/compose.yaml`, started under a name of its own.

Where the images of PostgreSQL and SeaweedFS cannot be pulled, stand-ins take their place: the same
servers, which read the same variables, from Debian and PyPI.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass
class Composed:
    """The services, under a project's name of their own."""

    name: str
    port: int
    files: tuple[Path, ...]

    @property
    def address(self) -> str:
        """MLflow's, on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """`docker compose` for these services."""
        given = [flag for file in self.files for flag in ("-f", str(file))]
        return [tool("docker-compose"), "-p", self.name, *given]

    @property
    def environment(self) -> dict[str, str]:
        """What the command needs to run."""
        return {**os.environ, **SECRETS}

    def __call__(self, *words: str) -> str:
        """What `docker compose` says."""
        done = subprocess.run(
            [*self.command, *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr[-3000:]}"
        return done.stdout

    def start(self) -> None:
        """Starts the services; returns once MLflow answers."""
        self("up", "--detach", "--wait", "--no-build", "--pull", "never")
        self.answers()

    def answers(self) -> None:
        """Returns once MLflow answers."""
        until(lambda: status(f"{self.address}/health"), "MLflow answers", 240)

    def states(self) -> dict[str, str]:
        """Health of each service that stays, by name."""
        listed = self("ps", "--format", "json").strip()
        rows = json.loads(listed) if listed.startswith("[") else map(json.loads, listed.split("\n"))
        return {row["Service"]: row["Health"] for row in rows}


@contextmanager
def composition(engine: Any, folder: Path) -> Iterator[Composed]:
    """The services, started; nothing is left of them afterwards."""
    folder.mkdir(exist_ok=True)
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
