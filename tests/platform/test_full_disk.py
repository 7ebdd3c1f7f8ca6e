"""Steps whose disk is full: one sentence, nothing half-written, and the same command again."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.trained import write_emodb
from tests.platform.faulty_training import SETTINGS, Attempt, Place, plain_env

ROOM = "64m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of the size it is given, and gives a mounted one another size."""
    folder = tmp_path / "disk"

    def mount(size: str) -> Path:
        options = f"remount,size={size}" if folder.is_mount() else f"size={size}"
        folder.mkdir(exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if mounted.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
        return folder

    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield mount
    finally:
        if folder.is_mount():
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place.write(tmp_path_factory.mktemp("full"), plain_env())


@pytest.mark.parametrize("what", ["out", "work"])
def test_a_training_on_a_full_disk_says_so_and_ends_well_with_room(
    place: Place, small_disk: Callable[[str], Path], what: str
) -> None:
    """The weights alone are 8 MB."""
    disk = small_disk("4m")
    places = {name: str(place.folder / f"{what}-{name}") for name in ("work", "out")}
    places["out" if what == "out" else "work"] = str(disk / "place")
    settings = (*SETTINGS, "train.epochs=1")
    attempt = Attempt(
        place, what, "", places["work"], places["out"], env={"TMPDIR": "/tmp"}, settings=settings
    )
    attempt.start()
    assert attempt.join() == 1, "nobody's mistake, so not 2"
    output = [line for line in attempt.log.read_text().splitlines() if line.startswith("mtlser: ")]
    assert len(output) == 1
    assert f"{disk}" in output[0]
    assert "no space left on its disk; make room there" in output[0]
    assert "Traceback" not in attempt.log.read_text()
    assert not Path(attempt.out).exists()
    assert not list(disk.rglob("best-*.safetensors")), "no file has its final name"
    small_disk(ROOM)
    attempt.start()
    attempt.finish()
    assert (Path(attempt.out) / "predictions.jsonl").is_file()


def test_an_ingest_on_a_full_disk_says_so_and_ends_well_with_room(
    tmp_path: Path, small_disk: Callable[[str], Path]
) -> None:
    release, disk = write_emodb(tmp_path / "release"), small_disk("128k")
    command = [
        sys.executable, "-m", "mtlser", "ingest", "--corpus", "emodb",
        "--root", str(release), "--out", str(disk / "corpus"),
    ]  # fmt: skip

    def ingest() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env=plain_env(), cwd=tmp_path, capture_output=True, text=True, check=False
        )

    refused = ingest()
    assert refused.returncode == 1, refused.stderr
    assert refused.stderr.splitlines() == [
        f"mtlser: {disk}: no space left on its disk; make room there, or give another place as "
        "--out, and run the same command again: what is finished is kept"
    ]
    assert list(disk.iterdir()) == []
    small_disk(ROOM)
    done = ingest()
    assert done.returncode == 0, done.stderr
    assert (disk / "corpus" / "manifest.jsonl").is_file()
