"""Uploads that are killed at any moment, over an earlier output and over none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.storage import s3 as objects
from mtlser.storage import s3_upload
from mtlser.storage.marker import MARKER
from tests.helpers.places import content, fill

OLD = {"model": "old weights", "page": "old page", "same": "same", "tail": "old tail"}
NEW = {"page": "new page", "more": "more", "same": "same", "tail": "new tail"}


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


def bodies(location: str) -> set[str]:
    """Text of all objects below an address, wherever they are, but for the marker's."""
    place, client = objects.Place.parse(location), objects.connect()
    return {
        client.get_object(Bucket=place.bucket, Key=place.key(name))["Body"].read().decode()
        for name in names(location) - {MARKER}
    }


@pytest.fixture
def uploads(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "old", OLD), write(tmp_path / "new", NEW)


def killed_at(
    last: int, folder: Path, location: str, monkeypatch: pytest.MonkeyPatch, *, keep: bool = False
) -> bool:
    """Uploads, one call at a time, until the kill; false where the upload ended before it."""
    connect = objects.connect
    with monkeypatch.context() as patch:
        patch.setattr(objects, "connect", lambda: Mortal(connect(), last))
        patch.setattr(objects, "WORKERS", 1)
        try:
            s3_upload.upload(folder, location, keep=keep)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("keep", [False, True])
def test_a_killed_upload_loses_nothing_of_the_old_before_the_new_is_there(
    s3: str, uploads: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    old, new = uploads
    after = {**OLD, **NEW} if keep else NEW
    states = []
    for last in range(100):
        place = f"{s3}/{last}"
        s3_upload.upload(old, place)
        if not killed_at(last, new, place, monkeypatch, keep=keep):
            break
        there = bodies(place)
        assert there >= set(OLD.values()) or there >= set(after.values()), last
        try:
            read = content(storage.fetch(place))
        except MtlserError as error:
            assert "not finished" in str(error)
            states.append("neither")
        else:
            assert read in (OLD, after)
            states.append("old" if read == OLD else "new")
        if states[-1] == "neither" and keep:
            continue
        s3_upload.upload(new, place, keep=keep)
        assert content(storage.fetch(place)) == after
        assert names(place) == {*after, MARKER}, "no stray is left"
    assert content(storage.fetch(place)) == after
    assert states == sorted(states, key=["old", "neither", "new"].index)
    assert set(states) == {"old", "neither", "new"}


def test_what_is_added_needs_a_finished_output(
    s3: str, uploads: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = uploads
    assert killed_at(2, old, s3, monkeypatch)
    before = names(s3)
    with pytest.raises(MtlserError, match="not finished, so nothing is added"):
        s3_upload.upload(new, s3, keep=True)
    assert names(s3) == before


def test_a_stray_is_not_read_from_the_folder_above(
    s3: str, uploads: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = uploads
    s3_upload.upload(old, f"{s3}/run")
    assert killed_at(3, new, f"{s3}/run", monkeypatch)
    assert names(f"{s3}/run") > {*OLD, MARKER}
    assert content(storage.fetch(s3)) == {f"run/{name}": text for name, text in OLD.items()}


def test_a_step_does_not_replace_a_whole_run(s3: str, tmp_path: Path) -> None:
    s3_upload.upload(write(tmp_path / "run", {"pipeline.log": "hours", "model": "weights"}), s3)
    with pytest.raises(MtlserError, match="holds a whole pipeline run"), storage.output(s3):
        pytest.fail("the block must not run")
