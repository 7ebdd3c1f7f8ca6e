"""Who asks, and what a server that does not play along makes the command say."""

import socket
from pathlib import Path

import pytest

from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.kfp_internals import user_context
from tests.helpers.server_words import CLUSTER, command

TOKEN = "eyJhbGciOi-very-secret"


def one_sentence(*words: str) -> str:
    done = command(*words)
    assert done.code == 2, done
    assert (done.err.count("\n"), done.out) == (1, "")
    assert TOKEN not in done.err
    return done.err


def test_without_an_endpoint_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    assert "KF_PIPELINES_ENDPOINT is not set" in one_sentence("status")


def test_an_endpoint_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "kubeflow.example")
    assert "begins with http:// or https://" in one_sentence("status")


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.server.connection.PAUSE_S", 0)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", f"http://user:{TOKEN}@127.0.0.1:{port}")
    assert "no answer (" in one_sentence("status")


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        (401, "does not know who asks (401)"),
        (403, "does not allow this (403: injected 403)"),
        (404, "not a Kubeflow Pipelines API of version 2 (no /apis/v2beta1/healthz)"),
        (302, "leads elsewhere (302), to a login page"),
        ((200, "<html>log in</html>"), "text/html instead of JSON"),
        ((200, {"status": "ok"}), "an unknown answer of healthz"),
    ],
)
def test_strange_servers(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch, how: int, outcome: str
) -> None:
    monkeypatch.setenv("KF_PIPELINES_TOKEN", TOKEN)
    kubeflow.fail("GET", "healthz", how)
    assert outcome in one_sentence("submit", *CLUSTER)
    assert kubeflow.calls == ["GET /apis/v2beta1/healthz"]


def test_a_passing_fault_is_tried_again_and_a_lasting_one_told(kubeflow: KubeflowApi) -> None:
    for how in (500, "close", 503):
        kubeflow.fail("GET", "runs$", how)
    assert command("status").code == 0
    for _ in range(4):
        kubeflow.fail("GET", "runs$", 500)
    assert "failed (500: injected 500)" in one_sentence("status")


def test_a_slow_server_is_given_up(kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.server.connection.TIMEOUT_S", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", f"http://127.0.0.1:{port}")
        assert "no answer (within 0.2 s)" in one_sentence("status")


def test_the_token_is_sent_and_never_told(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_TOKEN", f"{TOKEN}\n")
    monkeypatch.setenv("KF_PIPELINES_COOKIES", "authservice_session=abc")
    reply = (400, {"code": 3, "message": f"bad request of Bearer {TOKEN}, authservice_session=abc"})
    kubeflow.fail("GET", "/runs$", reply)
    outcome = one_sentence("status")
    assert "bad request of Bearer ***, ***" in outcome
    sent = {key.lower(): value for key, value in kubeflow.headers[-1].items()}
    assert (sent["authorization"], sent["cookie"]) == (f"Bearer {TOKEN}", "authservice_session=abc")


def test_a_token_that_no_header_holds_is_not_repeated(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_TOKEN", f"{TOKEN}\nsecond line")
    assert "KF_PIPELINES_TOKEN holds characters" in one_sentence("status")
    assert kubeflow.calls == []


def test_a_service_account_is_read_anew(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "token"
    mounted.write_text(TOKEN, encoding="utf-8")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(mounted))
    assert command("status").code == 0
    sent = [{key.lower(): value for key, value in each.items()} for each in kubeflow.headers]
    assert {each["authorization"] for each in sent} == {f"Bearer {TOKEN}"}
    mounted.unlink()
    assert "no such file" in one_sentence("status")


def test_many_users_need_a_namespace(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.multi_user = True
    assert "KF_PIPELINES_NAMESPACE" in one_sentence("submit", *CLUSTER)
    monkeypatch.setenv("KF_PIPELINES_NAMESPACE", "team")
    assert command("submit", *CLUSTER).code == 0
    assert kubeflow.store["experiments"][0]["namespace"] == "team"
    assert command("status").code == 0
    assert kubeflow.queries("GET", "/runs$")[-1]["namespace"] == "team"


def test_a_server_without_tls(kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", kubeflow.url.replace("http:", "https:"))
    assert "no answer (SSLError" in one_sentence("status")


def test_a_missing_certificate(kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_PIPELINES_CA_CERT", "gone.pem")
    assert "KF_PIPELINES_CA_CERT=gone.pem: no such file" in one_sentence("status")


def test_the_user_s_own_kfp_settings_are_left_alone(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context = tmp_path / "kfp" / "context.json"
    user_context(monkeypatch, context)
    assert command("status").code == 0
    assert not context.exists()
