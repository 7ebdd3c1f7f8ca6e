"""Which steps of a Kubeflow run failed, as its API tells a step of that run.

Kubeflow gives the exit handler a state without an error, and its list of tasks holds neither the
errors nor the pods of the tasks. The workflow that ran them does: the API serves it beside the run.
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
OF_LAUNCHER = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d|\[KFP Executor|time=\S+ level=")

log = logging.getLogger(__name__)


def of_run(run: str) -> list[Failure]:
    """The steps of a run that failed for good, the first one first, with the end of its log.

    Empty, and a warning, where the API is away or this pod's account may not ask it.

    Args:
        run: id of the Kubeflow run.
    """
    try:
        manifest = json.loads(_get(f"/apis/v1beta1/runs/{run}"))["pipeline_runtime"]
        found = failures(json.loads(manifest["workflow_manifest"]))
        return [_with_log(run, each) if each is found[0] else each for each in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("what failed was not asked for: %s: %s", type(error).__name__, error)
        return []


def failures(workflow: Mapping[str, Any]) -> list[Failure]:
    """The pods of an Argo workflow that failed and whose step did not succeed after all.

    Args:
        workflow: the object as JSON; its nodes may be compressed.
    """
    status = workflow["status"]
    nodes = status.get("nodes") or {}
    if status.get("compressedNodes"):
        nodes = json.loads(gzip.decompress(base64.b64decode(status["compressedNodes"])))
    ended = {node["name"]: node["phase"] for node in nodes.values()}
    failed = [
        node
        for node in nodes.values()
        if node["type"] == "Pod"
        and node["phase"] in {"Failed", "Error"}
        and ended.get(ATTEMPT.sub("", node["name"])) != "Succeeded"
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
    except OSError as error:
        log.warning("the log of %s was not read: %s", failure.pod, error)
        return failure
    own = [line for line in text.splitlines() if line.strip() and not OF_LAUNCHER.match(line)]
    return failure.model_copy(update={"log": public_text("\n".join(own[-LINES:]))})


def _get(path: str) -> str:
    base = os.environ.get(ENDPOINT, "").rstrip("/") or INSIDE
    headers = {"Accept": "application/json"}
    if TOKEN_FILE.is_file():
        headers["Authorization"] = f"Bearer {TOKEN_FILE.read_text(encoding='utf-8').strip()}"
    request = urllib.request.Request(f"{base}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
        return str(answer.read().decode("utf-8", "replace"))
