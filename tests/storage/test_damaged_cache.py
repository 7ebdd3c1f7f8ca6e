"""Downloads that are damaged on this disk: taken from S3 again, never read."""

import logging
import os
from pathlib import Path

import pytest

from mtlser import storage
from mtlser.storage import checked
from mtlser.storage.s3 import cache
from tests.helpers.damage import TRIED, damage
from tests.helpers.places import content, fill


@pytest.mark.parametrize("name", ["object", "object.sha256"])
def test_a_damaged_object_is_never_taken_for_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / "object"
    path.write_bytes(bytes(range(256)) * 9)
    cache.sign(path, path)
    assert cache.is_whole(path)
    good = {each: (tmp_path / each).read_bytes() for each in ("object", "object.sha256")}
    said = checked.read_json(tmp_path / "object.sha256")
    for seed in range(TRIED):
        kind = damage(tmp_path / name, seed)
        if cache.is_whole(path):
            assert path.read_bytes() == good["object"], (seed, kind)
            assert checked.read_json(tmp_path / "object.sha256") == said
        for each, text in good.items():
            (tmp_path / each).write_bytes(text)


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "copied"])
def test_a_damaged_download_is_fetched_again(
    s3: str, linked: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise OSError

    if not linked:
        monkeypatch.setattr(os, "link", no_link)

    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1" * 1000, deep__b="2" * 1000)
    expected = {"a": "1" * 1000, "deep/b": "2" * 1000}
    tree = storage.fetch(f"{s3}/out")
    assert content(tree) == expected
    objects = [p for p in (storage.cache_folder() / "objects").rglob("*") if p.is_file()]
    with caplog.at_level(logging.WARNING):
        for path in [each for each in objects if each.suffix != ".sha256"]:
            damage(path, 3)
        for path in tree.rglob("*"):
            if path.is_file():
                damage(path, 1)
        assert content(storage.fetch(f"{s3}/out")) == expected
    assert len(caplog.records) == 2
    caplog.clear()
    for path in objects:
        if path.suffix == ".sha256":
            path.unlink()
    assert content(storage.fetch(f"{s3}/out")) == expected
    assert content(storage.fetch(f"{s3}/out")) == expected
