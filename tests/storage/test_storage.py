"""Local places: whole or nothing, resumable."""

import errno
import hashlib
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from mtlser import files, storage
from mtlser.errors import MtlserError
from tests.helpers.places import content, fill


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_fetch_local(tmp_path: Path) -> None:
    fill(tmp_path, a="1")
    assert storage.fetch(str(tmp_path)) == tmp_path
    assert storage.fetch(str(tmp_path / "a")) == tmp_path / "a"


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_fetch_refuses_what_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MtlserError, match=name):
        storage.fetch(str(tmp_path / name))


def test_output_appears_whole_and_replaces(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    for text in ("first", "second"):
        with storage.output(str(out)) as folder:
            fill(folder, **{text: text, "sub__x": "x"})
            assert not (out / text).exists()
        assert content(out) == {text: text, "sub/x": "x"}
    assert names(out.parent) == ["out"]


def test_failed_output_leaves_the_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with storage.output(str(out)) as folder:
        fill(folder, a="1")
    for place in (out, tmp_path / "new"):
        with pytest.raises(RuntimeError), storage.output(str(place)) as folder:
            fill(folder, a="half")
            raise RuntimeError
    assert content(tmp_path) == {"out/a": "1"}
    assert names(tmp_path) == ["out"]


def test_output_brings_the_earlier_one_back_when_the_rename_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with storage.output(str(out)) as folder:
        fill(folder, a="1")
    rename = Path.rename

    def no_space(self: Path, target: Path) -> Path:
        if self.name.endswith(".tmp") and (self / "a").read_text() == "2":
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    with (
        mock.patch.object(files, "_exchanged", return_value=False),
        mock.patch.object(Path, "rename", no_space),
        pytest.raises(MtlserError, match="No space"),
        storage.output(str(out)) as folder,
    ):
        fill(folder, a="2")
    assert content(tmp_path) == {"out/a": "1"}


def test_output_never_replaces_a_folder_of_others(tmp_path: Path) -> None:
    fill(tmp_path, thesis="years of work")
    with pytest.raises(MtlserError, match="not replaced"), storage.output(str(tmp_path)):
        pytest.fail("the block must not run")
    with pytest.raises(MtlserError, match="is a file"), storage.output(str(tmp_path / "thesis")):
        pytest.fail("the block must not run")
    assert content(tmp_path) == {"thesis": "years of work"}


def test_output_sweeps_what_a_killed_process_left_but_not_a_living_one(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    script = (
        "import os, sys\nfrom mtlser import storage\n"
        "with storage.output(sys.argv[1]) as folder:\n"
        "    (folder / 'half').write_text('x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, out], check=False)
    assert [name.endswith(".tmp") for name in names(tmp_path)] == [True]
    with storage.output(out) as folder:
        fill(folder, a="1")
        with storage.output(out) as other:
            fill(other, a="2")
        assert folder.is_dir()
    assert content(tmp_path) == {"out/a": "1"}


def test_work_is_kept_on_failure_and_deleted_on_success(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    with pytest.raises(RuntimeError), storage.work("", out) as folder:
        fill(folder, state="epoch 3")
        raise RuntimeError
    with storage.work("", out) as folder:
        assert folder == tmp_path / "out.work"
        assert content(folder) == {"state": "epoch 3"}
    assert not folder.exists()


def test_given_work_is_kept(tmp_path: Path) -> None:
    given = tmp_path / "work"
    with storage.work(str(given), "s3://mtlser/out") as folder:
        fill(folder, state="done")
    assert content(given) == {"state": "done"}


def test_digest_tells_names_and_bytes_apart(tmp_path: Path) -> None:
    digests = set()
    for number, texts in enumerate(({"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b__c": ""})):
        fill(tmp_path / str(number), **texts)
        digests.add(storage.digest_folder(tmp_path / str(number)))
    assert len(digests) == 4
    with storage.output(str(tmp_path / "out")) as folder:
        fill(folder, a="1")
    assert storage.digest_folder(tmp_path / "out") == storage.digest_folder(tmp_path / "0")


def test_a_step_does_not_replace_a_whole_run(tmp_path: Path) -> None:
    with storage.output(str(tmp_path / "run")) as folder:
        fill(folder, **{"pipeline.log": "hours", "model": "weights"})
    with (
        pytest.raises(MtlserError, match="holds a whole pipeline run"),
        storage.output(str(tmp_path / "run")),
    ):
        pytest.fail("the block must not run")
    assert (tmp_path / "run" / "model").read_text() == "weights"


def test_the_digest_of_a_folder_is_that_of_versions_registered_before(tmp_path: Path) -> None:
    """Names and bytes, in the order of paths: worked out apart, with the marker left out."""
    (tmp_path / "encoder").mkdir()
    contents = {"encoder/config.json": b"{}", "encoder-b": b"2", "weights": b"1"}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / ".mtlser.json").write_text("{}", encoding="utf-8")
    expected = hashlib.sha256()
    for name, data in contents.items():
        expected.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    assert storage.digest_folder(tmp_path) == expected.hexdigest()
