"""The Docker Engine of the platform tests, and containers on a private network of it."""

import io
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException, ImageNotFound, NotFound
from kfp import local

from components import IMAGE
from tests.helpers.infra import tool
from tests.helpers.servers import status, until

BASE = "mtlser-base:local"
POSTGRES = """
FROM {base}
USER root
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql \\
 && groupadd -g 999 database && useradd -u 999 -g 999 database \\
 && install -d -o 999 -g 999 /var/lib/postgresql/data /var/run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
COPY entry.sh /entry.sh
USER 999
ENTRYPOINT ["bash", "/entry.sh"]
"""
SEAWEEDFS = """
FROM {base}
USER root
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends wget
COPY weed /usr/local/bin/weed
"""


def client() -> Any:
    """The engine's client.

    Skips the test where no engine runs, or it has not the project's image.
    """
    try:
        engine = docker.from_env(timeout=600)
        engine.ping()
    except DockerException as error:
        pytest.skip(f"no Docker Engine runs: {error}")
    try:
        engine.images.get(IMAGE)
    except ImageNotFound:
        pytest.skip(f"{IMAGE} is not built: make image")
    return engine


def build(engine: Any, tag: str, recipe: str, files: Mapping[str, Path] | None = None) -> None:
    """Builds an image from a Dockerfile's text and some files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        text = recipe.format(base=BASE).encode()
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
        for name, path in (files or {}).items():
            archive.add(path, name)
    stream.seek(0)
    engine.images.build(fileobj=stream, custom_context=True, tag=tag, network_mode="host", rm=True)


@dataclass
class Platform:
    """PostgreSQL, SeaweedFS and MLflow's server, each in a container, without a way out."""

    engine: Any
    network: Any
    secret: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def gateway(self) -> str:
        """This machine, as the containers see it."""
        self.network.reload()
        return str(self.network.attrs["IPAM"]["Config"][0]["Gateway"])

    def address(self, name: str) -> str:
        """A container's address, as this machine sees it."""
        held = self.engine.containers.get(self.full(name))
        return str(held.attrs["NetworkSettings"]["Networks"][self.network.name]["IPAddress"])

    def full(self, name: str) -> str:
        """The name of a container of this network."""
        return f"{self.network.name}-{name}"

    def container(self, name: str) -> Any:
        """A container of this network."""
        return self.engine.containers.get(self.full(name))

    def start(self, name: str, image: str, command: list[str], **more: Any) -> Any:
        """Starts a container that others reach by its short name."""
        created = self.engine.containers.create(
            image, command, name=self.full(name), detach=True, **more
        )
        self.network.connect(created, aliases=[name])
        bridge = self.engine.networks.get("bridge")
        with suppress(NotFound, DockerException):
            bridge.disconnect(created)
        created.start()
        return created

    @property
    def s3_environment(self) -> dict[str, str]:
        """How a client inside reaches the object store."""
        return {
            "AWS_ACCESS_KEY_ID": "mtlser",
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": "http://s3:8333",
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": "http://s3:8333",
        }

    def remove(self) -> None:
        """Ends everything."""
        for held in self.engine.containers.list(all=True):
            if held.name.startswith(self.network.name):
                held.remove(force=True, v=True)
        self.network.reload()
        for held in self.network.containers:
            held.remove(force=True, v=True)
        self.network.remove()


def stand_ins(engine: Any) -> dict[str, str]:
    """Images of PostgreSQL and SeaweedFS, built where no registry need be in reach.

    The same servers as the official images', from Debian and PyPI; the first reads the official
    one's variables.
    """
    images = {"POSTGRES": "mtlser-test-postgres", "SEAWEEDFS": "mtlser-test-seaweedfs"}
    entry = Path(__file__).with_name("postgres_entry.sh")
    build(engine, images["POSTGRES"], POSTGRES, {"entry.sh": entry})
    build(engine, images["SEAWEEDFS"], SEAWEEDFS, {"weed": Path(tool("weed"))})
    return images


@contextmanager
def platform(engine: Any) -> Iterator[Platform]:
    """The three servers on a network of their own."""
    images = stand_ins(engine)
    network = engine.networks.create(f"mtlser-{uuid.uuid4().hex[:8]}", internal=True)
    held = Platform(engine, network)
    try:
        _start(held, images)
        yield held
    finally:
        held.remove()


def _start(held: Platform, images: Mapping[str, str]) -> None:
    held.start(
        "postgres",
        images["POSTGRES"],
        [],
        environment={
            "POSTGRES_USER": "mlflow",
            "POSTGRES_DB": "mlflow",
            "POSTGRES_PASSWORD": held.secret,
            "POSTGRES_INITDB_ARGS": "--auth-host=scram-sha-256",
        },
    )
    held.start(
        "s3",
        images["SEAWEEDFS"],
        [
            "weed",
            "mini",
            "-dir=/tmp",
            "-ip.bind=0.0.0.0",
            "-bucket=mlflow",
            "-master.telemetry=false",
            "-webdav=false",
            "-admin.ui=false",
        ],
        environment=held.s3_environment,
    )
    until(lambda: _ready(held, "postgres", ["pg_isready", "-h", "127.0.0.1"]), "PostgreSQL")
    until(lambda: status(f"http://{held.address('s3')}:8333/status"), "SeaweedFS")
    held.start(
        "mlflow",
        IMAGE,
        [
            "mlflow",
            "server",
            "--host=0.0.0.0",
            "--port=5000",
            "--workers=2",
            f"--backend-store-uri=postgresql+psycopg2://mlflow:{held.secret}@postgres/mlflow",
            "--artifacts-destination=s3://mlflow/artifacts",
            "--allowed-hosts=*",
        ],
        environment=held.s3_environment,
        read_only=True,
        tmpfs={"/tmp": "", "/home/mtlser": "uid=10001"},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
    )
    until(lambda: status(f"http://{held.address('mlflow')}:5000/health"), "MLflow", 180)


def _ready(held: Platform, name: str, command: list[str]) -> bool:
    return bool(held.container(name).exec_run(command).exit_code == 0)


def use_containers(held: Platform, folder: Path) -> None:
    """Makes kfp run each step in a container of the network, without root, on a read-only root.

    Args:
        held: the network and its servers.
        folder: steps read `release` in it, keep what outlives them in `work`, write to `root`.
    """
    for name in ("root", "work"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)
    local.init(
        local.DockerRunner(
            network=held.network.name,
            read_only=True,
            user="10001",
            tmpfs={"/tmp": "", "/home/mtlser": "uid=10001"},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            shm_size="1g",
            mounts=[
                docker.types.Mount(str(folder / "release"), str(folder / "release"), "bind", True),
                docker.types.Mount(str(folder / "work"), str(folder / "work"), "bind"),
            ],
        ),
        pipeline_root=str(folder / "root"),
    )
