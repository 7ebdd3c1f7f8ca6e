"""`mtlser serve` as a process: what it answers, refuses and holds in memory, and how it ends."""

import base64
import http.client
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser import tracking
from mtlser.models import bundle
from mtlser.records import FOUR
from mtlser.registry import promotion
from mtlser.serving import load
from mtlser.serving import server as serving
from tests.helpers.house import ROOT
from tests.helpers.retraining import CHAMPION, measured, plan, write_report
from tests.helpers.served import Served, served
from tests.helpers.servers import until
from tests.helpers.trained import write_bundled, write_model, write_wav

pytestmark = pytest.mark.timeout(600)
GB = 1 << 30
ALONE = ("unshare", "--pid", "--fork", "--kill-child")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A registry with a champion; its model folder, and the environment that names it."""
    folder = tmp_path_factory.mktemp("served")
    env = {
        **os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }  # fmt: skip
    model = write_model(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", env["MLFLOW_TRACKING_URI"])
        for name in ("MLFLOW_RUN_ID", "MTLSER_TRACKING"):
            patch.delenv(name, raising=False)
        report = write_report(folder / "report", CHAMPION, measured(CHAMPION, 0.7, plan()))
        with tracking.parent(CHAMPION, "") as run:
            promotion.promote(model, report, None, CHAMPION, run)
        yield model, env


@pytest.fixture(scope="module")
def server(registry: tuple[Path, dict[str, str]]) -> Iterator[Served]:
    with served("models:/mtlser@champion", registry[1]) as running:
        yield running


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def table(*contents: bytes) -> bytes:
    return json.dumps({"dataframe_records": [{"audio": encoded(one)} for one in contents]}).encode()


def noise(seconds: float, channels: int = 1) -> bytes:
    file = io.BytesIO()
    rng = np.random.default_rng(0)
    samples_nc = rng.standard_normal((int(16_000 * seconds), channels)) * 0.05
    soundfile.write(file, samples_nc, 16_000, format="WAV")
    return file.getvalue()


def stated(rate_hz: int) -> bytes:
    """A WAV file whose header states a rate."""
    data = b"\0\1" * 16_000
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    size = struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + form + b"data" + size + data


@pytest.mark.parametrize(
    "form",
    [
        lambda text: {"dataframe_records": [{"audio": text}]},
        lambda text: {"dataframe_split": {"columns": ["audio"], "data": [[text]]}},
        lambda text: {"instances": [{"audio": text}]},
        lambda text: {"inputs": {"audio": [text]}},
    ],
)
def test_it_answers_what_predict_prints(
    form: Callable[[str], object],
    server: Served,
    registry: tuple[Path, dict[str, str]],
    tmp_path: Path,
) -> None:
    wav = write_wav(tmp_path / "clip.wav")
    (known,) = load.predict_files(str(registry[0]), [wav])
    code, text = server.post(json.dumps(form(encoded(wav.read_bytes()))).encode())
    assert code == 200, text
    (row,) = json.loads(text)["predictions"]
    assert (row["emotion"], row["text"], row["speaker"]) == (
        known.emotion, known.text, known.speaker,
    )  # fmt: skip
    assert {name: row[name] for name in FOUR} == pytest.approx(known.probabilities)


HOSTILE: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "a rate of 10^6": (lambda: table(stated(10**6)), 400, "a sample rate of 1000000 Hz, allowed"),
    "100 channels": (lambda: table(noise(1, 100)), 400, "100 channels, at most 8 are allowed"),
    "a path": (
        lambda: b'{"dataframe_records": [{"path": "/etc/passwd"}]}', 400, "other columns than audio"
    ),
    "a path as audio": (
        lambda: b'{"instances": [{"audio": "../../etc/passwd"}]}', 400, "row 0: not base64"
    ),
    "no audio": (lambda: table(b"not a sound"), 400, "row 0: unreadable: "),
    "a number": (lambda: b'{"instances": [{"audio": 5}]}', 400, "row 0: not text"),
    "65 clips": (lambda: table(*[b"x"] * 65), 400, "65 clips, allowed are 64"),
    "no clip": (lambda: b'{"instances": []}', 400, "no clips"),
    "a million rows": (
        lambda: b'{"instances": [' + b'{"audio":""},' * 999_999 + b'{"audio":""}]}',
        400, "over 1000 values",
    ),
    "100,000 brackets": (lambda: b"[" * 100_000, 400, "over 1000 values"),
    "500 brackets": (lambda: b"[" * 500, 400, "not JSON"),
    "half a JSON": (lambda: b'{"instances":', 400, "not JSON in UTF-8"),
    "another encoding": (lambda: '{"instances": []}'.encode("utf-16"), 400, "not JSON in UTF-8"),
    "a chat": (lambda: b'{"messages": [{"role": "user"}]}', 400, "not a table that is known"),
    "parameters": (lambda: b'{"instances": [], "params": {}}', 400, "not one table"),
}  # fmt: skip


def refused(answer: tuple[int, str], code: int, sentence: str) -> None:
    """One sentence, without a trace or a path of the server."""
    assert answer[0] == code, answer
    told = json.loads(answer[1])
    assert told.keys() == {"error_code", "message"}
    assert sentence in told["message"]
    for word in ("\n", "Traceback", ".py", "/tmp", str(ROOT), "passwd"):
        assert word not in told["message"]


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_refused_is_one_sentence(case: str, server: Served) -> None:
    body, code, sentence = HOSTILE[case]
    refused(server.post(body()), code, sentence)


@pytest.mark.parametrize(
    "kind", ["text/csv", "", "application/json; charset=utf-16", "/etc/passwd"]
)
def test_nothing_but_json_is_read(kind: str, server: Served) -> None:
    refused(server.post(b"x", kind=kind), 415, "application/json")


def test_what_is_not_there_is_said(server: Served) -> None:
    for path in ("/", "/docs", "/openapi.json", "/../etc/passwd"):
        refused(server.get(path), 404, "nothing is here")


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_of_2_gb_is_refused_and_never_held(chunked: bool, server: Served) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(2048):
            yield b"A" * (1 << 20)

    with server.watched() as seen:
        refused(server.post(parts(), None if chunked else 2 * GB), 413, "over 64 MiB")
    assert seen[-1] < GB
    assert server.post(table(noise(0.5)))[0] == 200


def test_a_long_file_is_answered_within_a_gigabyte(server: Served) -> None:
    with server.watched() as seen:
        code, text = server.post(table(noise(240)))
    assert code == 200, text
    assert seen[-1] < GB


def test_the_longest_file_is_answered_within_a_gigabyte(
    registry: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """By the bundled encoder; beside its windows decoding counts, which holds the whole file."""
    model = write_bundled(tmp_path)
    with served(str(model), registry[1]) as running, running.watched() as seen:
        code, text = running.post(table(noise(590)))
    assert code == 200, text
    assert seen[-1] < 0.9 * GB


def test_bodies_that_wait_are_bounded_together(server: Served) -> None:
    """Slow senders hold what they have sent; beyond the bound others are told to come again."""
    senders = []
    for _ in range(3):
        sender = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        sender.putrequest("POST", "/invocations")
        sender.putheader("Content-Type", "application/json")
        sender.putheader("Content-Length", str(60 << 20))
        sender.endheaders()
        senders.append(sender)
    with server.watched() as seen:
        for sender in senders:
            with suppress(BrokenPipeError, ConnectionResetError):
                sender.send(b"A" * (59 << 20))
        answer = senders[-1].getresponse()
        refused((answer.status, answer.read().decode()), 503, "too many requests at once")
    for sender in senders:
        sender.close()
    assert seen[-1] < GB
    until(lambda: server.post(table(noise(0.5)))[0] == 200, "it answers again", 60)


def test_it_tells_which_version_it_serves(server: Served) -> None:
    code, text = server.get("/metadata")
    said = json.loads(text)
    assert (code, said["model"], said["alias"]) == (200, "models:/mtlser/1", "champion")
    assert len(said["model_sha256"]) == 64
    assert tuple(said["emotions"]) == FOUR


def namespaces(command: tuple[str, ...]) -> bool:
    """Whether a process can be made the first of its namespace here."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run([*command, "true"], check=False).returncode == 0


@pytest.mark.parametrize("first", [True, False], ids=["as process 1", "as a child"])
def test_it_ends_at_sigterm_when_what_is_under_way_is_answered(
    first: bool, registry: tuple[Path, dict[str, str]]
) -> None:
    before = ALONE if first else ()
    if first and not namespaces(ALONE):
        pytest.skip("no process namespace can be made here")
    with served(str(registry[0]), registry[1], before) as running:
        answers: list[tuple[int, str]] = []
        sender = threading.Thread(target=lambda: answers.append(running.post(table(noise(60)))))
        sender.start()
        time.sleep(0.5)
        told = running.process.pid
        if first:
            children = Path(f"/proc/{told}/task/{told}/children").read_text(encoding="utf-8")
            told = int(children.split()[0])
        os.kill(told, signal.SIGTERM)
        assert running.process.wait(60) == 0
        sender.join()
    assert answers[0][0] == 200


def test_it_ends_in_order_where_it_is_told_while_its_pool_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Beginning:
        """A pool whose thread has not started when the signal comes."""

        def __init__(self, *_: object, **__: object) -> None:
            pass

        def __enter__(self) -> "Beginning":
            return self

        def submit(self, *_: object) -> None:
            raise SystemExit(0)

        def __exit__(self, *_: object) -> None:
            raise RuntimeError("cannot join thread before it is started")

    monkeypatch.setattr(serving, "ProcessPoolExecutor", Beginning)
    monkeypatch.setattr(serving, "_stop_when_told", lambda: None)
    with pytest.raises(SystemExit) as ended:
        serving.serve("models:/mtlser@champion", "127.0.0.1", 1)
    assert ended.value.code == 0


def test_it_ends_at_sigterm_before_it_listens(registry: tuple[Path, dict[str, str]]) -> None:
    command = [sys.executable, "-m", "mtlser", "serve", "models:/mtlser@champion"]
    process = subprocess.Popen(command, env=registry[1])
    caught = Path(f"/proc/{process.pid}/status")

    def handled() -> bool:
        (line,) = [each for each in caught.read_text().splitlines() if each.startswith("SigCgt")]
        return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    until(handled, "the server has set its handler", 60)
    process.terminate()
    assert process.wait(60) == 0


def test_exchanged_weights_are_not_served(
    registry: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    stored = tmp_path / "model"
    shutil.copytree(registry[0], stored)
    env = registry[1]
    (weights,) = Path(env["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")).parent.glob(
        f"mlruns/**/artifacts/*/{bundle.WEIGHTS}"
    )
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mtlser", "serve", "models:/mtlser@champion"],
            env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        weights.write_bytes(whole)
    assert done.returncode == 2, done.stderr
    assert "they were changed after they were registered" in done.stderr
    assert len(done.stderr.splitlines()) == 1
