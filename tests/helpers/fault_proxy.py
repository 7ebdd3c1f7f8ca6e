"""A proxy that makes an HTTP server ill as seen by its clients."""

import socket
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Literal

Mode = Literal["pass", "500", "reset"]
ERROR = b"<Error><Code>InternalError</Code><Message>We are ill.</Message></Error>"


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
