"""The commands of the manifests on this machine: S3, buckets, tables, and the MLflow server."""

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from mlflow import MlflowClient

from mtlser import tracking
from mtlser.records import FOUR
from mtlser.registry import promotion
from mtlser.serving import load
from tests.helpers.infra import INFRA, Object, made_secrets, of_kind, pods, render, words
from tests.helpers.retraining import CHAMPION, measured, plan, write_report
from tests.helpers.servers import Server, free_port, free_ports, postgres, status, until
from tests.helpers.trained import write_model, write_wav

BIN = Path(sys.executable).parent

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
    (result,) = [each for each in every if each["name"] == name]
    return result


def command(name: str, changes: dict[str, str]) -> list[str]:
    """A container's command with other values of some of its flags; each must be there."""
    given: list[str] = words(container(name))
    flags = {each.partition("=")[0] for each in given}
    assert changes.keys() <= flags, changes.keys() - flags
    return [
        f"{flag}={changes[flag]}" if flag in changes else each
        for each in given
        for flag in [each.partition("=")[0]]
    ]


def _variables(name: str) -> dict[str, str]:
    """The variables that the manifests give a container as they stand."""
    return {each["name"]: each["value"] for each in container(name)["env"] if "value" in each}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as the manifests start it, on loopback ports."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("s3", "mlflow")}
    ports = dict(zip(("s3", "filer", "master", "volume"), free_ports(4), strict=True))
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    identities = folders["s3"] / "identities.json"
    identities.write_text(made_secrets()["mtlser", "mtlser-s3-identities"]["identities.json"])
    weed = command(
        "s3",
        {
            "-dir": str(folders["s3"]),
            "-volume.max": "3",  # as on a disk that is nearly full: each bucket still gets one
            "-s3.ip.bind": "127.0.0.1",
            "-s3.port": str(ports["s3"]),
            "-s3.config": str(identities),
        },
    )
    weed += [f"-{name}.port={port}" for name, port in ports.items() if name != "s3"]
    plain = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    plain |= _variables("s3")
    healthz = f"{endpoint}/healthz"
    with Server(weed, endpoint, folders["s3"], lambda: status(healthz) == 200, plain):
        until(lambda: _lists_buckets(endpoint), "the store lists its buckets")
        with postgres() as database:
            _prepare(endpoint, database.uri)
            with _mlflow(endpoint, database.uri, folders["mlflow"]) as server:
                yield Platform(endpoint, server.address, database.uri)


def _prepare(endpoint: str, store: str) -> None:
    """Makes buckets and tables, twice: the second time changes nothing."""
    scripts = INFRA / "kustomize" / "base"
    given = words(container("buckets"))
    script = [str(scripts / Path(each).name) if "/" in each else each for each in given]
    migrate = [*words(container("migrate"))[:-1], store]
    for _twice in range(2):
        for step in (script, migrate):
            variables = environment(endpoint, "mtlser-s3-admin")
            subprocess.run(step, env=variables, check=True, capture_output=True)


def _mlflow(endpoint: str, store: str, folder: Path) -> Server:
    """MLflow's server as the manifests start it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    given = command("mlflow", {"--host": "127.0.0.1", "--port": str(port), "--workers": "1",
                               "--backend-store-uri": store})  # fmt: skip
    variables = environment(endpoint, "mtlser-s3") | _variables("mlflow")
    return Server(given, address, folder, lambda: status(f"{address}/health") == 200, variables)


def _lists_buckets(endpoint: str) -> bool:
    """Whether the store has its volumes, which it makes a moment after it answers."""
    client = Platform(endpoint, "", "").client("mtlser", "mtlser-s3-admin")
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


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
    ("host", "expected"),
    [
        ("mlflow:5000", 200),
        ("mlflow.mtlser.svc.cluster.local:5000", 200),
        ("localhost:15000", 200),
        ("rebound.example:5000", 403),
    ],
)
def test_the_server_answers_to_its_names_alone(
    platform: Platform, host: str, expected: int
) -> None:
    address = f"{platform.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    assert status(address, host) == expected


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

    address = f"http://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    (service,) = of_kind(render("production"), "InferenceService")
    alias = service["spec"]["predictor"]["annotations"]["mtlser.io/champion"]
    flags = {"--host": "127.0.0.1", "--port": port}
    given = [each.replace("$(CHAMPION)", alias) for each in command("kserve-container", flags)]
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    ready = f"{address}{container('kserve-container')['readinessProbe']['httpGet']['path']}"
    asked = {"dataframe_records": [{"audio": base64.b64encode(wav.read_bytes()).decode()}]}
    with Server(given, address, tmp_path, lambda: status(ready) == 200, variables):
        request = urllib.request.Request(
            f"{address}/invocations",
            data=json.dumps(asked).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            (row,) = json.load(answer)["predictions"]
        request.data = json.dumps({"dataframe_records": [{"path": str(wav)}]}).encode()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        told = refused.value.read().decode()
    assert refused.value.code == 400
    assert "Traceback" not in told
    assert known.emotion not in told
    assert (row["emotion"], row["text"]) == (known.emotion, known.text)
    assert {name: row[name] for name in FOUR} == pytest.approx(known.probabilities)
