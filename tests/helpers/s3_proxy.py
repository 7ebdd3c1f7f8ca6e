"""A proxy before an S3 server that spoils one request, or every one from that on."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = Literal[
    "refused", "lost answer", "cut upload", "cut body", "hang", "503", "wrong etag", "wrong body",
    "clock skew", "expired token",
]  # fmt: skip
ANSWERS: dict[str, tuple[int, str]] = {
    "503": (503, "SlowDown"),
    "clock skew": (403, "RequestTimeTooSkewed"),
    "expired token": (400, "ExpiredToken"),
}
"""Status and code of the faults that are an answer of the server."""
HANG_S = 3.0
"""How long a request that hangs is left without an answer."""
HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}
"""Headers between two ends of one connection."""


@dataclass
class Plan:
    """Which requests are spoilt, and how."""

    fault: Fault | None = None
    first: int = 0
    """The first request that is, counted from 0."""
    lasting: bool = False
    """Whether all after it are, too."""
    meanwhile: Callable[[], None] | None = None
    """Called once such a request has been done, before its answer is passed back."""
    count: int = 0
    """Requests so far."""
    spoilt: int = 0
    lines: list[str] = field(default_factory=list)
    """Method and path of each."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its own name)
        """Says nothing."""

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        plan, mine = self.server.plan, False
        with self.server.lock:
            number, plan.count = plan.count, plan.count + 1
            plan.lines.append(f"{self.command} {self.path.partition('?')[0]}")
            mine = number == plan.first or (plan.lasting and number > plan.first)
            plan.spoilt += mine
        fault = plan.fault if mine else None
        with suppress(OSError):
            self._answer(fault, body, plan if mine else Plan())

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815 (their own names)

    def _answer(self, fault: Fault | None, body: bytes, plan: Plan) -> None:
        if fault == "refused":
            self._reset()
            return
        if fault in ANSWERS:
            self._refuse(*ANSWERS[fault])
            return
        if fault == "cut upload":
            self._half_upload(body)
            self._reset()
            return
        status, headers, content = self._upstream(body)
        if plan.meanwhile:
            plan.meanwhile()
        if fault == "hang":
            time.sleep(HANG_S)  # the client has given up by then
        if fault == "lost answer":
            self._reset()
            return
        if fault == "wrong etag":
            headers = [(k, '"0123abcd"' if k.lower() == "etag" else v) for k, v in headers]
        if fault == "wrong body" and content:
            content = bytes([content[0] ^ 1]) + content[1:]
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if fault == "cut body":
            self.wfile.write(content[: len(content) // 2])
            self._reset()
            return
        self.wfile.write(content)

    def _upstream(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(*self.server.target, timeout=60)
        try:
            self._send_head(connection)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        headers = [each for each in answer.getheaders() if each[0].lower() not in HOP]
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(content))))
        return answer.status, headers, content

    def _half_upload(self, body: bytes) -> None:
        """Begins the request at the server, and goes away in the middle of its body."""
        connection = http.client.HTTPConnection(*self.server.target, timeout=60)
        self._send_head(connection)
        connection.endheaders(None)
        connection.send(body[: len(body) // 2])
        connection.close()

    def _send_head(self, connection: http.client.HTTPConnection) -> None:
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                connection.putheader(name, value)

    def _refuse(self, status: int, code: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>made so by a test</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def _reset(self) -> None:
        """Ends the connection by RST."""
        self.close_connection = True
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    target: tuple[str, int]
    plan: Plan
    lock: threading.Lock


class S3Proxy:
    """The proxy; it passes everything on until it is given a plan."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.target, self._server.lock = (host, int(port)), threading.Lock()
        self._server.plan = Plan()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextmanager
    def following(self, plan: Plan) -> Iterator[Plan]:
        """Follows a plan in its block."""
        self._server.plan = plan
        try:
            yield plan
        finally:
            self._server.plan = Plan()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
