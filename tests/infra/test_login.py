"""MLflow's own login: `infra/compose.login.yaml`, and what a real server lets whom do with it."""

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from mtlser.errors import MtlserError
from mtlser.registry import champions
from mtlser.serving import load
from mtlser.tracking import mlflow_uris
from tests.helpers.house import ROOT
from tests.helpers.infra import INFRA, Object, compose, of_kind, pods, render
from tests.helpers.retraining import CHAMPION, NAME, measured, plan, registered
from tests.helpers.servers import Server, free_port, postgres, status
from tests.helpers.trained import write_model, write_wav
from tests.infra.test_infra_compose import VALUES, problems

pytestmark = pytest.mark.timeout(900)
OVERLAY = INFRA / "compose.login.yaml"
SETTINGS = INFRA / "kustomize" / "overlays" / "exposed" / "login.ini"
SECRETS = {"MLFLOW_ADMIN_PASSWORD": "value-of-admin-password", "MLFLOW_SECRET_KEY": "value-of-key"}
WORDS = {"steps": "the-words-of-the-steps", "reader": "the-words-of-a-reader"}
INNER = "postgresql+psycopg2://mlflow@postgres:5432/mlflow"


@pytest.fixture(scope="module")
def resolved() -> Object:
    return compose(OVERLAY, **VALUES, **SECRETS)


def test_it_keeps_the_rules_and_adds_the_login_alone(resolved: Object) -> None:
    mlflow = resolved["services"]["mlflow"]
    plain = compose(**VALUES)["services"]["mlflow"]
    assert mlflow["command"] == [*plain["command"], "--app-name=basic-auth"]
    added = set(mlflow["environment"]) - set(plain["environment"])
    secret = {"MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"}
    assert added - secret == {"MLFLOW_AUTH_CONFIG_PATH", "MLFLOW_AUTH_ADMIN_USERNAME"}
    for name in secret:
        assert mlflow["environment"].pop(name) in SECRETS.values()
    assert list(problems(resolved)) == []


def test_the_cluster_s_server_has_the_same_login(resolved: Object) -> None:
    (pod,) = [each for each in pods(render("exposed")) if each.name == "mlflow"]
    (container,) = [each for each in pod.containers() if each["name"] == "mlflow"]
    assert container["args"][-1] == "--app-name=basic-auth"
    (hosts,) = [each for each in container["args"] if each.startswith("--allowed-hosts=")]
    (ingress,) = of_kind(render("exposed"), "Ingress")
    assert ingress["spec"]["rules"][0]["host"] in hosts.partition("=")[2].split(",")
    names = {each["name"] for each in container["env"]}
    assert {
        each for each in resolved["services"]["mlflow"]["environment"] if "AUTH" in each
    } <= names


@pytest.fixture(scope="module")
def server(resolved: Object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The overlay's command on this machine, on a PostgreSQL of its own."""
    folder = tmp_path_factory.mktemp("login")
    service = compose(OVERLAY, **VALUES, **SECRETS)["services"]["mlflow"]
    port = free_port()
    with postgres() as database:
        settings = SETTINGS.read_text(encoding="utf-8")
        assert INNER in settings
        (folder / "login.ini").write_text(settings.replace(INNER, database.uri))
        own = {
            "--host": "127.0.0.1", "--port": str(port), "--workers": "1",
            "--backend-store-uri": database.uri, "--artifacts-destination": str(folder / "kept"),
        }  # fmt: skip
        words = [
            f"{flag}={own[flag]}" if flag in own else word
            for word in service["command"]
            for flag in [word.partition("=")[0]]
        ]
        env = {key: value for key, value in service["environment"].items() if "MLFLOW" in key}
        env["MLFLOW_AUTH_CONFIG_PATH"] = str(folder / "login.ini")
        address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", *words]
        ready = f"{address}/health"
        with Server(command, address, folder, lambda: status(ready) == 200, {**os.environ, **env}):
            yield address


@pytest.fixture
def enter(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Logs in as the administrator, who has made the two users."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, server)
    for name in ("MLFLOW_RUN_ID", "MTLSER_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    log_in(monkeypatch, "admin", SECRETS["MLFLOW_ADMIN_PASSWORD"])
    for user, words in WORDS.items():
        assert made(server, user, words) in {200, 400}, "400: it is there already"
    yield monkeypatch


def made(server: str, user: str, words: str) -> int:
    """Status of the request by which the documented command makes a user."""
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert "/api/2.0/mlflow/users/create" in page
    secret = f"admin:{SECRETS['MLFLOW_ADMIN_PASSWORD']}".encode()
    request = urllib.request.Request(
        f"{server}/api/2.0/mlflow/users/create",
        json.dumps({"username": user, "password": words}).encode(),
        {"Content-Type": "application/json",
         "Authorization": f"Basic {base64.b64encode(secret).decode()}"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def log_in(patch: pytest.MonkeyPatch, user: str, words: str) -> None:
    patch.setenv("MLFLOW_TRACKING_USERNAME", user)
    patch.setenv("MLFLOW_TRACKING_PASSWORD", words)


def test_nobody_enters_without_a_login(server: str) -> None:
    assert status(f"{server}/health") == 200
    for path in (
        "/", "/api/2.0/mlflow/experiments/search?max_results=1",
        "/api/2.0/mlflow-artifacts/artifacts?path=x", "/api/2.0/mlflow/users/list",
    ):  # fmt: skip
        assert status(f"{server}{path}") == 401, path


def test_steps_register_and_others_may_read_but_not_move_the_champion(
    server: str, enter: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log_in(enter, "steps", WORDS["steps"])
    model = write_model(tmp_path)
    registered(model.parent, measured(CHAMPION, 0.7, plan()), CHAMPION, "one", tmp_path)
    assert champions.present(MlflowClient(), NAME) == 1

    log_in(enter, "reader", WORDS["reader"])
    (output,) = load.predict_files(f"models:/{NAME}@champion", [write_wav(tmp_path / "clip.wav")])
    assert sum(output.probabilities.values()) == pytest.approx(1)
    for forbidden in (
        lambda: MlflowClient().set_registered_model_alias(NAME, "champion", "1"),
        lambda: MlflowClient().delete_registered_model(NAME),
    ):
        with pytest.raises(MlflowException, match="Permission denied"):
            forbidden()

    follow = INFRA / "kustomize" / "serving" / "follow_champion.py"
    code = f"import runpy; print(runpy.run_path({str(follow)!r})['champion']({NAME!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_wrong_password_is_one_sentence_without_it(
    server: str, enter: pytest.MonkeyPatch
) -> None:
    log_in(enter, "reader", "not-the-words")
    with pytest.raises(MtlserError) as refused:
        mlflow_uris.version(f"models:/{NAME}@champion")
    assert "not-the-words" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
