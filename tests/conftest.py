"""Fixtures that several rooms use."""

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import settings

from mtlser import runtime
from mtlser.storage.s3.session import session
from tests.helpers.infra import tool
from tests.helpers.kfp_api import KubeflowApi, serving
from tests.helpers.kfp_internals import callers_by_name
from tests.helpers.mlflow_internals import migrate_once
from tests.helpers.servers import Server, free_ports

if TYPE_CHECKING:
    from tests.helpers.retraining import Measured

settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.register_profile("hunt", deadline=None, max_examples=500)
settings.load_profile("fixed")  # pytest --hypothesis-profile=hunt draws other examples each time

if "PYTEST_XDIST_WORKER" in os.environ:
    # As `make test` sets it: two threads each for small tensors make workers ten times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Keeps the modules of all tests out of each later search for garbage."""
    gc.freeze()


S3_USER, S3_PASSWORD = "mtlser-tests", "mtlser-tests-secret"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real audio that MTLSER_SHARED names; skips without it."""
    given = os.environ.get("MTLSER_SHARED")
    if not given:
        pytest.skip("needs real audio: set MTLSER_SHARED to its folder")
    return Path(given)


@pytest.fixture(scope="session", autouse=True)
def quick_libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What kfp and MLflow would do in seconds for many tests anew, they do once or in part."""
    with pytest.MonkeyPatch.context() as patch:
        callers_by_name(patch)
        migrate_once(patch, tmp_path_factory.mktemp("mlflow") / "migrated.db")
        yield


@pytest.fixture(autouse=True)
def unshown_log() -> Iterator[None]:
    """Takes back what a command line in this process did to the log, which hides it from pytest."""
    yield
    for name in ("", *runtime.LOGGERS):
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            handler.removeFilter(runtime.is_no_chatter)
            if isinstance(handler, runtime.PlainLines):
                logger.removeHandler(handler)
    for name in runtime.LOGGERS:
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).propagate = True


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeflowApi]:
    """A server that holds everything to Kubeflow's published API; skips without it."""
    given = os.environ.get("MTLSER_SHARED", "")
    swagger = Path(given) / "kfp" / "kfp_api_v2beta1.swagger.json"
    if not given or not swagger.is_file():
        pytest.skip("needs Kubeflow's published API: set MTLSER_SHARED to the folder with kfp/")
    for name in [name for name in os.environ if name.startswith("KF_PIPELINES_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("pipeline.server.connection.PAUSE_S", 0)
    monkeypatch.setattr("pipeline.server.runs.POLL_S", 0)
    with serving(KubeflowApi(swagger)) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        yield api
    assert api.problems == []


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real SeaweedFS that lives as long as the test session."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    ports = dict(zip(("s3", "filer", "master", "volume", "admin"), free_ports(5), strict=True))
    command = [
        tool("weed"), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-bucket=mtlser", "-master.telemetry=false", "-webdav=false", "-admin.ui=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0",
        *(f"-{name}.port={port}" for name, port in ports.items()),
    ]  # fmt: skip
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": S3_USER, "AWS_SECRET_ACCESS_KEY": S3_PASSWORD,
    }  # fmt: skip
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    with Server(command, endpoint, folder, lambda: _has_bucket(endpoint), environment):
        yield endpoint


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """`s3://BUCKET/PREFIX` of the test's own, with the environment and an empty cache set."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_PASSWORD)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("MTLSER_CACHE", str(tmp_path / "cache"))
    for name in ("AWS_ENDPOINT_URL_S3", "MLFLOW_S3_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return f"s3://mtlser/{tmp_path.parent.name}/{tmp_path.name}"


def _has_bucket(endpoint: str) -> bool:
    """True once the server lists its bucket, which it makes a moment after it answers."""
    client = session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=S3_USER,
        aws_secret_access_key=S3_PASSWORD,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5),
    )
    try:
        client.list_objects_v2(Bucket="mtlser", MaxKeys=1)
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


@pytest.fixture
def mlflow_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty store of the test's own, in the folder that the test runs in."""
    from mtlser.tracking import mlflow_runs

    monkeypatch.chdir(tmp_path)
    mlflow = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")
    for name in (*mlflow, "MTLSER_TRACKING", "MTLSER_RUN", "MTLSER_WEBHOOK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(mlflow_runs, "SETTLE_S", 0.0)


@pytest.fixture(scope="session")
def final(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a final fit with random weights."""
    from tests.helpers.trained import write_model

    return write_model(tmp_path_factory.mktemp("model")).parent


@pytest.fixture(scope="session")
def low() -> "Measured":
    """A report of the champion's recipe, which is right about half of the time."""
    from tests.helpers.retraining import CHAMPION, measured, plan

    return measured(CHAMPION, 0.55, plan())


@pytest.fixture(scope="session")
def high() -> "Measured":
    """A report of the challenger's recipe on the same folds, clearly better."""
    from tests.helpers.retraining import CHALLENGER, measured, plan

    return measured(CHALLENGER, 0.85, plan(), 1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many forgeries were tried, and whether one was believed."""
    counts = {
        outcome: sum("test_no_forgery_is_believed[" in str(each.nodeid) for each in reports)
        for outcome, reports in terminalreporter.stats.items()
        if outcome in {"passed", "failed"}
    }
    refused, believed = counts.get("passed", 0), counts.get("failed", 0)
    if refused + believed:
        terminalreporter.write_line(
            f"forgeries {refused + believed} refused {refused} named {refused} believed {believed}"
        )
