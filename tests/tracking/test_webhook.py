"""The webhook of the exit handler, against real servers on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mtlser.records import timestamp
from mtlser.tracking import webhook
from mtlser.tracking.webhook import Outcome

SECRET = "T0SECRET"
OUTCOME = Outcome(
    pipeline="retrain-8x2", run="job-1", state="FAILED", error="the data drifted",
    mlflow="http://mlflow.example/#/experiments/1/runs/a", at=timestamp(),
)  # fmt: skip


class Hook:
    """A webhook that answers with the given codes in turn, then with 200."""

    def __init__(self, codes: list[int], release: threading.Event | None = None) -> None:
        self.codes = codes
        self.release = release
        """What an answer waits for."""
        self.bodies: list[dict[str, str]] = []
        self.paths: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.paths.append(self.path)
                size = int(self.headers["Content-Length"])
                hook.bodies.append(json.loads(self.rfile.read(size)))
                if hook.release is not None:
                    hook.release.wait(60)
                self.send_response(hook.codes.pop(0) if hook.codes else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/services/{SECRET}?key={SECRET}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


Make = Callable[..., Hook]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    built: list[Hook] = []

    def make(codes: list[int], release: threading.Event | None = None) -> Hook:
        built.append(Hook(codes, release))
        return built[-1]

    monkeypatch.setattr(webhook, "FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield make
    for each in built:
        if each.release is not None:
            each.release.set()
        each.server.shutdown()
        each.server.server_close()


def test_what_happened_is_posted_with_a_text_for_people(hook: Make) -> None:
    there = hook([])
    assert webhook.post(there.address, OUTCOME)
    (body,) = there.bodies
    assert body == {**OUTCOME.model_dump(mode="json"), "text": OUTCOME.text}
    for part in ("retrain-8x2", "FAILED", "the data drifted", "http://mlflow.example"):
        assert part in body["text"]


def test_a_server_that_fails_twice_is_told_the_third_time(hook: Make) -> None:
    there = hook([500, 500])
    assert webhook.post(there.address, OUTCOME)
    assert len(there.bodies) == 3


@pytest.mark.parametrize(("code", "attempts"), [(404, 1), (403, 1), (429, 5), (503, 5)])
def test_a_refusal_is_final_and_a_busy_server_is_asked_again(
    hook: Make, caplog: pytest.LogCaptureFixture, code: int, attempts: int
) -> None:
    there = hook([code] * 9)
    assert not webhook.post(there.address, OUTCOME)
    assert len(there.bodies) == attempts
    assert f"HTTP {code}" in caplog.text
    assert SECRET not in caplog.text


def test_a_server_that_is_not_there_is_told_without_the_secret(
    hook: Make, caplog: pytest.LogCaptureFixture
) -> None:
    there = hook([])
    there.server.shutdown()
    there.server.server_close()
    assert not webhook.post(there.address, OUTCOME)
    assert "http://127.0.0.1: ConnectionRefusedError after 5 attempts" in caplog.text
    assert SECRET not in caplog.text


def test_a_slow_server_holds_the_handler_no_longer_than_the_limit(
    hook: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = hook([], threading.Event())
    monkeypatch.setattr(webhook, "LIMIT_S", 0.3)
    assert not webhook.post(there.address, OUTCOME)
    assert "no answer within 0.3 s" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "address",
    [f"ftp://host/{SECRET}", SECRET, f"http://[::1/{SECRET}", f"http://host:port/{SECRET}",
     f"http://a b/{SECRET}", f"file:///{SECRET}", f"http://user:{SECRET}@127.0.0.1:1/{SECRET}",
     f"http:///{SECRET}", f"http://127.0.0.1:1/{SECRET}\n"],
)  # fmt: skip
def test_no_address_makes_the_handler_fail_or_tell_the_secret(
    address: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "*")
    assert not webhook.post(address, OUTCOME)
    assert "was not posted" in caplog.text
    assert SECRET not in caplog.text


def test_a_long_error_is_cut_for_people_alone() -> None:
    outcome = OUTCOME.model_copy(update={"error": "x" * 5000})
    assert len(outcome.text) < 700
    assert len(outcome.error) == 5000


def test_the_message_shows_no_line_that_says_little_alone() -> None:
    failure = webhook.Failure(
        step="search", pod="p", node="n", message="killed", log="{\n  1\n}\nepoch 1\n  at\n  ^^"
    )
    told = OUTCOME.model_copy(update={"failed": (failure,)}).text.splitlines()
    assert told[2:4] == ["search failed: killed (pod p)", "epoch 1"]
