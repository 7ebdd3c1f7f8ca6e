"""A fault planted in the rendered manifests turns its rule red."""

from collections.abc import Callable

import pytest

from tests.helpers.infra import Object, of_kind, render
from tests.helpers.infra_rules import RULES


def one(items: list[Object], kind: str, name: str) -> Object:
    """The object of a kind with a name."""
    (result,) = [each for each in of_kind(items, kind) if each["metadata"]["name"] == name]
    return result


def spec(items: list[Object], kind: str, name: str) -> Object:
    """Its pod's specification."""
    result: Object = one(items, kind, name)["spec"]
    inner: Object = result["predictor"] if "predictor" in result else result["template"]["spec"]
    return inner


def first(items: list[Object], kind: str = "Deployment", name: str = "mlflow") -> Object:
    """The first container of its pod."""
    result: Object = spec(items, kind, name)["containers"][0]
    return result


def ingress(items: list[Object], name: str) -> Object:
    """What a network policy lets in."""
    rule: Object = one(items, "NetworkPolicy", name)["spec"]["ingress"][0]
    return rule


FAULTS: dict[str, tuple[str, Callable[[list[Object]], object]]] = {
    "a misspelt field": ("schemas", lambda i: first(i).update(imagePullPolice="Always")),
    "a text for a number": (
        "schemas", lambda i: one(i, "Deployment", "mlflow")["spec"].update(replicas="1")),
    "a field KServe lacks": (
        "schemas", lambda i: spec(i, "InferenceService", "mtlser").update(minReplica=2)),
    "a wrong type for KServe": (
        "schemas", lambda i: spec(i, "InferenceService", "mtlser").update(minReplicas="2")),
    "no version": ("images", lambda i: first(i).update(image="registry.example/mtlser")),
    "latest": ("images", lambda i: first(i).update(image="registry.example:5000/mtlser:latest")),
    "a foreign tag": ("images", lambda i: first(i, "StatefulSet", "s3").update(image="weed:4.48")),
    "a moving tag": ("images", lambda i: first(i, "StatefulSet", "s3").update(image="weed:4")),
    "a secret": ("no_secrets", lambda i: i.append(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {}})),
    "a password as a value": ("no_secrets", lambda i: first(i)["env"].append(
        {"name": "PGPASSWORD", "value": "x"})),
    "a password in an address": ("no_secrets", lambda i: first(i)["args"].append(
        "--backend-store-uri=postgresql://mlflow:hunter2@postgres/mlflow")),
    "a key in an argument": (
        "no_secrets", lambda i: first(i)["args"].append("--key=" + "af" * 20)),
    "a server without an init": ("init", lambda i: first(i).update(command=["mlflow"])),
    "a secret nobody makes": ("references", lambda i: first(i)["env"].append(
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "mtlser-s3", "key": "acces-key"}}})),
    "a volume that is absent": ("references", lambda i: first(i)["volumeMounts"].append(
        {"name": "cache", "mountPath": "/cache"})),
    "an account that is absent": (
        "references", lambda i: spec(i, "Deployment", "mlflow").update(serviceAccountName="ml")),
    "no limit": ("resources", lambda i: first(i)["resources"].pop("limits")),
    "no request of memory": (
        "resources", lambda i: first(i)["resources"]["requests"].pop("memory")),
    "no readiness": ("ends", lambda i: first(i).pop("readinessProbe")),
    "no liveness of KServe": (
        "ends", lambda i: first(i, "InferenceService", "mtlser").pop("livenessProbe")),
    "a job without an end": ("ends", lambda i: i.append(
        {**one(i, "Deployment", "mlflow"), "apiVersion": "batch/v1", "kind": "Job"})),
    "root": ("security", lambda i: spec(i, "Deployment", "mlflow")["securityContext"].update(
        runAsUser=0)),
    "root in one container": (
        "security", lambda i: first(i)["securityContext"].update(runAsUser=0)),
    "a writable root": ("security", lambda i: first(i)["securityContext"].pop(
        "readOnlyRootFilesystem")),
    "capabilities": ("security", lambda i: first(i)["securityContext"].update(
        capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]})),
    "escalation": ("security", lambda i: first(i)["securityContext"].pop(
        "allowPrivilegeEscalation")),
    "an init container as root": ("security", lambda i: spec(i, "Deployment", "mlflow")[
        "initContainers"][0].pop("securityContext")),
    "no seccomp": ("security", lambda i: spec(i, "StatefulSet", "s3")["securityContext"].pop(
        "seccompProfile")),
    "the host's network": ("security", lambda i: spec(i, "StatefulSet", "s3").update(
        hostNetwork=True)),
    "a service without pods": (
        "services", lambda i: one(i, "Service", "mlflow")["spec"].update(selector={"app": "x"})),
    "a service on no port": ("services", lambda i: one(i, "Service", "s3")["spec"]["ports"][
        0].update(targetPort=9000)),
    "a budget that blocks a drain": ("services", lambda i: one(
        i, "PodDisruptionBudget", "predictor")["spec"].update(minAvailable=2)),
    "no default": ("network", lambda i: i.remove(one(i, "NetworkPolicy", "default-deny"))),
    "a policy about nothing": ("network", lambda i: one(i, "NetworkPolicy", "postgres")["spec"][
        "podSelector"].update(matchLabels={"app": "postgres"})),
    "an unknown peer": ("network", lambda i: ingress(i, "postgres").update(
        {"from": [{"podSelector": {"matchLabels": {"app": "mlflow"}}}]})),
    "an open database": ("network", lambda i: ingress(i, "postgres").pop("from")),
    "a policy on no port": ("network", lambda i: ingress(i, "s3")["ports"][0].update(port=9000)),
    "a way out for all": ("network", lambda i: one(i, "NetworkPolicy", "mlflow")["spec"][
        "egress"].append({"ports": [{"port": 443, "protocol": "TCP"}]})),
    "every right": ("rights", lambda i: one(i, "Role", "mtlser-steps")["rules"][0].update(
        verbs=["*"])),
    "every secret": ("rights", lambda i: one(i, "Role", "mtlser-steps")["rules"][-1].pop(
        "resourceNames")),
    "a binding to nobody": ("rights", lambda i: one(i, "RoleBinding", "mtlser-steps")["subjects"][
        0].update(name="steps")),
    "a token too many": ("rights", lambda i: spec(i, "Deployment", "mlflow").pop(
        "automountServiceAccountToken")),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_rule_goes_red(fault: str) -> None:
    rule, plant = FAULTS[fault]
    items = render("production")
    plant(items)
    result = list(RULES[rule](items))
    assert result, f"{rule} did not see: {fault}"


TRAINER: dict[str, tuple[str, Callable[[Object], object]]] = {
    "a misspelt field": ("schemas", lambda t: t["trainer"].update(numNode=2)),
    "a field of an older version": ("schemas", lambda t: t.update(podTemplateOverrides=[])),
    "no end": ("ends", lambda t: t.pop("activeDeadlineSeconds")),
    "no limits": ("resources", lambda t: t["trainer"]["resourcesPerNode"].pop("limits")),
    "a key as a value": ("no_secrets", lambda t: t["trainer"]["env"].append(
        {"name": "AWS_SECRET_ACCESS_KEY", "value": "x"})),
    "root": ("security", lambda t: t["runtimePatches"][0]["trainingRuntimeSpec"]["template"][
        "spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"].pop(
        "securityContext")),
}  # fmt: skip


@pytest.mark.parametrize("fault", TRAINER)
def test_each_rule_goes_red_on_the_trainer(fault: str) -> None:
    rule, plant = TRAINER[fault]
    items = render("trainjob")
    plant(items[0]["spec"])
    assert list(RULES[rule](items)), f"{rule} did not see: {fault}"
