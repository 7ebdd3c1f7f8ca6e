"""The compiled DAGs against what Kubeflow's compiler and Argo's controller make of them.

Each rule names the source that it was read in: Kubeflow Pipelines 2.17.0, Argo Workflows 4.0.5.
"""

import re
from pathlib import Path

import pytest

from pipeline.dags import DAGS
from pipeline.dags import profile as profiles
from pipeline.sizes import LIMIT_BYTES, most_cells
from tests.helpers.compiled_dags import Node, documents

NUMBER = re.compile(r"(-\d+)+$")
SECRET = re.compile(r"AKIA|BEGIN [A-Z ]*PRIVATE KEY|://[^/\s\"']+:[^/\s\"']+@")
POD_METADATA = {"labels": {"team": "speech"}, "annotations": {"sidecar.istio.io/inject": "false"}}
Case = tuple[Node, Node, profiles.Profile]


@pytest.fixture(params=[(name, dag) for name in profiles.names() for dag in DAGS])
def case(request: pytest.FixtureRequest, compiled: dict[str, dict[str, Path]]) -> Case:
    profile, dag = request.param
    ir, platform = documents(compiled[profile][dag])
    return ir, platform, profiles.load(profile)


def tasks(ir: Node) -> list[tuple[str, Node]]:
    """Tasks that run a container, by the name of their executor."""
    bodies = [ir["root"]["dag"], *(c["dag"] for c in ir["components"].values() if "dag" in c)]
    found = []
    for body in bodies:
        for task in body["tasks"].values():
            component = ir["components"][task["componentRef"]["name"]]
            if "executorLabel" in component:
                found.append((component["executorLabel"], task))
    return found


def step(executor: str) -> str:
    return NUMBER.sub("", executor.removeprefix("exec-")).replace("-", "_")


def variables(ir: Node, executor: str) -> dict[str, str]:
    container = ir["deploymentSpec"]["executors"][executor]["container"]
    return {each["name"]: each["value"] for each in container.get("env", [])}


def test_every_step_retries_a_lost_pod_and_a_crash(case: Case) -> None:
    """A task without a policy gets no `retryStrategy`: v2/compiler/argocompiler/container.go."""
    ir, _, profile = case
    for executor, task in tasks(ir):
        assert task["retryPolicy"]["maxRetryCount"] == profile.retry.count > 0
        assert variables(ir, executor)["MTLSER_RETRIES"] == str(profile.retry.count)


def test_nothing_ends_a_step_before_its_attempts_end(case: Case) -> None:
    """`maxDuration` counts from the first start of the step: argo, workflow/controller/operator.go,
    processNodeRetries; `activeDeadlineSeconds` from the start of the pod: v2/driver/k8s.go."""
    ir, platform, profile = case
    for executor, task in tasks(ir):
        limits = profile.of(step(executor))
        attempts_s = (profile.retry.count + 1) * limits.timeout_s
        stages = profiles.STAGES.get(step(executor), 1)
        deadline_s = int(platform[executor]["activeDeadlineSeconds"])
        assert deadline_s > stages * attempts_s
        longest_s = int(task["retryPolicy"]["backoffMaxDuration"].removesuffix("s"))
        assert longest_s > 10 * (profile.retry.count + 1) * deadline_s
        assert variables(ir, executor)["MTLSER_ATTEMPT_S"] == str(limits.timeout_s)


def test_no_step_takes_an_artifact_twice(case: Case) -> None:
    """ML Metadata has one event of a kind for each step and artifact (a unique index of its
    database): the driver of a step with two inputs of one artifact fails, seen on 2.17."""
    ir, _, _ = case
    bodies = [ir["root"]["dag"], *(c["dag"] for c in ir["components"].values() if "dag" in c)]
    for body in bodies:
        for name, task in body["tasks"].items():
            given = task.get("inputs", {}).get("artifacts", {})
            sources = [str(source) for source in given.values()]
            assert len(set(sources)) == len(sources), (name, given)


def test_nothing_in_the_key_of_a_reused_step_changes_from_run_to_run(case: Case) -> None:
    """The key has all parameters, image and command; no variables: v2/driver/cache.go."""
    ir, platform, _ = case
    for executor, task in tasks(ir):
        container = ir["deploymentSpec"]["executors"][executor]["container"]
        assert container["args"][:2] == ["--executor_input", "{{$}}"]
        for value in task.get("inputs", {}).get("parameters", {}).values():
            assert "{{$" not in str(value.get("runtimeValue", ""))
        sources = {each["name"]: each["fieldPath"] for each in platform[executor]["fieldPathAsEnv"]}
        assert sources == {"MTLSER_RUN": "metadata.labels['pipeline/runid']"}


def test_the_run_s_object_stays_below_what_argo_takes(case: Case) -> None:
    """argo, workflow/packer/packer.go: 1 MiB, where node status is not offloaded."""
    ir, _, _ = case
    size = len(str(ir).encode())
    assert size < LIMIT_BYTES / 4
    assert most_cells(size, 2) > 22  # ten folds, two systems, and some


def test_no_secret_is_in_a_dag(case: Case) -> None:
    ir, platform, profile = case
    assert not SECRET.search(f"{ir}{platform}")
    given = {each.variable for each in profile.secrets}
    for executor, _ in tasks(ir):
        assert not given & variables(ir, executor).keys()


def test_no_step_is_given_a_variable_that_kubeflow_s_launcher_reads(case: Case) -> None:
    """backend/src/v2/objectstore/object_store.go (2.17): Amazon's default configuration.

    The launcher shares the step's environment and stores the step's outputs: with `fromEnv`, or
    without an endpoint of its own, it would do so with the step's key, at the step's endpoint.
    """
    _, platform, profile = case
    given = {
        pair["envVar"]
        for asked in platform.values()
        for secret in asked["secretAsEnv"]
        for pair in secret["keyToEnv"]
    }
    assert "MTLSER_S3_ACCESS_KEY_ID" in given
    assert not [name for name in given | profile.environment.keys() if name.startswith("AWS_")]


def test_every_step_says_what_it_needs(case: Case) -> None:
    """A pod without a request is the first to be evicted; shared memory counts as memory."""
    ir, platform, _ = case
    for executor, _ in tasks(ir):
        asked = ir["deploymentSpec"]["executors"][executor]["container"]["resources"]
        assert asked["resourceMemoryRequest"] == asked["resourceMemoryLimit"]
        assert asked["resourceCpuRequest"]
        for volume in platform[executor].get("emptyDirMounts", []):
            memory, shared = asked["resourceMemoryLimit"], volume["sizeLimit"]
            assert int(shared.removesuffix("Gi")) <= int(memory.removesuffix("Gi")) / 2


def test_pods_carry_the_labels_and_annotations_of_the_profile(tmp_path: Path) -> None:
    """What Kubeflow takes no key for, an admission rule can set by label."""
    from pipeline.dags import compile as compiling

    profile = tmp_path / "mine.toml"
    profile.write_text(
        '[labels]\nteam = "speech"\n[annotations]\n"sidecar.istio.io/inject" = "false"\n'
    )
    path = compiling.package("search", tmp_path, "mtlser:golden", str(profile))
    _, platform = documents(path)
    for asked in platform.values():
        metadata = asked["podMetadata"]
        assert metadata["labels"].pop("mtlser.io/step") in profiles.STEPS
        assert metadata == POD_METADATA
