"""Keys of objects that are no files of a folder: named in one sentence, with what to do."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from mtlser.errors import MtlserError
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import fetching
from mtlser.storage.s3 import keys as s3_keys

KEYS = st.lists(
    st.lists(st.sampled_from(["a", "b", "", ".", "..", "c d", "é"]), min_size=1, max_size=4)
    .map("/".join)
    .filter(bool),
    min_size=1,
    max_size=5,
    unique=True,
)


def fetched(monkeypatch: pytest.MonkeyPatch, folder: Path, keys: Sequence[str]) -> Path:
    """The tree of a bucket that holds these keys: no server here takes all of them."""
    client = mock.Mock()
    entries = [{"Key": f"corpus/{key}", "ETag": '"0"', "Size": 1} for key in keys]
    client.get_paginator.return_value.paginate.return_value = [{"Contents": entries}]

    def get_object(Bucket: str, Key: str) -> dict[str, BytesIO]:  # noqa: N803 (boto3's own names)
        if Key.removeprefix("corpus/") in keys:
            return {"Body": BytesIO(b"x")}
        raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")

    client.get_object.side_effect = get_object
    monkeypatch.setattr(objects, "connect", lambda: client)
    return fetching.fetch("s3://speech/corpus", folder)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (("a", "a/b"), "s3://speech/corpus/a: this key is an object, and a folder"),
        (("x/a", "x/a/b/c"), "s3://speech/corpus/x/a: this key is an object, and a folder"),
        (("a//b",), "s3://speech/corpus/a//b: this key is no path"),
        (("/a",), "s3://speech/corpus//a: this key is no path"),
        (("a/./b",), "s3://speech/corpus/a/./b: this key is no path"),
        (("a/../../b",), "s3://speech/corpus/a/../../b: this key is no path"),
        (("a/",), "s3://speech/corpus/a/: this key ends in /"),
        (("a" * 256,), "more than 255 bytes"),
    ],
)
def test_a_key_that_is_no_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keys: tuple[str, ...], named: str
) -> None:
    with pytest.raises(MtlserError) as told:
        fetched(monkeypatch, tmp_path / "cache", keys)
    assert named in str(told.value)
    assert "rename or delete the object" in str(told.value)
    assert "MTLSER_CACHE" not in str(told.value)
    assert not (tmp_path / "cache/trees").exists()


def test_a_place_that_is_a_file_and_a_folder_is_named() -> None:
    with pytest.raises(MtlserError, match="s3://speech/corpus: this key is an object, and a folde"):
        s3_keys.check_tree("s3://speech/corpus/", ["", "b"])
    s3_keys.check_tree("s3://speech/corpus", [""])


def test_folders_without_a_marker_object_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree = fetched(monkeypatch, tmp_path / "cache", ["a/b", "a/c d", "a.b", "é/…"])
    assert {p.relative_to(tree).as_posix() for p in tree.rglob("*") if p.is_file()} == {
        *("a/b", "a/c d", "a.b", "é/…"),
    }


@given(KEYS)
@example(["a", "a/b"])
@example(["a-b", "a/b", "a"])
def test_every_set_of_keys_is_refused_or_a_tree(names: list[str]) -> None:
    try:
        for name in names:
            s3_keys.check("speech", f"corpus/{name}", name)
        s3_keys.check_tree("s3://speech/corpus", names)
    except MtlserError as error:
        assert "\n" not in str(error)
        return
    paths = [PurePosixPath("tree", name) for name in names]
    assert len(set(paths)) == len(names)
    assert not {parent for path in paths for parent in path.parents} & set(paths)
    assert all(path.as_posix() == f"tree/{name}" for path, name in zip(paths, names, strict=True))
