"""Runs on a Kubeflow Pipelines server: submit, follow, find, and read what their tasks did."""

import contextlib
import io
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kfp_server_api import V2beta1Run

from components.failures import ATTEMPT, is_refusal
from mtlser.errors import MtlserError
from pipeline.server.connection import Server, ServerError, Settings
from pipeline.server.nodes import executors
from pipeline.server.packages import Package

PAGE = 100
"""Items asked for at once."""
POLL_S = 5.0
PATIENCE_S = 900.0
"""How long a run is followed past a server that does not answer."""
FINAL = frozenset({"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"})
GOOD = frozenset({"SUCCEEDED", "SKIPPED"})
RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MACHINERY = re.compile(r"(root|executor|.*-driver|.*\.onExit)")
"""Kubeflow's own nodes beside the DAG's steps."""
WRAPPER = re.compile(r"(for-loop|iteration|iteration-item|condition|exit-handler)\b.*")
"""Nodes that fail because one inside them did."""


@dataclass(frozen=True)
class Task:
    """One step of a run; times in UTC."""

    key: str
    """The server's own id: two steps may share a name."""
    name: str
    state: str
    started: datetime | None
    finished: datetime | None
    error: str
    pods: tuple[str, ...]

    @property
    def was_reused(self) -> bool:
        """Whether it has ended well in no time: its outputs are of an earlier run."""
        return self.state in GOOD and seconds(self.started, self.finished) == 0


def connect() -> Server:
    """The server that the environment names; see `connection.Settings`."""
    return Server(Settings.read())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps kfp's own lines off stdout."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def pages(call: Callable[..., Any], items: str, **query: Any) -> Iterator[Any]:
    """Yields what a listing call gives, page after page."""
    token = ""
    while True:
        answer = call(page_token=token, page_size=PAGE, **query)
        yield from getattr(answer, items) or []
        token = answer.next_page_token or ""
        if not token:
            return


def named(name: str) -> str:
    """The API's filter for one display name."""
    predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name}
    return json.dumps({"predicates": [predicate]})


def experiment(server: Server, name: str) -> str:
    """Id of the experiment, made where there is none."""
    with quiet():
        try:
            created = server.create_experiment(name, namespace=server.namespace)
        except ValueError as error:
            raise MtlserError(f"--experiment {name!r}: {error}; give another name") from None
    return str(created.experiment_id)


def submit(
    server: Server,
    package: Package,
    arguments: dict[str, Any],
    name: str,
    experiment_name: str,
    service_account: str | None = None,
) -> str:
    """Id of the new run; its pods run as `service_account`, or as the server's default."""
    place = experiment(server, experiment_name)
    with tempfile.TemporaryDirectory(prefix="mtlser-") as folder, quiet():
        path = package.write(Path(folder))
        created = server.run_pipeline(
            place, name, str(path), params=arguments, service_account=service_account
        )
    return str(created.run_id)


def follow(server: Server, run_id: str, tell: Callable[[str], None]) -> V2beta1Run:
    """The run once it has ended; `tell` hears each change of a task's state.

    A server that does not answer for a while is waited for.
    """
    seen: dict[str, str] = {}
    answered = time.monotonic()
    while True:
        try:
            run = server.get_run(run_id)
        except ServerError as error:
            if error.status != 0 and error.status < 500:
                raise
            if time.monotonic() - answered > PATIENCE_S:
                raise
            tell(f"{error}; still waiting")
        else:
            answered = time.monotonic()
            for task in tasks(run):
                if seen.get(task.key) != task.state:
                    seen[task.key] = task.state
                    tell(f"{task.name}: {task.state.lower()}")
            if run.state in FINAL:
                return run
        time.sleep(POLL_S)


def find(server: Server, wanted: str) -> V2beta1Run:
    """The run of that id, else the newest of that name.

    Raises:
        MtlserError: there is none.
    """
    if RUN_ID.fullmatch(wanted):
        try:
            return server.get_run(wanted)
        except ServerError as error:
            if error.status != 404:
                raise
    listed = pages(
        server.list_runs,
        "runs",
        sort_by="created_at desc",
        filter=named(wanted),
        namespace=server.namespace,
    )
    for run in listed:
        if run.display_name == wanted:
            return server.get_run(run.run_id)
    raise MtlserError(f"{wanted}: no such run; `mtlser-pipeline status` lists the last ones")


def recent(server: Server, count: int) -> list[V2beta1Run]:
    """The last runs, newest first."""
    listed = pages(server.list_runs, "runs", sort_by="created_at desc", namespace=server.namespace)
    return [run for run, _ in zip(listed, range(count), strict=False)]


def ended(run: V2beta1Run) -> datetime | None:
    """When the run ended; `None` where it has not."""
    return _time(run.finished_at) if run.state in FINAL else None


def tasks(run: V2beta1Run) -> list[Task]:
    """The run's steps in the order they began, without Kubeflow's own nodes."""
    details = (run.run_details.task_details if run.run_details else None) or []
    by_key = {key: each for each in details for key in (each.task_id, each.pod_name) if key}
    own, nodes = _own(details), executors(details)
    steps = [
        Task(
            key=each.task_id or each.display_name,
            name=each.display_name,
            state=each.state or "PENDING",
            started=_time(each.start_time),
            finished=_time(each.end_time),
            error=_first_line(each.error.message if each.error else ""),
            pods=tuple(dict.fromkeys(_pods(each, by_key))) or nodes.get(each.display_name, ()),
        )
        for each in details
        if each.display_name in own
    ]
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(steps, key=lambda task: (task.started or never, task.name))


def failed(run: V2beta1Run) -> list[str]:
    """Names of the steps that failed; a wrapper around them only where nothing else did."""
    details = (run.run_details.task_details if run.run_details else None) or []
    own = _own(details)
    names = [
        ATTEMPT.sub("", each.display_name).removesuffix("-driver")
        for each in details
        if each.state == "FAILED" and each.display_name
    ]
    steps = [name for name in dict.fromkeys(names) if name in own]
    inner = [name for name in steps if not WRAPPER.fullmatch(name) and not name.endswith("-steps")]
    return inner or steps


def _own(details: Sequence[Any]) -> set[str]:
    """Names of the DAG's own nodes: neither Kubeflow's, nor attempts, nor the workflow itself."""
    names = {each.display_name for each in details if each.display_name}
    children = (child.pod_name for each in details for child in each.child_tasks or [])
    workflows = {node.rpartition("-")[0] for node in children if node}
    return {
        name
        for name in names - workflows
        if not MACHINERY.fullmatch(name) and not ATTEMPT.search(name)
    }


def log(server: Server, run_id: str, pod: str) -> str | None:
    """What a pod wrote; `None` where the server does not give it.

    The published API has no logs. The server's own, undocumented route is asked, which reads the
    pod while it exists, and an archive where the cluster keeps one.
    """
    route = "/apis/v1alpha1/runs/{run}/nodes/{node}/log"
    try:
        answer = server.get_stream(route, run=run_id, node=pod)
    except ServerError as error:
        if error.status in {0, 401}:
            raise
        return None
    text = str(answer.data.decode("utf-8", "replace"))
    html = "html" in (answer.headers.get("content-type") or "")
    return None if html or is_refusal(text) else text


def seconds(started: datetime | None, finished: datetime | None) -> float | None:
    """Duration so far; `None` for what has not begun."""
    if started is None or _time(started) is None:
        return None
    end = _time(finished) or datetime.now(UTC)
    return max(0.0, (end - started).total_seconds())


def _pods(detail: Any, by_key: dict[str, Any]) -> Iterator[str]:
    """Yields the pods of a step's containers: its own, or that of its `executor` child."""
    inner = [
        by_key[key]
        for child in detail.child_tasks or []
        for key in (child.task_id, child.pod_name)
        if key in by_key
    ]
    executors = [each for each in inner if each.display_name == "executor"]
    for each in executors:
        if each.pod_name:
            yield each.pod_name
    if not executors and detail.pod_name and not WRAPPER.fullmatch(detail.display_name):
        yield detail.pod_name


def _time(moment: datetime | None) -> datetime | None:
    """The moment; `None` also for the year 1 that Go writes for none."""
    return moment if moment is not None and moment.year > 1970 else None


def _first_line(text: str | None) -> str:
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")
