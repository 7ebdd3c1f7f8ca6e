"""A real S3 server behind a proxy that makes it ill: waited for, and told of in one sentence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import retry
from tests.helpers.fault_proxy import FaultProxy, Mode
from tests.helpers.s3_proxy import Fault, Plan, S3Proxy


@pytest.fixture
def proxy(s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Between the test and S3; each try is one request."""
    built = FaultProxy(s3_server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", built.address)

    connect = objects.connect
    monkeypatch.setattr(objects, "connect", lambda: connect(retries=0))
    yield built
    built.close()


@pytest.mark.parametrize("mode", ["500", "reset"])
def test_a_folder_goes_up_and_comes_back_although_s3_was_ill(
    s3: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    """It is well again as soon as the first refusal has been told of."""
    monkeypatch.setattr(retry, "_say_once", lambda _: proxy.become("pass"))
    with storage.output(f"{s3}/out") as folder:
        for name in ("one", "two"):
            (folder / name).write_text(name)
        proxy.become(mode)
    refused = proxy.refused
    assert refused > 0
    proxy.become(mode)
    result = storage.fetch(f"{s3}/out")
    assert proxy.refused > refused
    assert sorted(path.name for path in result.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("mode", ["500", "reset"])
def test_patience_has_an_end_in_one_sentence(
    s3: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, mode: Mode, tmp_path: Path
) -> None:
    monkeypatch.setattr(retry, "PATIENCE_S", 0.0)
    proxy.become(mode)
    with pytest.raises(MtlserError, match=f"{proxy.address} says: ") as refused:
        storage.fetch(s3)
    assert "\n" not in str(refused.value)


@pytest.fixture
def spoiling(s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """Before the server, with an output behind it."""
    with storage.output(f"{s3}/out") as folder:
        (folder / "one").write_text("one")
    built = S3Proxy(s3_server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", built.address)
    yield built
    built.close()


@pytest.mark.parametrize("first", range(2))
def test_an_object_that_arrives_damaged_is_asked_for_again(
    s3: str, spoiling: S3Proxy, first: int
) -> None:
    with spoiling.following(Plan("wrong body", first)) as plan:
        assert (storage.fetch(f"{s3}/out") / "one").read_text() == "one"
    assert plan.spoilt == 1


@pytest.mark.parametrize(
    ("fault", "advice"),
    [("clock skew", "set this machine's clock"), ("expired token", "get new credentials")],
)
def test_an_answer_that_no_waiting_changes_says_what_to_do(
    s3: str, spoiling: S3Proxy, fault: Fault, advice: str
) -> None:
    with spoiling.following(Plan(fault, 0)), pytest.raises(MtlserError, match=advice):
        storage.fetch(f"{s3}/out")
