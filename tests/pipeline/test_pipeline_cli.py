"""`mtlser-pipeline`: what a person types, and what a mistake says."""

import subprocess
import sys
from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from pipeline import places
from pipeline.job import NAMES


def command(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *words],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["compile", "run", "submit", "schedule", "status", "logs"])
def test_every_command_shows_an_example(tmp_path: Path, name: str) -> None:
    done = command(tmp_path, name, "--help")
    assert done.returncode == 0
    assert f"Example: mtlser-pipeline {name}" in " ".join(done.stdout.split())


def test_compile_writes_every_dag_with_the_image(tmp_path: Path) -> None:
    done = command(tmp_path, "compile", "--out", "ir", "--image", "registry/mtlser@sha256:1")
    assert done.returncode == 0, done.stderr
    told = [line.partition(": ") for line in done.stdout.splitlines()]
    assert [path for path, _, _ in told] == [f"ir/{name}.yaml" for name in NAMES]
    assert told[0][2].endswith("cells a recipe")
    text = (tmp_path / "ir" / "crossval.yaml").read_text(encoding="utf-8")
    assert text.count("image: registry/mtlser@sha256:1") == 10


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["--recipe", "nothing"], "recipe 'nothing': no such recipe"),
        (["--recipe", "demo", "--set", "train.epoch=3"], "did you mean 'epochs'?"),
        (["--recipe", "demo", "--set", "data.root=gone"], "data.root = 'gone': no such folder"),
        (["--recipe", "demo", "--set", "data.root=empty"], "the folder is empty"),
        (
            ["--recipe", "demo", "--set", "data.root=full", "--set", "noise.root=gone"],
            "noise.root = 'gone': no such folder",
        ),
        (
            ["--recipe", "demo", "--set", "data.root=full", "--set", "model.encoder=./gone"],
            "model.encoder = './gone': no such folder",
        ),
        (["--recipe", "demo", "--set", "data.root=full", "--out", "full/a.wav"], "is a file"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, words: list[str], outcome: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.wav").touch()
    done = command(tmp_path, "run", *words)
    assert done.returncode == 2
    assert outcome in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "full"}


def test_places_become_absolute_and_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("release", "noise", "encoder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    sets = ("data.root=release", "noise.root=noise", "model.encoder=encoder")
    resolved = places.resolve(recipes.load("demo", sets))
    assert resolved.data.root == str(tmp_path / "release")
    assert resolved.noise.root == str(tmp_path / "noise")
    assert resolved.model.encoder == str(tmp_path / "encoder")
    for name in ("bundled", "facebook/wav2vec2-base"):
        retained = recipes.load("demo", ("data.root=s3://bucket/iemocap", f"model.encoder={name}"))
        assert places.resolve(retained) == retained


def test_a_missing_folder_with_many_parts_is_no_hub_name(tmp_path: Path) -> None:
    sets = (f"data.root={tmp_path.parent}", "model.encoder=models/whisper/base")
    with pytest.raises(MtlserError, match=r"model\.encoder"):
        places.resolve(recipes.load("demo", sets))
