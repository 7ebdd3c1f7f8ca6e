"""Passwords and tokens in addresses work, and are in nothing that is printed or written."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from mtlser import recipe, storage, tracking
from mtlser.errors import MtlserError, public_address, public_text
from mtlser.tracking import outcome
from tests.conftest import S3_PASSWORD, S3_USER
from tests.helpers.networks import write_encoder
from tests.helpers.servers import mlflow_server
from tests.helpers.tiny_run import (
    RECIPE,
    write_release,
)

ROOT = Path(__file__).parent.parent
SECRET = "pa55word-of-this-test"
REGISTRY_SECRET = "pa55word-of-the-registry"
PROXY_SECRET = "pa55word-of-the-proxy"
HOOK_SECRET = "t0ken-of-the-webhook"
WORDS = tuple(
    word.encode() for word in (SECRET, REGISTRY_SECRET, PROXY_SECRET, HOOK_SECRET, S3_PASSWORD)
)
PROXY = f"http://someone:{PROXY_SECRET}@127.0.0.1:9"
SMALL = ("--set", "search.betas=[0.2]", "--set", "baseline.systems=[]", "--set", "train.epochs=1")


def with_secret(address: str, secret: str = SECRET) -> str:
    return address.replace("://", f"://someone:{secret}@")


@dataclass(frozen=True)
class Place:
    """A folder in which everything is written, and the environment of its commands."""

    folder: Path
    env: Mapping[str, str]

    def command(self, module: str, *arguments: str, **env: str) -> tuple[int, str]:
        """Exit code of a command line, and all that it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder, env={**self.env, **env}, capture_output=True, timeout=280, check=False,
        )  # fmt: skip
        printed = (done.stdout + done.stderr).decode()
        assert not any(word in done.stdout + done.stderr for word in WORDS), printed
        return done.returncode, printed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, s3_server: str) -> Iterator[Place]:
    """A release on S3, an MLflow server, and addresses of both that hold a password."""
    folder = tmp_path_factory.mktemp("secrets")
    write_encoder(folder / "encoder")
    write_release(folder / "release")
    (folder / "server").mkdir()
    tiny = RECIPE.replace('root = "release"', 'root = "s3://mtlser/secrets/release"')
    (folder / "tiny.toml").write_text(tiny, encoding="utf-8")
    database, retained = (
        f"sqlite:///{folder}/server/mlflow.db",
        str(folder / "server" / "artifacts"),
    )
    with mlflow_server(database, retained, folder / "server") as server:
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
            "PYTHONPATH": str(ROOT),
            "MLFLOW_TRACKING_URI": with_secret(server.address),
            "MLFLOW_REGISTRY_URI": with_secret(server.address, REGISTRY_SECRET),
            "AWS_ENDPOINT_URL": with_secret(s3_server),
            "AWS_ACCESS_KEY_ID": S3_USER,
            "AWS_SECRET_ACCESS_KEY": S3_PASSWORD,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MTLSER_CACHE": str(folder / "cache"),
            "MTLSER_WEBHOOK": f"http://127.0.0.1:9/services/{HOOK_SECRET}",
            "HTTP_PROXY": PROXY,
            "HTTPS_PROXY": PROXY,
            "NO_PROXY": "*",
        }
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, env[name])
            patch.setenv("AWS_DEFAULT_REGION", env["AWS_DEFAULT_REGION"])
            patch.setenv("MTLSER_CACHE", env["MTLSER_CACHE"])
            with storage.output("s3://mtlser/secrets/release") as release:
                write_release(release)
        yield Place(folder, env)


def holders(folder: Path) -> list[str]:
    """Files that hold one of the secrets in their bytes or in their names."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and any(word in path.read_bytes() or word in os.fsencode(path) for word in WORDS)
    ]


def test_a_whole_run_works_and_shows_no_password(place: Place) -> None:
    code, printed = place.command(
        "pipeline.cli", "run", "--recipe", "tiny.toml", "--out", "out", *SMALL
    )
    assert code == 0, printed
    code, printed = place.command(
        "mtlser", "predict", "models:/mtlser@champion", "release/wav/03a01Na.wav"
    )
    assert code == 0, printed
    code, printed = place.command("mtlser", "predict", "models:/mtlser@nobody", "tiny.toml")
    assert code == 2, printed
    assert (place.folder / "out" / "report.html").is_file()
    assert MlflowClient(place.env["MLFLOW_TRACKING_URI"]).get_registered_model("mtlser")
    assert holders(place.folder) == []


PREDICT = ("mtlser", "predict", "models:/mtlser@champion", "release/wav/03a01Na.wav")
INGEST = ("mtlser", "ingest", "--recipe", "tiny.toml", "--out", "corpus")
AWAY = "http://someone:pa55word-of-this-test@127.0.0.1:9"
QUICK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
REFUSED: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "an MLflow server behind a proxy that is away": (
        PREDICT,
        {"MLFLOW_TRACKING_URI": AWAY, "NO_PROXY": "", **QUICK},
    ),
    "a proxy that is none": (
        PREDICT,
        {
            "MLFLOW_TRACKING_URI": AWAY,
            "NO_PROXY": "",
            "HTTP_PROXY": f"http://someone:{PROXY_SECRET}@no such proxy",
            **QUICK,
        },
    ),
    "an MLflow server that is away": (PREDICT, {"MLFLOW_TRACKING_URI": AWAY, **QUICK}),
    "a database file that is not there": (
        PREDICT,
        {"MLFLOW_TRACKING_URI": f"sqlite:///none.db?token={SECRET}"},
    ),
    "a database whose driver is not installed": (
        PREDICT,
        {"MLFLOW_TRACKING_URI": AWAY.replace("http", "postgresql+pg8000") + "/mlflow"},
    ),
    "a registry of an unknown kind": (
        PREDICT,
        {"MLFLOW_REGISTRY_URI": f"strange://someone:{SECRET}@host?token={SECRET}"},
    ),
    "an S3 endpoint that is none": (
        INGEST,
        {"AWS_ENDPOINT_URL": f"http://someone:{SECRET}@no_such_host:port"},
    ),
    "a password in data.root": (
        (*INGEST, "--set", f"data.root=s3://someone:{SECRET}@bucket/release"),
        {},
    ),
    "a presigned data.root": (
        (*INGEST, "--set", f"data.root=https://host/release?X-Amz-Signature={SECRET}"),
        {},
    ),
    "a password in --out": (
        (*INGEST[:-1], f"s3://someone:{SECRET}@bucket/corpus"),
        {},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_told_without_the_password(place: Place, case: str) -> None:
    arguments, env = REFUSED[case]
    code, printed = place.command(*arguments, **env)
    assert code == 2, printed
    assert len(printed.splitlines()) == 1, printed


STARTS = {
    "as the KFP executor does": "stages.synth()",
    "on the command line": (
        "from mtlser.cli.app import main\nsys.argv = ['mtlser', 'synth', '--out', 'x']\nmain()"
    ),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_an_unexpected_error_prints_its_trace_without_the_password(
    place: Place, start: str
) -> None:
    script = (
        "import sys\n"
        "from mtlser import stages\n"
        "from mtlser.stages.entry import stage\n"
        "@stage\n"
        f"def fail(*_): raise RuntimeError('no answer from {AWAY}/x?token={SECRET}')\n"
        "stages.synth = fail\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=script + start, env=dict(place.env), text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError: no answer from http://127.0.0.1:9/x" in done.stderr
    assert SECRET not in done.stderr


def test_the_webhook_gets_an_error_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[Any] = []
    monkeypatch.setenv("MTLSER_WEBHOOK", "http://127.0.0.1:9")
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.setattr("mtlser.tracking.webhook.post", lambda _, reply: posted.append(reply))
    outcome.report(recipe.load("demo"), "key", "FAILED", "demo", f"no answer from {AWAY}")
    assert posted[0].error == "no answer from http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://someone:S@host/x?token=S#access=S", "https://host/x"),
        ("http://someone:S@@host:5000", "http://host:5000"),
        ("http://someone:S@[::1]:5000/ui", "http://[::1]:5000/ui"),
        ("mysql+pymysql://someone:S?S@host/db", "mysql+pymysql://***"),
        ("postgresql://host:5432/db?password=a@S", "postgresql://***"),
        ("postgresql://someone:S@/db?host=/run", "postgresql:///db"),
        ("someone:S@host:5000", "host:5000"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("sqlite:////tmp/a@b/mlflow.db", "sqlite:////tmp/a@b/mlflow.db"),
        ("models:/mtlser@champion", "models:/mtlser@champion"),
        ("babble@5dB", "babble@5dB"),
    ],
)
def test_a_public_address_keeps_all_but_the_secret(address: str, shown: str) -> None:
    assert public_address(address) == shown
    assert public_text(f"open '{address}'; check it") == f"open '{shown}'; check it"
    assert str(MtlserError(f"{address}: no")) == f"{shown}: no"


def test_a_child_process_gets_the_address_with_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    assert tracking.init_store() == AWAY
