"""Every manifest of `infra/`, rendered by kustomize: schemas, and the rules of `infra_rules`."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import click
import kubernetes_validate
import pytest
import typer

from mtlser.cli import app
from tests.helpers.infra import (
    INFRA,
    OVERLAYS,
    PARTS,
    ROOT,
    kustomize,
    made_secrets,
    of_kind,
    pods,
    render,
    secrets_text,
    words,
)
from tests.helpers.infra_rules import KUBERNETES, RULES


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("part", PARTS)
def test_every_manifest_keeps_the_rules(part: str, rule: str) -> None:
    assert list(RULES[rule](render(part))) == []


def test_the_overlays_hold_what_they_say() -> None:
    dev, production = ({pod.name for pod in pods(render(part))} for part in PARTS[:2])
    assert dev == {"mlflow", "postgres", "s3"}
    assert production == {"mlflow", "postgres", "s3", "mtlser", "follow-champion"}
    assert {pod.name for pod in pods(render("exposed"))} == production


def test_one_image_runs_everywhere() -> None:
    used = {
        container["image"]
        for part in PARTS
        for pod in pods(render(part))
        for container in pod.containers()
    }
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    foreign = {image.partition(":")[0] for image in used if "@sha256:" in image}
    assert foreign == {"postgres", "chrislusf/seaweedfs"}
    assert [image for image in used if "@sha256:" not in image] == [
        f"registry.example/mtlser:{version}"
    ]


def test_a_digest_in_one_place_reaches_every_object(tmp_path: Path) -> None:
    shutil.copytree(INFRA, tmp_path / "infra", ignore=shutil.ignore_patterns(".env"))
    place = tmp_path / "infra" / "kustomize" / "image" / "kustomization.yaml"
    digest = f"sha256:{'0123456789abcdef' * 4}"
    text, changes = re.subn(r"newTag: .*", f"digest: {digest}", place.read_text())
    assert changes == 1
    place.write_text(f"{text}  - name: postgres\n    digest: {digest}\n")
    used = set()
    for folder in OVERLAYS.values():
        items = kustomize(tmp_path / folder.relative_to(ROOT))
        assert list(RULES["images"](items)) == []
        used |= {each["image"] for pod in pods(items) for each in pod.containers()}
    (s3,) = used - {f"registry.example/mtlser@{digest}", f"postgres@{digest}"}
    assert s3.startswith("chrislusf/seaweedfs:")


def test_names_that_the_profiles_read_are_made() -> None:
    secrets = made_secrets()
    for path in sorted((INFRA / "profiles").glob("*.toml")):
        for wanted in tomllib.loads(path.read_text())["secrets"]:
            built = wanted["key"] in secrets.get(("kubeflow", wanted["name"]), {})
            assert built or wanted.get("optional"), f"{path.name}: {wanted}"


def test_addresses_in_the_secrets_are_services() -> None:
    known = {
        f"http://{each['metadata']['name']}.{each['metadata']['namespace']}.svc.cluster.local:"
        f"{port['port']}"
        for each in of_kind(render("dev"), "Service")
        for port in each["spec"]["ports"]
    }
    secrets = made_secrets()
    assert secrets["kubeflow", "mtlser-mlflow"]["uri"] in known
    assert {values["endpoint"] for values in secrets.values() if "endpoint" in values} <= known


def test_the_secrets_are_valid_and_never_the_same_twice() -> None:
    for item in json.loads(secrets_text())["items"]:
        for version in KUBERNETES:
            kubernetes_validate.validate(item, version, strict=True)
    values = [value for each in made_secrets().values() for value in each.values()]
    secrets_text.cache_clear()
    again = [value for each in made_secrets().values() for value in each.values()]
    same = {value for value in values if value in again}
    assert all(value.startswith("http://") for value in same)


def test_the_page_says_how_the_steps_namespace_is_labelled() -> None:
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert "kubectl label namespace kubeflow mtlser.io/steps=true" in page
    for mentioned in re.findall(r"infra/[\w./-]+\w", page):
        assert (ROOT / mentioned).exists(), mentioned


def test_mlflow_knows_the_flags_that_it_is_given() -> None:
    from mlflow import cli as mlflow

    containers = [each for pod in pods(render("production")) for each in pod.containers()]
    commands = [words(each) for each in containers]
    called = [each[1:] for each in commands if each[:1] == ["mlflow"]]
    assert [each[0] for each in called] == ["db", "server"]
    for given in called:
        group: click.Command = mlflow.cli
        while isinstance(group, click.Group):
            group, given = group.commands[given[0]], given[1:]  # noqa: PLW2901 - the next word
        group.make_context("mlflow", list(given)).close()


def test_no_document_changes_the_account_of_other_people_s_pipelines() -> None:
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert "DEFAULTPIPELINERUNNERSERVICEACCOUNT" not in text
    started = [
        line for line in text.splitlines()
        if line.startswith(("mtlser-pipeline submit", "mtlser-pipeline schedule --name"))
    ]  # fmt: skip
    assert len(started) >= 2
    accounts = {each["metadata"]["name"] for each in of_kind(render("dev"), "ServiceAccount")}
    assert "mtlser-steps" in accounts
    assert all("--service-account mtlser-steps" in line for line in started)


def test_the_train_job_starts_what_the_command_line_takes() -> None:
    (pod,) = pods(render("trainjob"))
    (node,) = pod.containers()
    *launcher, stage = node["command"]
    assert launcher == ["torchrun", "-m", "mtlser"]
    command = typer.main.get_group(app.app).commands[stage]
    with command.make_context(stage, list(node["args"])) as context:
        assert context.params["recipe"] == "paper"
        places = [context.params[each] for each in ("manifest", "folds", "work", "out")]
        assert all(each.startswith("s3://mtlser/") for each in places)
