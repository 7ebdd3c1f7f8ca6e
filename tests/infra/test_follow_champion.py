"""Serving follows the champion: promotion, roll-back, the webhook, and what the pods are given."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from mtlser.cli import app
from tests.helpers.hook import kubernetes, webhook
from tests.helpers.house import ROOT
from tests.helpers.infra import INFRA, of_kind, pods, render, words
from tests.helpers.retraining import CHALLENGER, CHAMPION, NAME, measured, plan, registered
from tests.helpers.served import served
from tests.helpers.servers import mlflow_server
from tests.helpers.trained import write_model

pytestmark = pytest.mark.timeout(900)
SCRIPT = INFRA / "kustomize" / "serving" / "follow_champion.py"
PATH = "/apis/serving.kserve.io/v1beta1/namespaces/mtlser/inferenceservices/mtlser"


@dataclass
class Cluster:
    """MLflow's server, a webhook, and the InferenceService of the manifests at an API."""

    mlflow: str
    api: str
    account: Path
    service: dict[str, Any]
    told: list[dict[str, Any]] = field(default_factory=list)

    def follows(self, *, account: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """What the CronJob's command says."""
        (pod,) = [pod for pod in pods(render("production")) if pod.name == "follow-champion"]
        (container,) = pod.containers()
        python, script, *names = words(container)
        assert (python, Path(script).name) == ("python", SCRIPT.name)
        flags = ["--api", self.api, "--account", str(account or self.account)]
        return subprocess.run(
            [sys.executable, str(SCRIPT), *names, *flags],
            env={"MLFLOW_TRACKING_URI": self.mlflow, "NO_PROXY": "127.0.0.1"},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def place(self) -> str:
        """What a new pod is told to serve, as Kubernetes fills in its arguments."""
        predictor = self.service["spec"]["predictor"]
        (container,) = predictor["containers"]
        (entry,) = [each for each in container["env"] if each["name"] == "CHAMPION"]
        field_path = entry["valueFrom"]["fieldRef"]["fieldPath"]
        (annotation, value), *_ = predictor["annotations"].items()
        assert field_path == f"metadata.annotations['{annotation}']"
        return str(container["args"][2].replace("$(CHAMPION)", value))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    account = tmp_path / "account"
    account.mkdir()
    (account / "namespace").write_text("mtlser")
    (account / "token").write_text("a-token\n")
    (service,) = of_kind(render("production"), "InferenceService")
    with ExitStack() as stack:
        store = f"sqlite:///{tmp_path}/server.db"
        server = stack.enter_context(mlflow_server(store, str(tmp_path / "kept"), tmp_path))
        api = stack.enter_context(kubernetes(service, PATH, "a-token"))
        built = Cluster(server.address, api, account, service)
        monkeypatch.setenv("MTLSER_WEBHOOK", stack.enter_context(webhook(built.told)))
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            monkeypatch.setenv(name, server.address)
        for name in ("MLFLOW_RUN_ID", "MTLSER_TRACKING"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield built


def answered(place: str, cluster: Cluster) -> str:
    """Which version a server of this place says that it serves."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": cluster.mlflow}
    with served(place, env) as running:
        return str(json.loads(running.get("/metadata")[1])["model"])


def test_serving_follows_a_promotion_and_a_roll_back(cluster: Cluster, tmp_path: Path) -> None:
    assert cluster.follows().stdout == "mtlser has no champion; mtlser stays as it is\n"
    final = write_model(tmp_path).parent
    registered(final, measured(CHAMPION, 0.7, plan()), CHAMPION, "one", tmp_path)
    assert cluster.place() == f"models:/{NAME}@champion"
    assert cluster.follows().stdout == "mtlser goes from mtlser@champion to version 1\n"
    assert cluster.place() == f"models:/{NAME}/1"
    assert cluster.follows().stdout == "mtlser serves mtlser version 1\n"
    assert cluster.service["generation"] == 2, "nothing is written where nothing is new"

    registered(final, measured(CHALLENGER, 0.9, plan()), CHALLENGER, "two", tmp_path)
    assert answered(cluster.place(), cluster) == f"models:/{NAME}/1", "a pod of the old rollout"
    assert cluster.follows().stdout == "mtlser goes from mtlser/1 to version 2\n"
    assert answered(cluster.place(), cluster) == f"models:/{NAME}/2"

    back = CliRunner().invoke(app.app, ["rollback", "--name", NAME, "--reason", "too slow"])
    assert back.exit_code == 0, back.output
    assert cluster.follows().stdout == "mtlser goes from mtlser/2 to version 1\n"
    assert answered(cluster.place(), cluster) == f"models:/{NAME}/1"
    MlflowClient(cluster.mlflow).set_registered_model_alias(NAME, "champion", "2")
    assert cluster.follows().returncode == 0
    assert cluster.place() == f"models:/{NAME}/2", "moved by hand"

    changes = [(each["event"], each["before"], each["version"]) for each in cluster.told]
    assert changes == [("champion", None, 1), ("champion", 1, 2), ("champion", 2, 1)]
    assert [each["place"] for each in cluster.told] == [f"models:/{NAME}/{n}" for n in (1, 2, 1)]
    assert "too slow" in cluster.told[-1]["text"]


def test_a_cluster_that_refuses_is_told_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    final = write_model(tmp_path).parent
    registered(final, measured(CHAMPION, 0.7, plan()), CHAMPION, "one", tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "namespace").write_text("mtlser")
    (other / "token").write_text("expired")
    done = cluster.follows(account=other)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("HTTP 401 ")
    assert len(done.stderr.splitlines()) == 1
    assert "expired" not in done.stderr
    assert cluster.place() == f"models:/{NAME}@champion"
