"""A webhook, and a Kubernetes API of one InferenceService, as servers of this process."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server with this handler."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Answers(BaseHTTPRequestHandler):
    """Answers JSON, and logs nothing."""

    def body(self) -> Any:
        """What was sent, as JSON."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, code: int, content: object) -> None:
        """Ends the request."""
        sent = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *words: object) -> None:
        """Nothing is shown."""


@contextmanager
def webhook(told: list[dict[str, Any]]) -> Iterator[str]:
    """The address of a webhook that adds what it is told to a list."""

    class Hook(Answers):
        def do_POST(self) -> None:
            told.append(self.body())
            self.answer(200, {})

    with listening(Hook) as address:
        yield f"{address}/hook"


@contextmanager
def kubernetes(service: dict[str, Any], path: str, token: str) -> Iterator[str]:
    """The address of an API that holds one object at a path and merges patches of annotations."""

    class Api(Answers):
        def refused(self) -> bool:
            if self.headers["Authorization"] != f"Bearer {token}":
                self.answer(401, {"reason": "Unauthorized"})
            elif self.path != path:
                self.answer(403, {"reason": "Forbidden"})
            else:
                return False
            return True

        def do_GET(self) -> None:
            if not self.refused():
                self.answer(200, service)

        def do_PATCH(self) -> None:
            if self.refused():
                return
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            patch = self.body()
            assert patch.keys() == {"spec"}
            added = patch["spec"]["predictor"]["annotations"]
            service["spec"]["predictor"].setdefault("annotations", {}).update(added)
            service["generation"] = service.get("generation", 1) + 1
            self.answer(200, service)

    with listening(Api) as address:
        yield address
