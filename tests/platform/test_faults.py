"""Trainings that lose a process, MLflow, S3 or PostgreSQL: what was lost is nothing.

Each training is the real command; its servers are real processes. Faults begin at what can be
seen (an epoch kept, a figure logged), never after a time; only the minute of an outage is one.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import S3_PASSWORD, S3_USER
from tests.helpers.fault_proxy import FaultProxy, Mode
from tests.helpers.servers import Postgres, Server, mlflow_server, postgres
from tests.platform.faulty_training import (
    Attempt,
    Outcome,
    Place,
    assert_tracked_once,
    epochs_ended,
    outcome,
    plain_env,
)

pytestmark = pytest.mark.timeout(400)

MINUTE_S = 60.0
BUCKET = "s3://mtlser/faults"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, s3_server: str) -> Place:
    env = {
        **plain_env(),
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": S3_USER,
        "AWS_SECRET_ACCESS_KEY": S3_PASSWORD,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return Place.write(tmp_path_factory.mktemp("faults"), env)


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def tracking_server(place: Place, database: Postgres) -> Server:
    env = {**place.env, "MLFLOW_S3_ENDPOINT_URL": place.env["AWS_ENDPOINT_URL"]}
    return mlflow_server(database.uri, f"{BUCKET}/artifacts", place.folder, env)


@pytest.fixture(scope="module")
def server(place: Place, database: Postgres) -> Iterator[Server]:
    """The MLflow server that stays."""
    with tracking_server(place, database) as running:
        yield running


def local(place: Place, name: str, tracking: str) -> Attempt:
    folder = place.folder
    return Attempt(place, name, tracking, str(folder / f"{name}-work"), str(folder / name))


@pytest.fixture(scope="module")
def undisturbed(place: Place, server: Server) -> Iterator[Outcome]:
    attempt = local(place, "undisturbed", server.address)
    attempt.start()
    attempt.finish()
    with pytest.MonkeyPatch.context() as patch:
        result = outcome(attempt, patch)
        assert_tracked_once(server.address, attempt, result.history)
        yield result


def assert_nothing_lost(
    attempt: Attempt, whole: Outcome, monkeypatch: pytest.MonkeyPatch, tracking: str = ""
) -> None:
    """Weights, history, predictions and MLflow's runs are those of an undisturbed training."""
    result = outcome(attempt, monkeypatch)
    assert result.weights == whole.weights
    assert result.history == whole.history
    assert result.predictions == whole.predictions
    assert_tracked_once(tracking or attempt.tracking, attempt, result.history)


def test_a_killed_training_tried_again_loses_nothing(
    place: Place, server: Server, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = local(place, "killed", server.address)
    attempt.start()
    attempt.await_epoch(1)
    attempt.kill()
    attempt.start()
    attempt.await_epoch(3)
    attempt.kill()
    stood = attempt.epochs_kept()
    assert not Path(attempt.out).exists()
    attempt.start()
    attempt.finish()
    assert 3 <= stood < len(undisturbed.history), "it was killed in the middle"
    assert_nothing_lost(attempt, undisturbed, monkeypatch)


def test_a_training_killed_with_its_disk_goes_on_from_s3(
    place: Place, server: Server, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "diskless"
    attempt = Attempt(place, name, server.address, f"{BUCKET}/{name}-work", f"{BUCKET}/{name}")
    attempt.start()
    attempt.await_epoch(2)
    attempt.kill()
    shutil.rmtree(attempt.cache)
    attempt.start()
    attempt.finish()
    assert f"epoch 1/{len(undisturbed.history)}" not in attempt.log.read_text()
    assert_nothing_lost(attempt, undisturbed, monkeypatch)


def test_a_database_that_crashes_under_mlflow_loses_nothing(
    place: Place,
    database: Postgres,
    server: Server,
    undisturbed: Outcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempt = local(place, "database", server.address)
    attempt.start()
    attempt.await_epoch(1)
    down = time.time()
    database.crash()
    retained = attempt.epochs_kept()
    attempt.await_epoch(retained + 1)  # an epoch ends while nobody can log it
    up = time.time()
    database.start()
    attempt.finish()
    assert any(down < ended for ended in epochs_ended(server.address, attempt.name)[retained:])
    assert up > down
    assert_nothing_lost(attempt, undisturbed, monkeypatch)


@dataclass
class Outage:
    """A minute's outage and the training that met it."""

    attempt: Attempt
    down: float = 0.0
    up: float = 0.0
    refused: int = 0
    under_way: bool = False
    """Whether the training, seconds long by itself, was not over when the minute was."""
    epochs_at_end: int = 0
    """Epochs kept when the minute was over; those of a finished training count as none."""


def lost_server(outage: Outage, server: Server) -> None:
    """The training's MLflow server is killed for a minute."""
    outage.attempt.start()
    outage.attempt.await_epoch(1)
    server.kill()
    outage.down = time.time()
    time.sleep(MINUTE_S)
    outage.up = time.time()
    outage.under_way = outage.attempt.under_way()
    server.start()
    outage.attempt.finish()


def ill_s3(outage: Outage, proxy: FaultProxy, mode: Mode) -> None:
    """The training's S3 is ill for a minute."""
    outage.attempt.start()
    outage.attempt.await_epoch(1)
    proxy.become(mode)
    outage.down = time.time()
    time.sleep(MINUTE_S)
    outage.refused, outage.up = proxy.refused, time.time()
    proxy.become("pass")
    outage.attempt.finish()


@pytest.fixture(scope="module")
def outages(
    place: Place, database: Postgres, server: Server, undisturbed: Outcome
) -> Iterator[dict[str, Outage]]:
    """Three trainings side by side, each with its own minute."""
    lost = tracking_server(place, database)
    lost.start()
    proxies = {name: FaultProxy(place.env["AWS_ENDPOINT_URL"]) for name in ("500", "reset")}
    built = {
        "mlflow": Outage(local(place, "mlflow", lost.address)),
        "500": Outage(local(place, "s3-500", server.address)),
        "reset": Outage(local(place, "s3-reset", server.address)),
    }
    built["500"].attempt.work = f"{BUCKET}/s3-500-work"
    for name, proxy in proxies.items():
        attempt = built[name].attempt
        attempt.out = f"{BUCKET}/s3-{name}"
        attempt.env["AWS_ENDPOINT_URL"] = proxy.address
    faults: list[Callable[[], None]] = [
        lambda: lost_server(built["mlflow"], lost),
        lambda: ill_s3(built["500"], proxies["500"], "500"),
        lambda: ill_s3(built["reset"], proxies["reset"], "reset"),
    ]
    try:
        with ThreadPoolExecutor(len(faults)) as pool:
            for done in [pool.submit(fault) for fault in faults]:
                done.result()
        yield built
    finally:
        lost.kill()
        for proxy in proxies.values():
            proxy.close()
        for outage in built.values():
            if outage.attempt.running is not None:
                outage.attempt.running.kill()


def test_a_minute_without_mlflow_loses_nothing(
    outages: dict[str, Outage],
    server: Server,
    undisturbed: Outcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outage = outages["mlflow"]
    assert outage.under_way
    assert outage.up - outage.down >= MINUTE_S
    assert_nothing_lost(outage.attempt, undisturbed, monkeypatch, server.address)


@pytest.mark.parametrize("mode", ["500", "reset"])
def test_a_minute_of_ill_s3_loses_nothing(
    outages: dict[str, Outage], mode: str, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = outages[mode]
    assert outage.refused > 0
    assert outage.up - outage.down >= MINUTE_S
    output = outage.attempt.log.read_text()
    assert ("not mirrored: " in output) == (mode == "500"), "a mirror that is away is told of"
    assert_nothing_lost(outage.attempt, undisturbed, monkeypatch)


def test_the_output_waits_for_s3_to_come_back(outages: dict[str, Outage]) -> None:
    """The training was over within the minute: only its upload waited."""
    outage = outages["reset"]
    ended = epochs_ended(outage.attempt.tracking, outage.attempt.name)
    assert outage.down < ended[-1] < outage.up
    assert "S3 is away (" in outage.attempt.log.read_text()
