"""The cache by age: what goes, what a process that runs keeps, and how it is told."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtlser import storage
from mtlser.cli.app import app
from mtlser.errors import MtlserError
from mtlser.storage import in_use, old_cache, shards
from mtlser.storage.s3 import client, fetching
from tests.helpers.places import content, fill

DAY_S = 86_400
HOLDER = """
import sys, time
from pathlib import Path
from mtlser.storage import places
print(places.cached_folder("work", sys.argv[1]), flush=True)
time.sleep(60)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache that this process does not use yet, nor afterwards."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MTLSER_CACHE", str(folder))
    monkeypatch.setattr(in_use, "_registered", None)
    yield folder
    end()


def end() -> None:
    """As if this process, which uses the cache, had ended."""
    if in_use._registered is not None:
        os.close(in_use._registered[1])
        in_use._registered = None


def age(days: float, *paths: Path) -> None:
    """Makes files and folders, and all below them, last used so many days ago."""
    moment = time.time() - days * DAY_S
    for path in paths:
        for each in (*path.rglob("*"), path):
            os.utime(each, (moment, moment))


def cleaned(*words: str) -> str:
    done = CliRunner().invoke(app, ["clean", "cache", *words])
    assert done.exit_code == 0, done.output
    return done.output


def old(cache: Path, days: float, *, delete: bool = False) -> set[str]:
    before = datetime.now(UTC) - timedelta(days=days)
    return {each.name for each in old_cache.clean(cache, before, delete=delete)}


@contextmanager
def holder(cache: Path, key: str) -> Iterator[None]:
    """Another process, which uses one work folder."""
    environment = {**os.environ, "MTLSER_CACHE": str(cache)}
    words = [sys.executable, "-c", HOLDER, key]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == str(cache / "work" / key)
            yield
        finally:
            process.kill()


def test_what_nobody_has_used_for_long_goes_when_it_is_asked_for(cache: Path) -> None:
    for kind in old_cache.KINDS:
        fill(cache / kind / "old", a="1" * 1_000_000)
        fill(cache / kind / "new", a="2")
        age(100, cache / kind / "old")
    fill(cache / "work" / "half", a="1", b="2")
    age(100, cache / "work" / "half")
    (cache / "work" / "half" / "b").touch()

    names = {f"{kind}/old" for kind in old_cache.KINDS}
    shown = cleaned("--older-than", "90d")
    assert f"{len(names)} entries to be deleted, 6.0 MB" in shown
    assert "next: mtlser clean cache --older-than 90d --yes" in shown
    assert f"{cache / 'work' / 'old'}  checkpoints of a step, 1 files, 1.0 MB" in shown
    assert old(cache, 90) == names
    assert f"{len(names)} entries deleted, 6.0 MB" in cleaned("--older-than", "90d", "--yes")
    for kind in old_cache.KINDS:
        assert not (cache / kind / "old").exists()
        assert content(cache / kind / "new") == {"a": "2"}
    assert (cache / "work" / "half").is_dir()
    assert cleaned("--older-than", "90d", "--yes").startswith("0 entries deleted")


def test_copies_of_s3_go_with_their_files_and_share_them_with_those_that_stay(
    s3: str, cache: Path
) -> None:
    for name, own in (("one", "1"), ("two", "2")):
        with storage.output(f"{s3}/{name}") as folder:
            fill(folder, own=own * 2_000_000, shared="s" * 1_000_000)
    trees = {name: storage.fetch(f"{s3}/{name}") for name in ("one", "two")}
    end()
    age(100, cache)
    assert trees["two"] == storage.fetch(f"{s3}/two")
    end()
    before = datetime.now(UTC) - timedelta(days=90)
    gone, files = old_cache.clean(cache, before, delete=False)
    assert (gone.name, gone.size) == (f"trees/{trees['one'].name}", 0)
    assert (files.name, files.files) == ("objects", 2)
    assert 2_000_000 <= files.size < 2_001_000
    assert old(cache, 90, delete=True) == {gone.name, "objects"}
    assert content(trees["two"]) == {"own": "2" * 2_000_000, "shared": "s" * 1_000_000}
    assert len([p for p in (cache / "objects").rglob("*") if p.is_file()]) == 4
    assert content(storage.fetch(f"{s3}/one")) == {
        "own": "1" * 2_000_000, "shared": "s" * 1_000_000,
    }  # fmt: skip


def test_a_file_fetched_by_itself_is_used_by_that(s3: str, cache: Path) -> None:
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="1")
    place = client.Place.parse(f"{s3}/out")
    storage.fetch(f"{s3}/out")
    (remote,) = fetching.present(client.connect(), place, f"{s3}/out") or []
    path = fetching.fetch_object(place, remote, cache)
    end()
    age(100, cache)
    assert fetching.fetch_object(place, remote, cache) == path
    end()
    # The copy goes through its file, which has the same age as its name among the objects.
    assert not {"objects", "trees"} & {each.partition("/")[0] for each in old(cache, 90)}
    age(100, cache)
    assert "objects" in old(cache, 90, delete=True)
    assert not path.exists()
    assert not path.with_name(f"{path.name}.sha256").exists()


def test_what_a_running_process_took_stays_however_old(cache: Path) -> None:
    fill(cache / "work" / "taken", a="1")
    fill(cache / "work" / "left", a="1")
    age(100, cache / "work")
    with holder(cache, "taken"):
        age(100, cache / "work" / "taken" / "a")
        time.sleep(0.05)
        assert old(cache, 0, delete=True) == {"work/left"}
    assert old(cache, 0) == {"work/taken"}
    assert [each.name for each in (cache / in_use.USERS).iterdir()] == [in_use.GATE]


def test_nothing_is_deleted_while_a_process_takes_something(cache: Path) -> None:
    with (
        in_use.used(cache),
        pytest.raises(MtlserError, match="a process is taking something from it"),
    ):
        old_cache.clean(cache, datetime.now(UTC), delete=True)


def test_a_cache_that_cannot_be_written_is_read_all_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    fill(cache / "work" / "one", a="1")
    monkeypatch.setattr(Path, "mkdir", refused)
    assert content(storage.cached_folder("work", "one")) == {"a": "1"}
    with pytest.raises(MtlserError, match="cannot be written: Permission denied"):
        old_cache.clean(cache, datetime.now(UTC), delete=True)


def test_locks_of_shards_go_too(cache: Path) -> None:
    fill(cache / shards.LOCKS, a="")
    age(100, cache / shards.LOCKS)
    assert old(cache, 90, delete=True) == {shards.LOCKS}
    assert not (cache / shards.LOCKS / "a").exists()


def test_an_absent_cache_holds_nothing_and_an_age_is_needed(cache: Path) -> None:
    assert cleaned("--older-than", "1d").startswith("0 entries to be deleted")
    assert not cache.exists()
    done = CliRunner().invoke(app, ["clean", "cache"])
    assert "give one, as --older-than 90d" in str(done.exception)
