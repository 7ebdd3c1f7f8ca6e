"""`infra/compose.yaml`, as Docker Compose itself reads it: valid, closed, and without secrets."""

import copy
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.infra import INFRA, ROOT, Object, compose, pods, render, tool, walk, words
from tests.helpers.infra_rules import DIGEST, PINNED, SECRET_NAME, SECRET_VALUE

NAMES = ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY")
VALUES = {name: f"value-of-{name}" for name in NAMES}


@pytest.fixture(scope="module")
def resolved() -> Object:
    return compose(**VALUES)


def problems(content: Object) -> Iterator[str]:
    """What breaks a rule."""
    for name, service in content["services"].items():
        yield from (f"{name}: {each}" for each in _of_service(service))
        yield from (f"{name}: {each}" for each in _of_place(name, service))
        for other, how in service.get("depends_on", {}).items():
            lasting = content["services"][other].get("restart", "no") != "no"
            wanted = "service_healthy" if lasting else "service_completed_successfully"
            if how["condition"] != wanted:
                yield f"{name}: waits for {other} until {how['condition']}"
    open_to = set(content["networks"]) - {"edge"}
    if not all(content["networks"][each].get("internal") for each in open_to):
        yield "the private network leads out"
    for path, value in walk(content):
        if SECRET_VALUE.search(DIGEST.sub("", str(value))):
            yield f"{path}: looks like a secret"
        if SECRET_NAME.search(path.rpartition(".")[2]) and value not in VALUES.values():
            yield f"{path}: has its value in the file"


def _of_service(service: Object) -> Iterator[str]:
    if not PINNED.match(service["image"]):
        yield f"image {service['image']} is not pinned"
    if service.get("read_only") is not True:
        yield "can write its root file system"
    if service.get("user", "0").partition(":")[0] in {"", "0", "root"}:
        yield "runs as root"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
        yield "keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    if {"cpus", "memory"} - set(service["deploy"]["resources"].get("limits", {})):
        yield "has no limits"
    if service.get("restart", "no") != "no" and "healthcheck" not in service:
        yield "is not checked"


def _of_place(name: str, service: Object) -> Iterator[str]:
    if service.get("privileged") or service.get("network_mode", "none") != "none":
        yield "shares the host"
    if "edge" in (service.get("networks") or {}) and name != "mlflow":
        yield "is on the edge"
    for port in service.get("ports", []):
        if name != "mlflow" or port.get("host_ip") != "127.0.0.1":
            yield f"publishes {port}"


def test_it_keeps_the_rules(resolved: Object) -> None:
    assert list(problems(resolved)) == []
    assert set(resolved["services"]) == {"mlflow", "prepare", "postgres", "s3", "s3-data"}


FAULTS: dict[str, Callable[[Object], object]] = {
    "latest": lambda s: s["s3"].update(image="chrislusf/seaweedfs:latest"),
    "writable": lambda s: s["mlflow"].pop("read_only"),
    "root": lambda s: s["postgres"].pop("user"),
    "root by number": lambda s: s["postgres"].update(user="0:0"),
    "capabilities": lambda s: s["s3"].update(cap_add=["SYS_ADMIN"]),
    "privileges": lambda s: s["s3"].pop("security_opt"),
    "the host's network": lambda s: s["mlflow"].update(network_mode="host"),
    "no limits": lambda s: s["mlflow"]["deploy"]["resources"].pop("limits"),
    "unchecked": lambda s: s["mlflow"].pop("healthcheck"),
    "open to all": lambda s: s["mlflow"]["ports"][0].pop("host_ip"),
    "a second port": lambda s: s["postgres"].update(ports=[{"host_ip": "127.0.0.1"}]),
    "waits for too little": lambda s: s["prepare"]["depends_on"]["postgres"].update(
        condition="service_started"),
    "a database on the edge": lambda s: s["postgres"]["networks"].update(edge=None),
    "a password": lambda s: s["mlflow"]["environment"].update(PGPASSWORD="mlflow"),
    "a password in an address": lambda s: s["mlflow"]["command"].append("x://a:b@c"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_rule_goes_red(resolved: Object, fault: str) -> None:
    broken = copy.deepcopy(resolved)
    FAULTS[fault](broken["services"])
    assert list(problems(broken))


def test_it_starts_what_the_cluster_starts(resolved: Object) -> None:
    commands = {
        container["name"]: container
        for pod in pods(render("dev"))
        for container in pod.containers()
    }
    hosts = re.compile(r"--allowed-hosts=\S+|-s3\.(autoCreate|allowDelete|config)\S+")
    for name in ("mlflow", "s3", "postgres"):
        ours, theirs = resolved["services"][name]["image"], commands[name]["image"]
        assert ours.rpartition("/")[2] == theirs.rpartition("/")[2]
    for name in ("mlflow", "s3"):
        service = resolved["services"][name]
        given = [*(service.get("entrypoint") or []), *service["command"]]
        same = [each for each in words(commands[name]) if not hosts.match(each)]
        assert [each for each in given if not hosts.match(each)] == same
    prepared = resolved["services"]["prepare"]["command"][-1]
    assert " ".join(words(commands["migrate"])) in prepared


def test_the_example_holds_names_and_no_values() -> None:
    lines = (INFRA / "compose.env.example").read_text(encoding="utf-8").splitlines()
    assert [each for each in lines if not each.startswith("#")] == [f"{name}=" for name in NAMES]
    source = (INFRA / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):\?", source)) == set(NAMES)


def test_without_values_it_says_where_to_read() -> None:
    place = ["--env-file", "/dev/null", "-f", str(INFRA / "compose.yaml")]
    done = subprocess.run(
        [tool("docker-compose"), *place, "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD is missing a value: see infra/README.md" in done.stderr


def test_the_documented_command_makes_the_file(tmp_path: Path) -> None:
    readme = (INFRA / "README.md").read_text(encoding="utf-8")
    (line,) = [each for each in readme.splitlines() if each.startswith("(umask 077;")]
    (tmp_path / "infra").mkdir()
    shutil.copy(INFRA / "compose.env.example", tmp_path / "infra")
    subprocess.run(["sh", "-ec", line], cwd=tmp_path, check=True)
    built = tmp_path / "infra" / ".env"
    values = dict(each.split("=") for each in built.read_text().splitlines())
    assert built.stat().st_mode & 0o777 == 0o600
    assert tuple(values) == NAMES
    assert len(set(values.values())) == 3
    assert all(re.fullmatch("[0-9a-f]{40}", each) for each in values.values())


def test_the_file_with_values_is_ignored_by_git() -> None:
    subprocess.run(["git", "check-ignore", "--quiet", "infra/.env"], cwd=ROOT, check=True)
