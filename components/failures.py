"""How the steps of a Kubeflow run ended and which failed, as its API tells a step of that run.

Kubeflow gives the exit handler a state without an error, which is `RUNNING` after a step that was
killed and after a branch that was not taken alike; its list of tasks holds neither the errors nor
the pods of the tasks. The workflow that ran them does: the API serves it beside the run.
"""

import base64
import gzip
import json
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlser.errors import public_text
from mtlser.tracking.webhook import Failure

ENDPOINT = "KF_PIPELINES_ENDPOINT"
INSIDE = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
"""Where Kubeflow's own installation has its API."""
TOKEN_FILE = Path("/var/run/secrets/kubeflow/pipelines/token")
ANSWER_S = 30.0
LINES = 12
"""Of the end of a log."""
ATTEMPT = re.compile(r"\(\d+\)$")
"""End of the name of one attempt at a node, which Argo lists beside the node where it may retry:
with the configuration that Kubeflow ships, at every node."""
UNDECIDED = "RUNNING"
"""Kubeflow's word for steps of which its metadata store was not told that they ended."""
HANDLED = re.compile(r"exit-handler-\d+")
"""Display name of the node of all steps that the exit handler is for."""
OF_LAUNCHER = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d|\[KFP Executor|time=\S+ level=")

log = logging.getLogger(__name__)


def of_run(run: str, told: str) -> tuple[str, list[Failure]]:
    """How a run's steps ended, and those that failed for good, with the end of the first one's log.

    As told and none, and a warning, where the API is away or this pod's account may not ask it.

    Args:
        run: id of the Kubeflow run.
        told: the state that Kubeflow gave the exit handler; any other than `RUNNING` stays.
    """
    try:
        manifest = json.loads(_get(f"/apis/v1beta1/runs/{run}"))["pipeline_runtime"]
        workflow = json.loads(manifest["workflow_manifest"])
        found = failures(workflow)
        state = (told == UNDECIDED and ended(workflow)) or told
        return state, [_with_log(run, each) if each is found[0] else each for each in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("what failed was not asked for: %s: %s", type(error).__name__, error)
        return told, []


def ended(workflow: Mapping[str, Any]) -> str | None:
    """How the steps of an Argo workflow ended, in words of Kubeflow's API; `None`: not yet."""
    phases = {
        node["phase"]
        for node in _nodes(workflow)
        if HANDLED.fullmatch(node["name"].rpartition(".")[2])
    }
    if "Succeeded" in phases:
        return "SUCCEEDED"
    return "FAILED" if phases & {"Failed", "Error"} else None


def failures(workflow: Mapping[str, Any]) -> list[Failure]:
    """The pods of an Argo workflow that failed and whose step did not succeed after all.

    Args:
        workflow: the object as JSON; its nodes may be compressed.
    """
    nodes = _nodes(workflow)
    phases = {node["name"]: node["phase"] for node in nodes}
    failed = [
        node
        for node in nodes
        if node["type"] == "Pod"
        and node["phase"] in {"Failed", "Error"}
        and phases.get(ATTEMPT.sub("", node["name"])) != "Succeeded"
    ]
    failed.sort(key=lambda node: node.get("finishedAt") or "")
    own = workflow["metadata"]["name"]
    return [
        Failure(
            step=_step(node["name"]),
            pod=f"{own}-{node['templateName']}-{node['id'].rpartition('-')[2]}",
            node=node["id"],
            message=node.get("message", ""),
        )
        for node in failed
    ]


def _nodes(workflow: Mapping[str, Any]) -> list[dict[str, Any]]:
    status = workflow["status"]
    nodes = status.get("nodes") or {}
    if status.get("compressedNodes"):
        nodes = json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"])))
    return list(nodes.values())


def _step(name: str) -> str:
    """The step of a node, from the path that is its name.

    >>> _step("mtlser-1(0).root(0).search-steps(0).search(0).executor(1)")
    'search'
    >>> _step("mtlser-1.root.ingest-driver")
    'ingest-driver'
    """
    *path, last = (ATTEMPT.sub("", part) for part in name.split("."))
    return path[-1] if last == "executor" and path else last


def _with_log(run: str, failure: Failure) -> Failure:
    """The failure with the last lines that its step wrote, without Kubeflow's own."""
    try:
        text = _get(f"/apis/v1alpha1/runs/{run}/nodes/{failure.node}/log")
        if is_refusal(text):
            raise OSError("the API has no log of it")
    except OSError as error:
        log.warning("the log of %s was not read: %s", failure.pod, error)
        return failure
    own = [line for line in text.splitlines() if line.strip() and not OF_LAUNCHER.match(line)]
    return failure.model_copy(update={"log": public_text("\n".join(own[-LINES:]))})


def is_refusal(text: str) -> bool:
    """Whether Kubeflow's API answers a question for a log, with status 200, that it has none."""
    return text.startswith('{"error_message":')


def _get(path: str) -> str:
    base = os.environ.get(ENDPOINT, "").rstrip("/") or INSIDE
    headers = {"Accept": "application/json"}
    if TOKEN_FILE.is_file():
        headers["Authorization"] = f"Bearer {TOKEN_FILE.read_text(encoding='utf-8').strip()}"
    request = urllib.request.Request(f"{base}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
        return str(answer.read().decode("utf-8", "replace"))
