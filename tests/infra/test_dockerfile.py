"""The Dockerfile, by a linter of its own kind."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def hadolint(text: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_linter_finds_nothing() -> None:
    done = hadolint(TEXT)
    assert done.returncode == 0, done.stdout


def test_the_linter_would_find_a_base_that_is_not_pinned() -> None:
    loose = TEXT.replace("FROM ${BASE_IMAGE}\n#", "FROM python:latest\n#")
    assert loose != TEXT
    assert hadolint(loose).returncode == 1


def test_the_base_is_pinned_and_the_last_user_is_not_root() -> None:
    pinned = r"ARG BASE_IMAGE=python:3\.11\.13-slim-bookworm@sha256:[0-9a-f]{64}\n"
    assert len(re.findall(pinned, TEXT)) == 1
    users = [line.split()[1] for line in TEXT.splitlines() if line.startswith("USER ")]
    assert users == ["10001"]


def test_the_version_in_its_label_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f'org.opencontainers.image.version="{project["version"]}"' in TEXT


def test_an_init_is_its_first_process() -> None:
    (entry,) = [line for line in TEXT.splitlines() if line.startswith("ENTRYPOINT ")]
    assert entry == 'ENTRYPOINT ["tini", "--"]'
    assert not re.search(r"^CMD [^\[]", TEXT, re.MULTILINE)


def test_make_reads_the_list_of_packages_that_the_label_names() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (label,) = re.findall(r"(io\.mtlser\.sbom)=", TEXT)
    assert f'index .Config.Labels "{label}"' in makefile
    assert re.search(r"^ARG SBOM_TOOL=cyclonedx-bom==[\d.]+$", TEXT, re.MULTILINE)
