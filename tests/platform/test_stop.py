"""Each server as the first process of its container: SIGTERM ends it, when it has answered."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pytest

from components import IMAGE
from mtlser.registry.versions import CODE
from mtlser.serving.load import WEIGHTS_ARTIFACT
from tests.helpers.servers import status, until
from tests.helpers.trained import write_model
from tests.serving.test_served_model import noise, table

pytestmark = pytest.mark.timeout(600)
PORT = 5000
GRACE_S = 40
"""What `docker stop` waits before it kills."""
KILLED = 137
LISTEN = ["--host=0.0.0.0", f"--port={PORT}"]
STORE = "--backend-store-uri=sqlite:////tmp/mlflow.db"
TRACKING = ["mlflow", "server", *LISTEN, "--workers=1", STORE, "--artifacts-destination=/tmp/kept",
            "--allowed-hosts=*"]  # fmt: skip
SCORING = ["mlflow", "models", "serve", "--model-uri=/given/logged", "--env-manager=local", *LISTEN]
SERVING = ["mtlser", "serve", "/given/model", *LISTEN]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, plain and as MLflow's own server loads it, where any user may read it."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "model").symlink_to(write_model(folder).relative_to(folder))
    artifacts = {WEIGHTS_ARTIFACT: str(folder / "model")}
    mlflow.pyfunc.save_model(
        folder / "logged", python_model=str(CODE), artifacts=artifacts, pip_requirements=[]
    )
    for part in (*folder.rglob("*"), folder, *folder.parents[:2]):
        part.chmod(part.stat().st_mode | (0o755 if part.is_dir() else 0o444))
    return folder


@contextmanager
def started(engine: Any, command: list[str], given: Path) -> Iterator[tuple[Any, str]]:
    """A container of the image and its address."""
    container = engine.containers.run(
        IMAGE, command, detach=True, read_only=True, cap_drop=["ALL"],
        security_opt=["no-new-privileges"], tmpfs={"/tmp": "", "/home/mtlser": "uid=10001"},
        volumes={str(given): {"bind": "/given", "mode": "ro"}},
        environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )  # fmt: skip
    try:
        container.reload()
        yield container, container.attrs["NetworkSettings"]["IPAddress"]
    finally:
        container.remove(force=True)


def stopped(container: Any) -> tuple[float, int]:
    """How long it took to end, in seconds, and its exit code."""
    begun = time.monotonic()
    container.stop(timeout=GRACE_S)
    seconds = time.monotonic() - begun
    return seconds, int(container.wait()["StatusCode"])


def ready(container: Any, address: str) -> None:
    """Returns once it answers."""

    def answers() -> bool:
        container.reload()
        assert container.status == "running", container.logs()[-2000:]
        return status(f"http://{address}:{PORT}/health") == 200

    until(answers, "it answers", 240)


def test_its_first_process_is_an_init(engine: Any, given: Path) -> None:
    with started(engine, ["sleep", "600"], given) as (container, _):
        assert container.exec_run(["cat", "/proc/1/comm"]).output.strip() == b"tini"
        seconds, code = stopped(container)
        assert seconds < GRACE_S / 4
        assert code != KILLED


@pytest.mark.parametrize("command", [TRACKING, SCORING, SERVING], ids=["mlflow", "models", "serve"])
def test_sigterm_ends_it_while_it_starts(engine: Any, given: Path, command: list[str]) -> None:
    with started(engine, command, given) as (container, _):
        time.sleep(1)
        seconds, code = stopped(container)
    assert seconds < GRACE_S / 4
    assert code != KILLED


@pytest.mark.parametrize("command", [TRACKING, SCORING, SERVING], ids=["mlflow", "models", "serve"])
def test_sigterm_ends_it_once_it_serves(engine: Any, given: Path, command: list[str]) -> None:
    with started(engine, command, given) as (container, address):
        ready(container, address)
        seconds, code = stopped(container)
    assert seconds < GRACE_S / 4
    assert code != KILLED


def test_mlflow_takes_the_rest_of_an_artifact_that_is_under_way(engine: Any, given: Path) -> None:
    with started(engine, TRACKING, given) as (container, address):
        ready(container, address)
        sender = http.client.HTTPConnection(address, PORT, timeout=60)
        sender.putrequest("PUT", "/api/2.0/mlflow-artifacts/artifacts/half")
        sender.putheader("Content-Type", "application/octet-stream")
        sender.putheader("Content-Length", str(2 << 20))
        sender.endheaders()
        sender.send(b"a" * (1 << 20))
        time.sleep(1)
        ends: list[tuple[float, int]] = []
        stopping = threading.Thread(target=lambda: ends.append(stopped(container)))
        stopping.start()
        time.sleep(3)
        sender.send(b"b" * (1 << 20))
        answer = sender.getresponse().status
        sender.close()
        stopping.join()
    assert answer == 200
    assert ends[0][0] < GRACE_S
    assert ends[0][1] != KILLED


def test_a_request_under_way_is_answered_by_the_model(engine: Any, given: Path) -> None:
    answers: list[int] = []
    with started(engine, SERVING, given) as (container, address):
        ready(container, address)

        def ask() -> None:
            connection = http.client.HTTPConnection(address, PORT, timeout=120)
            connection.request(
                "POST", "/invocations", table(noise(60)), {"Content-Type": "application/json"}
            )
            answers.append(connection.getresponse().status)
            connection.close()

        sender = threading.Thread(target=ask)
        sender.start()
        time.sleep(0.5)
        seconds, code = stopped(container)
        sender.join()
    assert answers == [200]
    assert seconds < GRACE_S
    assert code == 0
