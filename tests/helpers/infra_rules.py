"""What holds for every manifest: each rule lists what breaks it."""

import re
from collections.abc import Callable, Iterator

import kubernetes_validate
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

from tests.helpers.infra import Object, made_secrets, named, of_kind, pods, walk
from tests.helpers.infra_reach import ingresses, network, rights, services

KUBERNETES = ("1.31", "1.34", "1.37")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
_TAG = rf"(:[\w.-]+)?{DIGEST.pattern}"
PINNED = re.compile(rf"^([a-z0-9][\w./-]*{_TAG}|([\w./-]+/)?mtlser(:\d+\.\d+[\w.-]*|{_TAG}))$")
"""A digest; our own image may have an exact version, until its registry gives a digest."""
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|ACCESS_KEY|API_KEY", re.IGNORECASE)
SECRET_VALUE = re.compile(
    r"://[^/@\s:]+:[^@/\s]+@|AKIA[0-9A-Z]{16}|-----BEGIN|\bey[JK][\w-]{20,}|\b[0-9a-fA-F]{32,}\b"
)
KSERVE = {"minReplicas": int, "maxReplicas": int, "scaleMetric": str, "scaleTarget": int,
          "timeout": int, "containerConcurrency": int, "canaryTrafficPercent": int,
          "annotations": dict, "labels": dict}  # fmt: skip
"""Fields that KServe's predictor has beside those of a pod (its Python models, 0.21)."""


def schemas(items: list[Object]) -> Iterator[str]:
    """Kubernetes' own schemas, old and new; the trainer's models; KServe's pod."""
    for item in items:
        if item["kind"] == "TrainJob":
            known = TrainerV1alpha1TrainJob.from_dict(item)
            assert known is not None
            yield from _lost(item, known.to_dict(), named(item))
            continue
        checked = _pod_of_kserve(item) if item["kind"] == "InferenceService" else item
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(checked, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{named(item)} on {version}: {error.message}"


def _lost(given: object, known: object, path: str) -> Iterator[str]:
    """What a model does not know it drops."""
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            if key not in known:
                yield f"{path}.{key}: no such field"
            else:
                yield from _lost(value, known[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(known, list):
        for index, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from _lost(one, other, f"{path}[{index}]")
    elif given != known:
        yield f"{path}: {given!r} is read as {known!r}"


def _pod_of_kserve(item: Object) -> Object:
    predictor = dict(item["spec"]["predictor"])
    for field, kind in KSERVE.items():
        if field in predictor and type(predictor.pop(field)) is not kind:
            predictor[field] = "has the wrong type"
    meta = {"name": item["metadata"]["name"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": predictor}


def images(items: list[Object]) -> Iterator[str]:
    """Every foreign image has a digest, our own one or an exact version."""
    for item in items:
        for path, value in walk(item):
            if path.endswith(".image") and not PINNED.match(str(value)):
                yield f"{named(item)}: image {value} is not pinned"


def no_secrets(items: list[Object]) -> Iterator[str]:
    """No value of a secret is in a manifest."""
    for item in of_kind(items, "Secret"):
        yield f"{named(item)}: a secret in git"
    for item in items:
        for path, value in walk(item):
            text = DIGEST.sub("", str(value))
            if SECRET_VALUE.search(text):
                yield f"{named(item)}{path}: looks like a secret"
    for pod in pods(items):
        for container in pod.containers():
            for entry in container.get("env", []):
                if SECRET_NAME.search(entry["name"]) and "value" in entry:
                    yield f"{pod.kind}/{pod.name}: {entry['name']} has its value in git"


def references(items: list[Object]) -> Iterator[str]:
    """Secrets, config maps, volumes and accounts that are named exist."""
    secrets = made_secrets()
    maps = {each["metadata"]["name"] for each in of_kind(items, "ConfigMap")}
    accounts = {each["metadata"]["name"] for each in of_kind(items, "ServiceAccount")}
    for pod in pods(items):
        outcome = f"{pod.kind}/{pod.name}"
        if pod.spec.get("serviceAccountName", "default") not in accounts | {"default"}:
            yield f"{outcome}: no service account {pod.spec['serviceAccountName']}"
        volumes = {each["name"]: each for each in pod.spec.get("volumes", [])}
        for volume in volumes.values():
            secret = volume.get("secret", {}).get("secretName")
            if secret and (pod.namespace, secret) not in secrets:
                yield f"{outcome}: no secret {secret}"
            if "configMap" in volume and volume["configMap"]["name"] not in maps:
                yield f"{outcome}: no config map {volume['configMap']['name']}"
        for container in pod.containers():
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in {*volumes, *pod.claims}:
                    yield f"{outcome}: no volume {mount['name']}"
            for entry in container.get("env", []):
                wanted = entry.get("valueFrom", {}).get("secretKeyRef", {})
                if wanted.get("optional", not wanted):
                    continue
                if wanted["key"] not in secrets.get((pod.namespace, wanted["name"]), {}):
                    yield f"{outcome}: no secret {wanted['name']} with {wanted['key']}"


def resources(items: list[Object]) -> Iterator[str]:
    """Every container asks for processors and memory, and is limited in both."""
    for pod in pods(items):
        for container in pod.containers():
            given = container.get("resources", {})
            for part in ("requests", "limits"):
                missing = {"cpu", "memory"} - set(given.get(part, {}))
                if missing:
                    yield f"{pod.kind}/{pod.name} {container['name']}: no {part} of {missing}"


def ends(items: list[Object]) -> Iterator[str]:
    """A server is probed; a job ends."""
    for pod in pods(items):
        if pod.kind in {"Job", "CronJob", "TrainJob"}:
            continue
        for container in pod.spec["containers"]:
            missing = {"livenessProbe", "readinessProbe", "startupProbe"} - set(container)
            if missing:
                yield f"{pod.kind}/{pod.name} {container['name']}: no {sorted(missing)}"
    for item in of_kind(items, "Job", "CronJob", "TrainJob"):
        job = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
        if "activeDeadlineSeconds" not in job:
            yield f"{named(item)}: no activeDeadlineSeconds"
        if item["kind"] != "TrainJob" and "backoffLimit" not in job:
            yield f"{named(item)}: no backoffLimit"


def init(items: list[Object]) -> Iterator[str]:
    """Our image's init stays the first process: `command` would take its place, `args` do not.

    torchrun, which a TrainJob starts, handles SIGTERM itself.
    """
    for pod in pods(items):
        for container in pod.containers():
            ours = re.search(r"(^|/)mtlser[:@]", container["image"])
            if pod.kind != "TrainJob" and ours and "command" in container:
                yield f"{pod.kind}/{pod.name} {container['name']}: replaces the image's init"


def security(items: list[Object]) -> Iterator[str]:
    """Kubernetes' `restricted` standard, and a root file system that cannot be written."""
    for pod in pods(items):
        outcome, context = f"{pod.kind}/{pod.name}", pod.spec.get("securityContext", {})
        if not (context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0):
            yield f"{outcome}: may run as root"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{outcome}: no seccomp profile"
        if any(pod.spec.get(each) for each in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{outcome}: shares the host"
        if any("hostPath" in each for each in pod.spec.get("volumes", [])):
            yield f"{outcome}: mounts the host"
        for container in pod.containers():
            own, name = container.get("securityContext", {}), container["name"]
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{outcome} {name}: can write its root file system"
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield f"{outcome} {name}: may gain privileges"
            if own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{outcome} {name}: keeps capabilities"
            if own.get("runAsUser") == 0 or own.get("runAsNonRoot") is False:
                yield f"{outcome} {name}: may run as root"


RULES: dict[str, Callable[[list[Object]], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        schemas, images, no_secrets, references, resources, ends, init, security, services,
        ingresses, network, rights,
    )
}  # fmt: skip
