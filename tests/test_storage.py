"""Local and S3 places: whole or nothing, fetched once, resumable."""

import errno
import subprocess
import sys
from pathlib import Path
from unittest import mock

import boto3
import pytest
from boto3.exceptions import Boto3Error

from mtlser import s3 as objects
from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.marker import MARKER


def fill(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def key(location: str, name: str) -> dict[str, str]:
    place = objects.Place.parse(location)
    return {"Bucket": place.bucket, "Key": place.key(name)}


# --- local ---------------------------------------------------------------------------------


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
    given = tmp_path / "bench"
    with storage.work(str(given), "s3://mtlser/out") as folder:
        fill(folder, state="done")
    assert content(given) == {"state": "done"}


def test_digest_tells_names_and_bytes_apart(tmp_path: Path) -> None:
    digests = set()
    for number, files in enumerate(({"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b__c": ""})):
        fill(tmp_path / str(number), **files)
        digests.add(storage.digest_folder(tmp_path / str(number)))
    assert len(digests) == 4
    with storage.output(str(tmp_path / "out")) as folder:
        fill(folder, a="1")
    assert storage.digest_folder(tmp_path / "out") == storage.digest_folder(tmp_path / "0")


# --- S3 ------------------------------------------------------------------------------------


def test_s3_round_trip(s3: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1", sub__deep__b="2", empty="")
        digest = storage.digest_folder(folder)
    fetched = storage.fetch(f"{s3}/out/")
    assert content(fetched) == {"a": "1", "sub/deep/b": "2", "empty": ""}
    assert storage.digest_folder(fetched) == digest
    assert storage.fetch(f"{s3}/out/sub/deep/b").read_text() == "2"


def test_s3_pages_and_multipart(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PAGE", 7)
    with storage.output(f"{s3}/many") as folder:
        fill(folder, **{f"d{number % 3}__{number:04d}": str(number) for number in range(40)})
        (folder / "large").write_bytes(b"0123456789abcdef" * (1 << 20))
    fetched = storage.fetch(f"{s3}/many")
    assert len(list(fetched.rglob("*"))) == 40 + 3 + 1
    assert (fetched / "large").stat().st_size == 16 << 20


def test_s3_fetches_only_what_changed(s3: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, same="1", other="2")
    first = storage.fetch(f"{s3}/out")
    assert storage.fetch(f"{s3}/out") == first
    with storage.output(f"{s3}/out") as folder:
        fill(folder, same="1", new="33")
    taken: list[str] = []
    download = objects._download

    def spy(client: object, place: objects.Place, remote: objects.Remote, cache: Path) -> None:
        if not objects._stored(place, remote, cache).is_file():
            taken.append(remote.name)
        download(client, place, remote, cache)

    with mock.patch.object(objects, "_download", spy):
        second = storage.fetch(f"{s3}/out")
    assert taken == ["new"]
    assert content(second) == {"same": "1", "new": "33"}
    assert content(first) == {"same": "1", "other": "2"}


def test_s3_replacing_deletes_what_is_no_longer_there(s3: str, s3_server: str) -> None:
    for text in ("first", "second"):
        with storage.output(f"{s3}/out") as folder:
            fill(folder, **{text: text})
    client = boto3.client("s3", endpoint_url=s3_server)
    place = objects.Place.parse(f"{s3}/out")
    listed = client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix + "/")["Contents"]
    assert {entry["Key"].removeprefix(place.prefix + "/") for entry in listed} == {
        MARKER,
        "second",
    }


def test_s3_prefix_is_a_folder_not_the_start_of_a_name(s3: str) -> None:
    for name in ("run", "run-2"):
        with storage.output(f"{s3}/{name}") as folder:
            fill(folder, name=name)
    assert content(storage.fetch(f"{s3}/run")) == {"name": "run"}


def test_s3_release_without_a_marker_is_read_whole(s3: str, s3_server: str) -> None:
    client = boto3.client("s3", endpoint_url=s3_server)
    client.put_object(**key(s3, "raw/wav/a.wav"), Body=b"x")
    client.put_object(**key(s3, "raw/wav/"), Body=b"")
    assert content(storage.fetch(f"{s3}/raw")) == {"wav/a.wav": "x"}


def test_s3_half_upload_is_never_read_and_a_retry_heals_it(s3: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, old="1")
    with (
        mock.patch.object(objects, "_parallel", side_effect=Boto3Error("connection lost")),
        pytest.raises(MtlserError, match="connection lost"),
        storage.output(f"{s3}/out") as folder,
    ):
        fill(folder, new="2")
    for place in (f"{s3}/out", s3):
        with pytest.raises(MtlserError, match="not finished"):
            storage.fetch(place)
    with storage.output(f"{s3}/out") as folder:
        fill(folder, new="2")
    assert content(storage.fetch(f"{s3}/out")) == {"new": "2"}


def test_s3_lost_object_is_noticed(s3: str, s3_server: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1", b="2")
    boto3.client("s3", endpoint_url=s3_server).delete_object(**key(s3, "out/b"))
    with pytest.raises(MtlserError, match="b is absent, expected 1 bytes"):
        storage.fetch(f"{s3}/out")


def test_s3_failing_block_uploads_nothing(s3: str) -> None:
    with pytest.raises(RuntimeError), storage.output(f"{s3}/out") as folder:
        fill(folder, a="half")
        raise RuntimeError
    with pytest.raises(MtlserError, match="nothing there"):
        storage.fetch(f"{s3}/out")
    assert not any((storage.cache_folder() / "outgoing").iterdir())


def test_s3_work_is_found_again(s3: str) -> None:
    with pytest.raises(RuntimeError), storage.work("", f"{s3}/out") as first:
        fill(first, state="epoch 3")
        raise RuntimeError
    with storage.work("", f"{s3}/out/") as again:
        assert content(again) == {"state": "epoch 3"}
    assert not again.exists()


def test_s3_refusals_are_one_sentence(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MtlserError, match="no-such-bucket"):
        storage.fetch("s3://no-such-bucket/x")
    with pytest.raises(MtlserError, match="no-such-bucket"), storage.output("s3://no-such-bucket"):
        pytest.fail("the block must not run")
    with pytest.raises(MtlserError, match="no bucket"):
        storage.fetch("s3://")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(MtlserError, match="AWS_SECRET_ACCESS_KEY") as refused:
        storage.fetch(s3)
    assert "\n" not in str(refused.value)


def test_s3_endpoint_of_mlflow_serves_too(
    s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", s3_server)
    assert content(storage.fetch(f"{s3}/out")) == {"a": "1"}


def test_s3_keys_cannot_lead_out(s3: str) -> None:
    client = mock.Mock()
    place = objects.Place.parse(s3)
    entry = {"Key": f"{place.prefix}/../../etc/passwd", "ETag": '"0"', "Size": 1}
    client.get_paginator.return_value.paginate.return_value = [{"Contents": [entry]}]
    with pytest.raises(MtlserError, match="lead out"):
        list(objects._list(client, place))
