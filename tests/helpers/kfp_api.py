"""A Kubeflow Pipelines server in memory that holds every request and answer to the published API.

What a request or an answer breaks is kept in `problems`, which the fixture asserts to be empty.
"""

import contextlib
import io
import json
import re
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from tests.helpers.kfp_contract import Contract, normal

PREFIX = "/apis/v2beta1"
PAGE = 2
"""Items of a page, whatever is asked for."""
LISTS = {
    "pipelines": "pipelines",
    "versions": "pipeline_versions",
    "runs": "runs",
    "experiments": "experiments",
    "recurringruns": "recurringRuns",
}
Reply = tuple[int, Any]


class KubeflowApi:
    """State, faults and the server's address."""

    def __init__(self, swagger: Path) -> None:
        self.contract = Contract(swagger)
        self.problems: list[str] = []
        self.calls: list[str] = []
        self.queried: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[tuple[str, str, int | str | Reply, bool]] = []
        self.store: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
        self.multi_user = False
        self.outcome: dict[str, Any] | None = None
        self.logs: dict[str, str] = {}
        self.most_active: dict[str, int] = {}
        self.url = ""
        self._clock = datetime(2026, 3, 2, 3, tzinfo=UTC)
        self._lock = threading.RLock()

    def fail(self, method: str, path: str, how: int | str | Reply, *, done: bool = False) -> None:
        """The next such call fails: a status, a whole reply, or `close`; `done`: after its work."""
        self.faults.append((method, path, how, done))

    def queries(self, method: str, path: str) -> list[dict[str, str]]:
        return [query for call, query in self.queried if re.search(f"^{method} .*{path}", call)]

    def active(self, name: str) -> list[dict[str, Any]]:
        return [each for each in self.schedules(name) if each["status"] == "ENABLED"]

    def schedules(self, name: str) -> list[dict[str, Any]]:
        return [each for each in self.store["recurringruns"] if each["display_name"] == name]

    def now(self) -> str:
        self._clock += timedelta(seconds=7)
        return self._clock.isoformat().replace("+00:00", "Z")

    def handle(
        self, method: str, address: str, headers: Message, raw: bytes
    ) -> tuple[int | str, Any]:
        """Status or `close`, and the answer's body: JSON-ready, or text."""
        parts = urlsplit(address)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        with self._lock:
            self.calls.append(f"{method} {path}")
            self.queried.append((self.calls[-1], query))
            self.headers.append(dict(headers.items()))
            multipart = "multipart/form-data" in headers.get("content-type", "")
            body = self._file(headers, raw) if multipart else json.loads(raw) if raw else None
            if path.startswith(PREFIX):
                self.problems += self.contract.request(method, path, query, body)
            fault = next(
                (each for each in self.faults if each[0] == method and re.search(each[1], path)),
                None,
            )
            if fault:
                self.faults.remove(fault)
            if fault is None or fault[3]:
                status, answer = self._route(method, path, query, body)
                for name in {each["display_name"] for each in self.store["recurringruns"]}:
                    most = max(self.most_active.get(name, 0), len(self.active(name)))
                    self.most_active[name] = most
            if fault:
                how = fault[2]
                if isinstance(how, tuple):
                    return how
                if isinstance(how, str):
                    return how, None
                status, answer = how, {"code": 13, "message": f"injected {how}"}
            if path.startswith(PREFIX):
                self.problems += self.contract.answer(method, path, status, answer)
            return status, answer

    def _file(self, headers: Message, raw: bytes) -> str:
        head = f"Content-Type: {headers['content-type']}\n\n".encode()
        parts = message_from_bytes(head + raw).get_payload()
        for part in parts if isinstance(parts, list) else []:
            if (
                isinstance(part, Message)
                and part.get_param("name", header="content-disposition") == "uploadfile"
            ):
                content = part.get_payload(decode=True)
                return content.decode() if isinstance(content, bytes) else ""
        self.problems.append("upload without the form's field uploadfile")
        return ""

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        if match := re.fullmatch(r"/apis/v1alpha1/runs/([^/]+)/nodes/([^/]+)/log", path):
            text = self.logs.get(match[2])
            return (200, text) if text is not None else (500, {"error_message": "no such pod"})
        what = path.removeprefix(PREFIX).strip("/").split("/")
        if what == ["healthz"]:
            return 200, {"multi_user": self.multi_user, "pipeline_store": "database"}
        return self._resource(what, method, query, body)

    def _resource(self, what: list[str], method: str, query: dict[str, str], body: Any) -> Reply:
        if what[:2] == ["pipelines", "upload_version"]:
            return self._upload(query, body)
        if len(what) > 2 and what[2] == "versions":
            return self._collection("versions", method, query, body, pipeline_id=what[1])
        if len(what) == 1 and what[0] in LISTS:
            return self._collection(what[0], method, query, body)
        if len(what) == 2 and what[0] in LISTS:
            return self._item(what[0], method, *what[1].partition(":")[::2])
        return 404, {"code": 5, "message": f"no route {what}"}

    def _collection(
        self, kind: str, method: str, query: dict[str, str], body: Any, **belongs: str
    ) -> Reply:
        if method == "POST":
            return 200, self._make(kind, dict(body))
        result = [
            each
            for each in self.store[kind]
            if all(each.get(key) == value for key, value in belongs.items())
        ]
        if query.get("experiment_id"):
            result = [each for each in result if each["experiment_id"] == query["experiment_id"]]
        if query.get("filter"):
            for predicate in normal(json.loads(query["filter"]))["predicates"]:
                key, value = predicate["key"], predicate["string_value"]
                result = [each for each in result if each.get(key) == value]
        if query.get("sort_by") == "created_at desc":
            result.sort(key=lambda each: str(each["created_at"]), reverse=True)
        start = int(query.get("page_token") or 0)
        answer: dict[str, Any] = {"total_size": len(result)}
        if result[start : start + PAGE]:
            answer[LISTS[kind]] = result[start : start + PAGE]
        if start + PAGE < len(result):
            answer["next_page_token"] = str(start + PAGE)
        return 200, answer

    def _make(self, kind: str, built: dict[str, Any]) -> dict[str, Any]:
        key = {"runs": "run_id", "recurringruns": "recurring_run_id"}.get(kind, f"{kind[:-1]}_id")
        built |= {key: str(uuid.uuid4()), "created_at": self.now()}
        if kind == "recurringruns":
            built["status"] = f"{built['mode']}D"
        if kind == "runs":
            built["state"] = "PENDING"
        self.store[kind].append(built)
        return built

    def _upload(self, query: dict[str, str], text: str) -> Reply:
        name = query["name"]
        own = [
            each for each in self.store["versions"] if each["pipeline_id"] == query["pipelineid"]
        ]
        if any(each["display_name"] == name for each in own):
            return 409, {"code": 6, "message": f"the version {name} exists"}
        built = {
            "pipeline_id": query["pipelineid"],
            "pipeline_version_id": str(uuid.uuid4()),
            "display_name": name,
            "name": name,
            "created_at": self.now(),
            "pipeline_spec": next(yaml.safe_load_all(io.StringIO(text))),
        }
        self.store["versions"].append(built)
        return 200, built

    def _item(self, kind: str, method: str, key: str, action: str) -> Reply:
        result = next((each for each in self.store[kind] if key in each.values()), None)
        if result is None:
            return 404, {"code": 5, "message": f"{kind} {key} not found"}
        if method == "DELETE":
            self.store[kind].remove(result)
            return 200, {}
        if action:
            result["status"] = {"enable": "ENABLED", "disable": "DISABLED"}[action]
            result["mode"] = action.upper()
            return 200, {}
        if kind == "runs" and self.outcome is not None:
            steps = ["PENDING", "RUNNING", self.outcome["state"]]
            state = steps[min(steps.index(result["state"]) + 1, 2)]
            result |= self.outcome | {"state": state}
        return 200, result


@contextlib.contextmanager
def serving(api: KubeflowApi) -> Iterator[KubeflowApi]:
    """The API on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = api.handle(self.command, self.path, self.headers, raw)
            if isinstance(status, str):
                self.close_connection = True
                return
            text = isinstance(body, str)
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "https://login.example/dex?state=secret")
            html = text and body.startswith("<")
            kind = "text/html" if html else "text/plain" if text else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
