"""Uploads that are killed at any moment, that meet each other, or that a server hinders."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.storage.marker import MARKER
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import files as s3_files
from mtlser.storage.s3 import lease, plain, pointer, upload
from tests.helpers.places import content, fill

OLD = {"model": "old weights", "page": "old page", "same": "same", "tail": "old tail"}
NEW = {"page": "new page", "more": "more", "same": "same", "tail": "new tail"}


LATER = [datetime(2026, 1, 1, second=second, tzinfo=UTC) for second in range(4)]


def run(*words: str) -> str:
    """What `mtlser` prints."""
    from typer.testing import CliRunner

    from mtlser.cli.app import app

    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


class Killed(BaseException):
    """What ends an upload here."""


class Mortal:
    """A client whose process is killed before its `last`-th call that writes."""

    def __init__(self, client: Any, last: int) -> None:
        self._client, self._left = client, last

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._client, name)
        if name not in {"put_object", "upload_file", "copy", "delete_object"}:
            return call

        def counted(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise Killed
            return call(*args, **options)

        return counted


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    fill(folder, **files)
    return folder


def names(location: str) -> set[str]:
    """Names of all objects below an address."""
    place = objects.Place.parse(location)
    return {remote.name for remote in objects.listed(objects.connect(), place)}


@pytest.fixture
def uploads(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "old", OLD), write(tmp_path / "new", NEW)


def killed_at(last: int, folder: Path, location: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Uploads, one call at a time, until the kill; false where the upload ended before it."""
    connect = objects.connect
    with monkeypatch.context() as patch:
        patch.setattr(objects, "connect", lambda: Mortal(connect(), last))
        patch.setattr(objects, "WORKERS", 1)
        try:
            upload.upload(folder, location)
        except Killed:
            return True
    return False


def test_a_killed_upload_leaves_the_old_output_or_the_new_one_whole(
    s3: str, uploads: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = uploads
    states = []
    for last in range(100):
        place = f"{s3}/{last}"
        upload.upload(old, place)
        if not killed_at(last, new, place, monkeypatch):
            break
        read = content(storage.fetch(place))
        assert read in (OLD, NEW)
        assert (
            content(storage.fetch(s3)).items()
            >= {f"{last}/{k}": v for k, v in read.items()}.items()
        )
        states.append("old" if read == OLD else "new")
        upload.upload(new, place)
        assert content(storage.fetch(place)) == NEW
    assert content(storage.fetch(place)) == NEW
    assert len(states) == len(NEW) + 2, "files and both pointers"
    assert set(states) == {"old"}, "the pointer is the last call that writes"


def test_a_first_upload_that_is_killed_is_not_read_and_is_done_again(
    s3: str, uploads: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = uploads
    for last in range(len(OLD) + 2):
        place = f"{s3}/{last}"
        assert killed_at(last, old, place, monkeypatch)
        with pytest.raises(MtlserError, match=r"not(hing there| finished)"):
            storage.fetch(place)
        upload.upload(old, place)
        assert content(storage.fetch(place)) == OLD


@pytest.mark.parametrize("writers", [2, 8])
def test_of_several_writers_one_wins_and_the_others_are_told_by_whom(
    s3: str, tmp_path: Path, writers: int
) -> None:
    outputs = [
        write(tmp_path / f"o{i}", {"who": str(i), f"own{i}": "x" * i}) for i in range(writers)
    ]
    slots = [upload.reserve(s3) for _ in outputs]
    told: list[str] = []

    def one(folder: Path, slot: upload.Slot) -> None:
        try:
            upload.upload(folder, slot)
        except MtlserError as error:
            told.append(str(error))

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(one, outputs, slots))
    read = content(storage.fetch(s3))
    who = read["who"]
    assert read == {"who": who, f"own{who}": "x" * int(who)}
    assert len(told) == writers - 1
    for sentence in told:
        assert "changed while this output was made: process " in sentence
        lost = sentence.partition("is whole at ")[2].partition(":")
        assert set(content(storage.fetch(f"s3:{lost[2].partition(': ')[0]}"))) > {"who"}


def test_an_output_is_not_lost_to_one_that_was_written_while_it_was_made(s3: str) -> None:
    with pytest.raises(MtlserError, match="kept on this machine") as told, storage.output(s3) as a:
        fill(a, name="a")
        with storage.output(s3) as b:
            fill(b, name="b")
    assert content(storage.fetch(s3)) == {"name": "b"}
    kept = Path(str(told.value).partition("mtlser copy ")[2].partition(" --out")[0])
    assert content(kept) == {"name": "a"}


def test_a_prefix_with_foreign_objects_is_refused_before_anything_runs(s3: str) -> None:
    place = objects.Place.parse(s3)
    objects.connect().put_object(Bucket=place.bucket, Key=place.key("notes.txt"), Body=b"mine")
    with pytest.raises(MtlserError, match="no mtlser step wrote"), storage.output(s3):
        pytest.fail("the block must not run")
    assert names(s3) == {"notes.txt"}


def test_names_with_signs_come_back(s3: str, tmp_path: Path) -> None:
    files = {"a b+c.txt": "1", "ü/ö ä.txt": "2", "50%/a&b=c;d.txt": "3", "日本/é.txt": "4"}
    for name, text in files.items():
        (tmp_path / "o" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "o" / name).write_text(text)
    upload.upload(tmp_path / "o", s3)
    assert content(storage.fetch(s3)) == files
    assert storage.fetch(f"{s3}/ü/ö ä.txt").read_text() == "2"


def test_a_place_inside_an_output_is_read(s3: str) -> None:
    with storage.output(f"{s3}/run") as folder:
        fill(folder, model__weights="w", model__config="c", models="m", report="r")
    assert content(storage.fetch(f"{s3}/run/model")) == {"weights": "w", "config": "c"}
    assert storage.fetch(f"{s3}/run/report").read_text() == "r"
    with pytest.raises(MtlserError, match="nothing there"):
        storage.fetch(f"{s3}/run/mod")


def unversioned(s3: str, files: dict[str, str], **marker: Any) -> None:
    """An output as mtlser 0.1 uploaded it."""
    place, client = objects.Place.parse(s3), objects.connect()
    for name, text in files.items():
        client.put_object(Bucket=place.bucket, Key=place.key(name), Body=text.encode())
    sizes = {name: len(text) for name, text in files.items()}
    body = json.dumps({"state": "complete", "files": sizes, "strays": [], **marker})
    client.put_object(Bucket=place.bucket, Key=place.key(MARKER), Body=body.encode())


def test_an_output_of_an_earlier_version_is_read_and_replaced(
    s3: str, uploads: tuple[Path, Path]
) -> None:
    unversioned(f"{s3}/run", OLD)
    assert content(storage.fetch(f"{s3}/run")) == OLD
    assert content(storage.fetch(s3)) == {f"run/{name}": text for name, text in OLD.items()}
    upload.upload(uploads[1], f"{s3}/run")
    assert content(storage.fetch(f"{s3}/run")) == NEW
    assert all(name == MARKER or name.startswith(".mtlser/") for name in names(f"{s3}/run"))


def test_an_unfinished_upload_of_an_earlier_version_is_not_read(
    s3: str, uploads: tuple[Path, Path]
) -> None:
    unversioned(s3, OLD, state="uploading")
    with pytest.raises(MtlserError, match="not finished"):
        storage.fetch(s3)
    upload.upload(uploads[1], s3)
    assert content(storage.fetch(s3)) == NEW


class Unconditional:
    """A server that takes conditions for nothing, or answers that it does not know them."""

    def __init__(self, client: Any, *, refuses: bool) -> None:
        self._client, self._refuses = client, refuses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **options: Any) -> Any:
        from botocore.exceptions import ClientError

        conditions = [options.pop(name, None) for name in ("IfMatch", "IfNoneMatch")]
        if any(conditions) and self._refuses:
            raise ClientError({"Error": {"Code": "NotImplemented"}}, "PutObject")
        return self._client.put_object(**options)


@pytest.mark.parametrize("refuses", [False, True])
def test_without_conditions_a_lease_keeps_two_writers_apart(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    connect = objects.connect
    monkeypatch.setattr(objects, "connect", lambda: Unconditional(connect(), refuses=refuses))
    monkeypatch.setattr(lease, "SETTLE_S", 0.0)
    first, second = write(tmp_path / "a", {"name": "a"}), write(tmp_path / "b", {"name": "b"})
    slots = upload.reserve(s3), upload.reserve(s3)
    upload.upload(first, slots[0])
    with pytest.raises(MtlserError, match="changed while this output was made"):
        upload.upload(second, slots[1])
    assert content(storage.fetch(s3)) == {"name": "a"}
    place, client = objects.Place.parse(s3), connect()
    body = b'id {"pid": 7, "host": "node-1", "since": "now"}'
    client.put_object(Bucket=place.bucket, Key=place.key(lease.LEASE), Body=body)
    with pytest.raises(MtlserError, match="process 7 on node-1"):
        upload.upload(second, s3)
    monkeypatch.setattr(lease, "HELD_S", -1.0)
    upload.upload(second, s3)
    assert content(storage.fetch(s3)) == {"name": "b"}
    assert lease.LEASE not in names(s3)


def test_a_step_does_not_replace_a_whole_run(s3: str, tmp_path: Path) -> None:
    upload.upload(write(tmp_path / "run", {"pipeline.log": "hours", "model": "weights"}), s3)
    with pytest.raises(MtlserError, match="holds a whole pipeline run"), storage.output(s3):
        pytest.fail("the block must not run")


def test_the_pointer_says_what_and_who(s3: str, uploads: tuple[Path, Path]) -> None:
    upload.upload(uploads[0], s3)
    found = s3_files.pointer(s3)
    assert found is not None
    assert found.files == {name: len(text) for name, text in OLD.items()}
    assert set(found.sha256) == set(OLD)
    assert found.by.startswith("process ")


def test_old_versions_are_shown_and_deleted_and_no_pointer_leads_to_them(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        with storage.output(f"{s3}/run") as folder:
            fill(folder, number=str(number))
        with monkeypatch.context() as patch:  # each later one began a second later
            patch.setattr(pointer, "datetime", mock.Mock(now=mock.Mock(return_value=LATER[number])))
            upload.upload(write(tmp_path / str(number), {"n": str(number)}), f"{s3}/timed")
    whole = names(s3)
    shown = run("clean", f"{s3}/timed", "--keep", "2")
    assert "2 versions to be deleted" in shown
    assert names(s3) == whole
    assert "2 versions deleted" in run("clean", f"{s3}/timed", "--keep", "2", "--yes")
    assert content(storage.fetch(f"{s3}/timed")) == {"n": "3"}
    assert {name for name in names(f"{s3}/timed") if name.endswith("/n")} == {
        name.removeprefix("timed/")
        for name in whole
        if name.startswith("timed/")
        and "T00000" in name
        and name.endswith("/n")
        and ("T000002" in name or "T000003" in name)
    }
    assert "0 versions deleted" in run("clean", f"{s3}/timed", "--keep", "2", "--yes")
    assert {name for name in names(s3) if name.startswith("run/")} == {
        name for name in whole if name.startswith("run/")
    }


def test_an_unfinished_upload_is_cleaned_once_it_cannot_be_under_way(s3: str) -> None:
    place, client = objects.Place.parse(s3), objects.connect()
    today = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-0"
    for version in ("20200101T000000Z-0", today):
        client.put_object(Bucket=place.bucket, Key=place.key(f".mtlser/{version}/a"), Body=b"half")
    assert "1 versions deleted" in run("clean", s3, "--yes")
    assert names(s3) == {f".mtlser/{today}/a"}


def test_an_output_is_copied_between_places(s3: str, tmp_path: Path) -> None:
    with storage.output(str(tmp_path / "made")) as folder:
        fill(folder, a="1", b__c="2")
    run("copy", str(tmp_path / "made"), "--out", f"{s3}/there")
    run("copy", f"{s3}/there", "--out", str(tmp_path / "back"))
    assert content(tmp_path / "back") == {"a": "1", "b/c": "2"}


def test_versions_younger_than_asked_stay(s3: str, uploads: tuple[Path, Path]) -> None:
    for folder in uploads:
        upload.upload(folder, f"{s3}/out")
    assert "0 versions" in run("clean", s3, "--keep", "1", "--older-than", "1d")
    assert "1 versions" in run("clean", s3, "--keep", "1", "--older-than", "0d")


def test_a_plain_copy_has_the_files_under_their_names_and_is_not_read(
    s3: str, uploads: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = uploads
    for folder in (old, new):
        upload.upload(folder, f"{s3}/out")
        run("copy", f"{s3}/out", "--out", f"{s3}/seen", "--plain")
    assert names(f"{s3}/seen") == {*NEW, plain.PLAIN}
    assert s3_files.get(f"{s3}/seen/page", tmp_path / "page")
    assert (tmp_path / "page").read_text() == NEW["page"]
    with pytest.raises(MtlserError, match="a copy for people"):
        storage.fetch(f"{s3}/seen")
    with pytest.raises(MtlserError, match=r"no copy by mtlser \(first: .*mtlser.json"):
        plain.copy(old, "here", f"{s3}/out")
    assert content(storage.fetch(f"{s3}/out")) == NEW
