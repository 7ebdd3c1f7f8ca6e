"""The Dockerfile, by a linter of its own kind."""

import subprocess
import sys
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
    loose = TEXT.replace("FROM ${BASE_IMAGE}\nLABEL", "FROM python:latest\nLABEL")
    assert loose != TEXT
    assert hadolint(loose).returncode == 1


def test_the_base_is_pinned_and_the_last_user_is_not_root() -> None:
    assert "ARG BASE_IMAGE=python:3.11.13-slim-bookworm\n" in TEXT
    users = [line.split()[1] for line in TEXT.splitlines() if line.startswith("USER ")]
    assert users == ["10001"]
