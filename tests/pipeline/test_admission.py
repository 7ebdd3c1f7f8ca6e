"""The admission policy for steps reads what a profile says, and touches no other pod."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.dags import DAGS
from pipeline.dags import profile as profiles
from tests.helpers import infra
from tests.helpers.compiled_dags import documents

FOLDER = infra.INFRA / "kustomize" / "admission"
SET = (
    "runAsNonRoot: true",
    "readOnlyRootFilesystem: true",
    "allowPrivilegeEscalation: false",
    'type: "RuntimeDefault"',
    'mountPath: "/tmp"',
    'requests: {"ephemeral-storage": variables.disk}',
)


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    documents = yaml.safe_load_all((FOLDER / "steps.yaml").read_text(encoding="utf-8"))
    policy, binding = documents
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    spec: dict[str, Any] = policy["spec"]
    return spec


def test_the_folder_is_applied_whole() -> None:
    kinds = [item["kind"] for item in infra.kustomize(FOLDER)]
    assert sorted(kinds) == [
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "PriorityClass",
    ]


def test_the_policy_is_for_pods_with_the_label_of_steps_alone(policy: dict[str, Any]) -> None:
    expected = [{"key": profiles.STEP_LABEL, "operator": "Exists"}]
    assert policy["matchConstraints"]["objectSelector"]["matchExpressions"] == expected
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["operations"], rule["resources"]) == (["CREATE"], ["pods"])
    assert policy["failurePolicy"] == "Fail"


def test_the_policy_sets_what_kubeflow_has_no_key_for(policy: dict[str, Any]) -> None:
    applied, patched = policy["mutations"]
    expression = applied["applyConfiguration"]["expression"]
    assert 'filter(c, c.name == "main")' in expression
    for each in SET:
        assert each in expression
    assert "/spec/priorityClassName" in patched["jsonPatch"]["expression"]


def test_the_policy_reads_the_annotations_that_profiles_write(policy: dict[str, Any]) -> None:
    read = " ".join(each["expression"] for each in policy["variables"])
    assert f"'{profiles.DISK}'" in read
    assert f"'{profiles.PRIORITY}'" in read


@pytest.mark.parametrize("name", profiles.names())
def test_every_step_has_its_label_and_says_how_much_disk_it_takes(
    name: str, compiled: dict[str, dict[str, Path]]
) -> None:
    profile = profiles.load(name)
    for dag in DAGS:
        _, platform = documents(compiled[name][dag])
        for asked in platform.values():
            step = asked["podMetadata"]["labels"][profiles.STEP_LABEL]
            assert step in profiles.STEPS
            assert asked["podMetadata"]["annotations"] == {profiles.DISK: profile.of(step).disk}


def test_a_priority_class_is_an_annotation_and_is_one_that_ships(tmp_path: Path) -> None:
    from pipeline.dags import compile as compiling

    shipped = yaml.safe_load((FOLDER / "priority.yaml").read_text(encoding="utf-8"))
    mine = tmp_path / "mine.toml"
    mine.write_text(f'priority_class = "{shipped["metadata"]["name"]}"')
    _, platform = documents(compiling.package("search", tmp_path, "mtlser:golden", str(mine)))
    for asked in platform.values():
        assert asked["podMetadata"]["annotations"] == {profiles.PRIORITY: "mtlser-steps"}
