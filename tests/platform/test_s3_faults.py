"""A real S3 server that fails at each request in turn: the old output or the new one, whole."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.storage.s3 import clean as cleaning
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import retry, upload
from tests.helpers.places import content, fill
from tests.helpers.s3_proxy import Fault, Plan, S3Proxy
from tests.platform.tally import Tally

OLD = {"model": "old weights", "page": "old page", "same": "same"}
NEW = {"page": "new page", "more": "more", "same": "same"}
FAULTS: tuple[Fault, ...] = get_args(Fault)
OUTAGES: tuple[Fault, ...] = ("refused", "503", "clock skew", "expired token")
"""Those that last."""
MOST = 60
"""Requests of one command at most."""


@pytest.fixture(scope="module")
def tally() -> Tally:
    return Tally.of("S3")


@pytest.fixture
def proxy(s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """Before the server; clients wait a second at most, and try again for five."""
    held = S3Proxy(s3_server)
    connect = objects.connect
    monkeypatch.setattr(objects, "connect", lambda: connect(retries=1, connect_s=2, read_s=1))
    monkeypatch.setattr(retry, "PATIENCE_S", 5.0)
    monkeypatch.setattr(retry, "BETWEEN_S", 0.2)
    monkeypatch.setattr(objects, "WORKERS", 1)
    yield held
    held.close()


@pytest.fixture
def outputs(tmp_path: Path) -> tuple[Path, Path]:
    for name, files in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        fill(tmp_path / name, **files)
    return tmp_path / "old", tmp_path / "new"


def attempted(command: Callable[[], object]) -> str:
    """What the command says; empty where it succeeds."""
    try:
        command()
    except MtlserError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


def spoilt(
    proxy: S3Proxy,
    s3_server: str,
    monkeypatch: pytest.MonkeyPatch,
    plan: Plan,
    command: Callable[[], object],
) -> str:
    """`attempted` through the proxy; afterwards the environment names the server itself again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
    with proxy.following(plan):
        said = attempted(command)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    return said


@pytest.mark.parametrize(
    ("fault", "lasting"), [*((each, False) for each in FAULTS), *((each, True) for each in OUTAGES)]
)
def test_an_upload_whose_requests_fail_leaves_the_old_or_the_new_output(
    s3: str,
    s3_server: str,
    proxy: S3Proxy,
    outputs: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
    fault: Fault,
    lasting: bool,
) -> None:
    old, new = outputs
    if lasting:
        monkeypatch.setattr(retry, "PATIENCE_S", 0.0)
    for first in range(MOST):
        place = f"{s3}/{first}"
        upload.upload(old, place)
        plan = Plan(fault, first, lasting)
        said = spoilt(proxy, s3_server, monkeypatch, plan, partial(upload.upload, new, place))
        if not plan.spoilt:
            break
        read = content(storage.fetch(place))
        kept = read == NEW if not said else read in (OLD, NEW)
        upload.upload(new, place)
        kept = kept and content(storage.fetch(place)) == NEW
        tally.count(f"{fault} at request {first} ({plan.lines[first]}): {said or 'done'}", kept)
    assert first > 8, plan.lines
    assert not tally.lost


def reading(place: str, read: list[dict[str, str]]) -> None:
    read.append(content(storage.fetch(place)))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fetch_whose_requests_fail_gives_the_output_or_a_sentence(
    s3: str,
    s3_server: str,
    proxy: S3Proxy,
    outputs: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
    tmp_path: Path,
    fault: Fault,
) -> None:
    place = f"{s3}/read"
    upload.upload(outputs[0], place)
    for first in range(MOST):
        monkeypatch.setenv("MTLSER_CACHE", str(tmp_path / f"cache{first}"))
        read: list[dict[str, str]] = []
        plan = Plan(fault, first)
        command = partial(reading, place, read)
        said = spoilt(proxy, s3_server, monkeypatch, plan, command)
        if not plan.spoilt:
            break
        kept = (read == [OLD]) != bool(said) and content(storage.fetch(place)) == OLD
        tally.count(f"fetch: {fault} at {plan.lines[first]}: {said or read}", kept)
    assert first > 2
    assert not tally.lost


@pytest.mark.parametrize("fault", OUTAGES)
def test_a_cleaning_whose_requests_fail_takes_no_current_output(
    s3: str,
    s3_server: str,
    proxy: S3Proxy,
    outputs: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
    fault: Fault,
) -> None:
    def clean(place: str) -> None:
        for old in cleaning.old_versions(place, 1):
            cleaning.delete(old.address)

    for first in range(MOST):
        place = f"{s3}/{first}"
        for folder in outputs:
            upload.upload(folder, place)
        plan = Plan(fault, first)
        said = spoilt(proxy, s3_server, monkeypatch, plan, partial(clean, place))
        if not plan.spoilt:
            break
        kept = content(storage.fetch(place)) == NEW
        clean(place)
        kept = kept and not cleaning.old_versions(place, 1) and content(storage.fetch(place)) == NEW
        tally.count(f"clean: {fault} at {plan.lines[first]}: {said or 'done'}", kept)
    assert first > 2
    assert not tally.lost


def test_a_process_that_is_killed_at_any_request_leaves_the_old_or_the_new_output(
    s3: str, proxy: S3Proxy, outputs: tuple[Path, Path], tally: Tally
) -> None:
    """SIGKILL once a request has reached the server, before its answer is back."""
    old, new = outputs
    for first in range(MOST):
        place = f"{s3}/{first}"
        upload.upload(old, place)
        held: list[subprocess.Popen[bytes]] = []

        def kill(held: list[subprocess.Popen[bytes]] = held) -> None:
            held[0].send_signal(signal.SIGKILL)
            held[0].wait()

        plan = Plan(None, first, meanwhile=kill)
        with proxy.following(plan):
            command = [sys.executable, "-m", "mtlser", "copy", str(new), "--out", place]
            env = {**os.environ, "AWS_ENDPOINT_URL": proxy.address}
            held.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL))
            ended = held[0].wait()
        if not plan.spoilt:
            assert ended == 0
            break
        assert ended == -signal.SIGKILL
        kept = content(storage.fetch(place)) in (OLD, NEW)
        upload.upload(new, place)
        kept = kept and content(storage.fetch(place)) == NEW
        tally.count(f"killed at request {first}: {plan.lines[first]}", kept)
    assert first > 8
    assert not tally.lost


def test_ten_thousand_objects(s3: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05} +ü.txt").write_text(str(number))
    upload.upload(folder, f"{s3}/many")
    fetched = storage.fetch(f"{s3}/many")
    assert content(fetched) == content(folder)
