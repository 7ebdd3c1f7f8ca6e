"""The served model as an ASGI application: what MLflow's scoring server answers, within limits.

| request | answer |
|---|---|
| `GET /ping`, `GET /health` | 200 |
| `GET /version` | mtlser's version |
| `GET /metadata` | which model this is: version, digest, classes, limits |
| `GET /metrics` | requests, seconds and audio so far, for Prometheus |
| `POST /invocations` | `{"predictions": [...]}`; header `X-Model` names the version |

A body is counted while it comes in, and refused before it is held; one request is predicted at a
time. Nothing of the registered model but its weights is loaded: no code comes from the registry.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mtlser import runtime
from mtlser.evaluation.predictor import predict_wavs
from mtlser.records import SAMPLE_RATE_HZ
from mtlser.serving import requests
from mtlser.serving.counted import PROMETHEUS, Answers
from mtlser.serving.load import Located, file_prediction
from mtlser.serving.requests import RefusedError

if TYPE_CHECKING:
    from mtlser.models.bundle import TrainedModel

MOST_HELD = 2 * requests.MOST_BODY
"""Bytes of all bodies that wait to be predicted."""
BODY_S = 60.0
"""How long a body may take to come in."""
WAIT_S = 60.0
"""How long a request waits for those before it."""
LINGER_S = 5.0
"""How long the rest of a refused body is read and dropped: so long its sender can read why."""

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """Status and content of an answer."""

    status: int
    content: bytes = b"\n"
    kind: str = "application/json"


class StopError(Exception):
    """A request that is answered before its body is read to the end."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.reply = refusal(status, sentence)


def refusal(status: int, sentence: str) -> Reply:
    """An error as MLflow's server words it."""
    code = "INTERNAL_ERROR" if status >= 500 else "INVALID_PARAMETER_VALUE"
    return Reply(status, json.dumps({"error_code": code, "message": sentence}).encode())


@dataclass
class Service:
    """A loaded model and the requests to it; called by an ASGI server."""

    model: "TrainedModel"
    located: Located
    held: int = 0
    """Bytes of bodies in memory."""
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    worker: Executor = field(default_factory=lambda: ThreadPoolExecutor(1))
    """One thread, since the allocator holds freed memory for each."""
    counted: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.counted = Answers(self.name)

    @property
    def name(self) -> str:
        """Which model answers: `models:/mtlser/3`; a model from no registry has none."""
        return self.located.version.place if self.located.version else "unregistered"

    def about(self) -> dict[str, object]:
        """What `/metadata` says."""
        said, known = self.model.description, self.located.version
        return {
            "model": self.name,
            "alias": known.alias if known else "",
            "model_sha256": known.model_sha256 if known else "",
            "recipe_hash": said.recipe_hash,
            "emotions": said.emotions,
            "language": said.language,
            "mtlser": version("mtlser"),
            "most": {
                "body_bytes": requests.MOST_BODY,
                "clips": requests.MOST_CLIPS,
                "clip_bytes": requests.MOST_BYTES,
                "clip_seconds": requests.MOST.seconds,
                "clip_channels": requests.MOST.channels,
                "seconds": requests.MOST_SECONDS,
            },
        }

    def predicted(self, body: bytearray) -> Reply:
        """The answer to the body of a request, which is emptied once it is read."""
        length = len(body)
        try:
            texts = requests.texts(body)
            body.clear()
            wavs = requests.decoded(texts, self.model.description.channels)
            outputs = predict_wavs(self.model, wavs)
            self.counted.predicted(sum(map(len, wavs)) / SAMPLE_RATE_HZ)
        except RefusedError as error:
            return refusal(400, str(error))
        except (Exception, MemoryError):
            log.exception("a request of %d bytes failed", length)
            return refusal(500, "the clips could not be predicted; the server's log says why")
        finally:
            runtime.return_freed_memory()
        rows = [requests.row_of(file_prediction("", output)) for output in outputs]
        return Reply(200, json.dumps({"predictions": rows}).encode())

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        begun = time.monotonic()
        try:
            reply = await self._answer(scope, receive)
        except StopError as stop:
            self._count(scope, stop.reply, begun)
            await self._send(send, stop.reply, more=True)
            await _drop(receive)
            await send({"type": "http.response.body", "body": b""})
            return
        self._count(scope, reply, begun)
        await self._send(send, reply, more=False)

    def _count(self, scope: Mapping[str, Any], reply: Reply, begun: float) -> None:
        if scope["path"] == "/invocations":
            self.counted.answered(reply.status, time.monotonic() - begun)

    async def _answer(self, scope: Mapping[str, Any], receive: Receive) -> Reply:
        asked = (scope["method"], scope["path"])
        if asked in {("GET", "/ping"), ("GET", "/health")}:
            return Reply(200)
        if asked == ("GET", "/version"):
            return Reply(200, version("mtlser").encode())
        if asked == ("GET", "/metadata"):
            return Reply(200, json.dumps(self.about()).encode())
        if asked == ("GET", "/metrics"):
            return Reply(200, self.counted.text(), PROMETHEUS)
        if asked != ("POST", "/invocations"):
            raise StopError(404, "nothing is here; expected POST /invocations or GET /metadata")
        headers = {name.lower(): value for name, value in scope["headers"]}
        _check_headers(headers)
        taken = _Taken(self)
        try:
            body = await _in_time(
                self._body(receive, taken), BODY_S, 408, "the body came too slowly"
            )
            await _in_time(self.turn.acquire(), WAIT_S, 503, "others are served; try again later")
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self.worker, self.predicted, body)
            finally:
                self.turn.release()
        finally:
            self.held -= taken.bytes

    async def _body(self, receive: Receive, taken: "_Taken") -> bytearray:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise StopError(400, "the connection was closed")
            part = message.get("body", b"")
            taken.add(len(part))
            body += part
            if not message.get("more_body", False):
                return body

    async def _send(self, send: Send, reply: Reply, *, more: bool) -> None:
        headers = {
            "content-type": reply.kind,
            "content-length": str(len(reply.content)),
            "x-model": self.name,
            "x-content-type-options": "nosniff",
        }
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": reply.content, "more_body": more})


@dataclass
class _Taken:
    """What one request has of the bytes that all may hold."""

    service: Service
    bytes: int = 0

    def add(self, count: int) -> None:
        self.bytes += count
        self.service.held += count
        if self.bytes > requests.MOST_BODY:
            raise StopError(413, _too_large())
        if self.service.held > MOST_HELD:
            raise StopError(503, "too many requests at once; try again later")


def _check_headers(headers: Mapping[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"").decode("latin-1").replace(" ", "").lower()
    if kind not in {"application/json", "application/json;charset=utf-8"}:
        raise StopError(415, "another Content-Type than application/json; send JSON in UTF-8")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > requests.MOST_BODY:
        raise StopError(413, _too_large())


def _too_large() -> str:
    return f"a request of over {requests.MOST_BODY >> 20} MiB; send fewer or shorter clips"


async def _in_time(doing: Awaitable[Any], most_s: float, status: int, sentence: str) -> Any:
    try:
        return await asyncio.wait_for(doing, most_s)
    except TimeoutError:
        raise StopError(status, sentence) from None


async def _drop(receive: Receive) -> None:
    """Reads what is left of a body, for a while."""
    try:
        async with asyncio.timeout(LINGER_S):
            while True:
                message = await receive()
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
