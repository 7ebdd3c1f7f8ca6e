"""A server of `mtlser serve` as a process, and what it holds in memory."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.servers import free_port, status, until


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    def post(
        self, body: Any, length: int | None = None, kind: str = "application/json"
    ) -> tuple[int, str]:
        """Status and text of an answer; `body` may be parts, of this length or in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=240)
        given = {"Content-Type": kind}
        if length is not None:
            given["Content-Length"] = str(length)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", "/invocations", body, given)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def held_bytes(self) -> int:
        """Memory of its own; pages of libraries, which the machine may drop, are left out."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = [each for each in text.splitlines() if each.startswith("RssAnon")]
        return int(line.split()[1]) * 1024

    @contextmanager
    def watched(self) -> Iterator[list[int]]:
        """Yields a list that ends with the most bytes that it held meanwhile."""
        seen, over = [0], threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                seen.append(max(seen[-1], self.held_bytes()))

        thread = threading.Thread(target=watch)
        thread.start()
        yield seen
        over.set()
        thread.join()


@contextmanager
def served(place: str, env: Mapping[str, str], before: tuple[str, ...] = ()) -> Iterator[Served]:
    """The server of a model, ready."""
    port = free_port()
    command = [*before, sys.executable, "-m", "mtlser", "serve", place, "--port", str(port)]
    process = subprocess.Popen(command, env=dict(env), start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}/ping"

        def ready() -> bool:
            assert process.poll() is None
            return status(address) == 200

        until(ready, "the server answers")
        yield Served(port, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
