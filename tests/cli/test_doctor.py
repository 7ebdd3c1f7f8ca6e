"""`mtlser doctor` on a bare machine, and beside services that answer or do not."""

import json
import os
import shutil
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mtlser.cli import app, doctor

SERVICES = (
    "MLFLOW_TRACKING_URI", "KF_PIPELINES_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
    "MLFLOW_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MTLSER_TRACKING",
)  # fmt: skip


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No service is set up; the encoder's check is another test's."""
    for name in SERVICES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTLSER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor, "_precision", lambda: iter(()))


def asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Exit code, the findings by name, and everything that was printed."""
    monkeypatch.setattr(sys, "argv", ["mtlser", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    result = {each["name"]: each for each in json.loads(printed.out)}
    return ended.value.code, result, printed.out + printed.err


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_bare_machine_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, result, _ = asked(monkeypatch, capsys)
    assert code == 0
    assert result["torch"]["detail"].startswith("2.")
    assert {result[name]["state"] for name in ("S3", "Kubeflow")} == {"not set up"}
    assert result["MLflow"]["detail"].startswith("sqlite:///")


def test_services_that_do_not_answer_are_wrong_and_no_password_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = closed_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:planted@127.0.0.1:{port}")
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", f"http://127.0.0.1:{port}/pipeline?token=planted")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    code, result, printed = asked(monkeypatch, capsys)
    assert code == 1
    for name in ("S3", "MLflow", "Kubeflow"):
        assert result[name]["state"] == "wrong" and result[name]["advice"]
    assert "planted" not in printed


def test_a_store_that_answers_is_well(
    s3_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.conftest import S3_PASSWORD, S3_USER

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_PASSWORD)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    code, result, _ = asked(monkeypatch, capsys)
    assert (code, result["S3"]["state"]) == (0, "ok")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    code, result, _ = asked(monkeypatch, capsys)
    assert (code, result["S3"]["state"]) == (1, "wrong")


def test_a_full_disk_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = SimpleNamespace(total=10**12, used=10**12, free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    code, result, _ = asked(monkeypatch, capsys)
    assert code == 1
    assert "make room" in result["disk here"]["advice"]


def test_the_table_ends_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setattr(sys, "argv", ["mtlser", "doctor"])
    with pytest.raises(SystemExit):
        app.main()
    assert capsys.readouterr().out.splitlines()[-1].startswith("Kubeflow: check KF_PIPELINES")
    assert os.environ["KF_PIPELINES_ENDPOINT"]
