"""The manifests of `infra/`, rendered by kustomize, and the pods that they would start."""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
OVERLAYS = {
    "dev": INFRA / "kustomize" / "overlays" / "dev",
    "production": INFRA / "kustomize" / "overlays" / "production",
    "exposed": INFRA / "kustomize" / "overlays" / "exposed",
    "trainjob": INFRA / "trainjob",
    "watch": INFRA / "kustomize" / "watch",
}
PARTS = ("dev", "production", "exposed", "trainjob", "watch")

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """What one workload starts."""

    kind: str
    name: str
    namespace: str
    labels: dict[str, str]
    spec: Object
    replicas: int = 1
    claims: tuple[str, ...] = ()

    def containers(self) -> list[Object]:
        """Its containers, those that run first included."""
        containers: list[Object] = self.spec["containers"]
        return [*self.spec.get("initContainers", []), *containers]


def words(container: Object) -> list[str]:
    """What a container runs, but for an init of its image's."""
    return [*container.get("command", []), *container.get("args", [])]


def tool(name: str) -> str:
    """The path of a command that came with a test package."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name


def kustomize(folder: Path) -> list[Object]:
    """The objects of an overlay, as a cluster gets them."""
    done = subprocess.run(
        [tool("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


@cache
def _rendered(part: str) -> list[Object]:
    return kustomize(OVERLAYS[part])


def render(part: str) -> list[Object]:
    """The objects of one of the overlays, the caller's own copy."""
    return copy.deepcopy(_rendered(part))


@cache
def secrets_text() -> str:
    """What the documented command prints."""
    command = [sys.executable, str(INFRA / "make_secrets.py"), "--steps-namespace", "kubeflow"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def made_secrets() -> dict[tuple[str, str], dict[str, str]]:
    """Keys and values by namespace and name."""
    items = json.loads(secrets_text())["items"]
    return {
        (each["metadata"]["namespace"], each["metadata"]["name"]): each["stringData"]
        for each in items
    }


def compose(*over: Path, **environment: str) -> Object:
    """`infra/compose.yaml`, with files laid over it, as Docker Compose itself resolves it."""
    place = ["--env-file", "/dev/null", "-f", str(INFRA / "compose.yaml")]
    place += [word for path in over for word in ("-f", str(path))]
    done = subprocess.run(
        [tool("docker-compose"), *place, "config", "--format=json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
    )
    assert done.returncode == 0, done.stderr
    content: Object = json.loads(done.stdout)
    return content


def named(item: Object) -> str:
    """`Kind/name`, for messages."""
    return f"{item['kind']}/{item['metadata']['name']}"


def of_kind(items: list[Object], *kinds: str) -> list[Object]:
    """The objects of some kinds."""
    return [each for each in items if each["kind"] in kinds]


def walk(node: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of an object with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{path}[{index}]")
    else:
        yield path, node


def pods(items: list[Object]) -> list[Pod]:
    """What the workloads among the objects start."""
    return [pod for each in items if (pod := _pod(each)) is not None]


def _pod(item: Object) -> Pod | None:
    meta, spec = item["metadata"], item.get("spec", {})
    if item["kind"] == "CronJob":
        template = spec["jobTemplate"]["spec"]["template"]
        labels = template["metadata"]["labels"]
        return Pod(item["kind"], meta["name"], meta["namespace"], labels, template["spec"])
    if item["kind"] in {"Deployment", "StatefulSet", "Job"}:
        claims = tuple(each["metadata"]["name"] for each in spec.get("volumeClaimTemplates", []))
        template = spec["template"]
        labels = template["metadata"]["labels"]
        count = spec.get("replicas", 1)
        return Pod(
            item["kind"], meta["name"], meta["namespace"], labels, template["spec"], count, claims
        )
    if item["kind"] == "InferenceService":
        labels = {"serving.kserve.io/inferenceservice": meta["name"], "component": "predictor"}
        predictor = spec["predictor"]
        count = predictor["minReplicas"]
        return Pod(item["kind"], meta["name"], meta["namespace"], labels, predictor, count)
    if item["kind"] == "TrainJob":
        return Pod(item["kind"], meta["name"], meta["namespace"], {}, _of_train_job(spec))
    return None


def _of_train_job(spec: Object) -> Object:
    """The pod of a node, as the trainer and the patches of its runtime make it."""
    trainer = spec["trainer"]
    (job,) = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    patch: Object = job["template"]["spec"]["template"]["spec"]
    (container,) = patch["containers"]
    node = {
        **container,
        "image": trainer["image"],
        "command": trainer["command"],
        "args": trainer["args"],
        "env": trainer["env"],
        "resources": trainer["resourcesPerNode"],
    }
    return {**patch, "containers": [node]}
