"""Shards of a corpus that stay on S3 until a clip of theirs is read."""

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from mtlser import stages
from mtlser.data import audio, clips
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, load
from mtlser.records import Utterance, read_jsonl
from mtlser.storage import shards
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import fetching
from mtlser.storage.shards import SHARDS, fetch_corpus
from tests.helpers.corpus_releases import write_recordings

COUNT = 24


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the recordings each."""
    monkeypatch.setattr(clips, "SHARD_BYTES", 50_000)
    shards._local.cache_clear()


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    write_recordings(tmp_path / "in", COUNT)
    return load("own", (f"data.root={tmp_path / 'in'}", "split.protocol=random"))


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the objects that are downloaded from now on."""
    names: list[str] = []
    download = fetching._download

    def watched(client: Any, place: Any, remote: objects.Remote, cache: Path) -> None:
        names.append(remote.name)
        download(client, place, remote, cache)

    monkeypatch.setattr(fetching, "_download", watched)
    return names


def manifest(corpus: Path) -> list[Utterance]:
    return list(read_jsonl(corpus / "manifest.jsonl", Utterance))


def all_clips(corpus: Path) -> list[np.ndarray[Any, Any]]:
    return [clips.samples(corpus, each) for each in manifest(corpus)]


def same(one: Path, other: Path) -> bool:
    return all(map(np.array_equal, all_clips(one), all_clips(other)))


def test_a_corpus_on_s3_is_fetched_shard_by_shard(
    s3: str, recipe: Recipe, fetched: list[str], tmp_path: Path
) -> None:
    stages.ingest(recipe, str(tmp_path / "here"))
    stages.ingest(recipe, f"{s3}/corpus")
    stages.split(f"{s3}/corpus", recipe, str(tmp_path / "folds"))
    assert fetched and not any(map(shards.is_shard, fetched))
    corpus = fetch_corpus(f"{s3}/corpus")
    utterances = manifest(corpus)
    places = {each.audio for each in utterances}
    assert len(places) > 2
    fetched.clear()
    for each in utterances:
        if each.audio == utterances[0].audio:
            clips.load(corpus, each)
    assert len(fetched) == 1
    assert same(corpus, tmp_path / "here")
    assert len(fetched) == len(places)


def test_shards_of_a_place_are_sent_and_fetched_once_for_all_corpora(
    s3: str, recipe: Recipe, fetched: list[str], tmp_path: Path
) -> None:
    stages.ingest(recipe, str(tmp_path / "here"))
    stages.ingest(recipe, str(tmp_path / "one"), clips=f"{s3}/clips")
    with mock.patch("mtlser.storage.s3.files.put") as put:
        stages.ingest(recipe, str(tmp_path / "two"), clips=f"{s3}/clips/")
    assert not put.called
    assert not list((tmp_path / "one" / "audio").glob("*"))
    assert same(tmp_path / "one", tmp_path / "here")
    count = len(fetched)
    assert count == len(list((tmp_path / "here" / "audio").iterdir()))
    assert same(tmp_path / "two", tmp_path / "here")
    assert len(fetched) == count


def test_a_second_ingest_takes_its_clips_from_s3(
    s3: str, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stages.ingest(recipe, str(out), clips=f"{s3}/clips")
    before = (out / "manifest.jsonl").read_bytes()
    monkeypatch.setattr(audio, "decode_spans", mock.Mock(side_effect=AssertionError))
    stages.ingest(recipe, str(out), clips=f"{s3}/clips")
    assert (out / "manifest.jsonl").read_bytes() == before
    assert not list((out / "audio").glob("*"))
    assert len(all_clips(out)) == COUNT


def test_a_shard_is_the_one_that_was_sent_or_refused(
    s3: str, recipe: Recipe, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stages.ingest(recipe, str(out), clips=f"{s3}/clips")
    first = manifest(out)[0]
    at = shards.Shards.model_validate_json((out / SHARDS).read_text()).files[first.audio]
    good = clips.samples(out, first)
    cached = shards.fetched(out, first.audio)
    assert cached is not None
    cached.chmod(0o644)
    cached.write_bytes(b"damaged")
    shards._local.cache_clear()
    assert np.array_equal(clips.samples(out, first), good)

    place = objects.Place.parse(at.address)
    client = objects.connect()
    client.put_object(Bucket=place.bucket, Key=place.prefix, Body=bytes(at.size))
    cached.unlink()
    shards._local.cache_clear()
    with pytest.raises(MtlserError, match=r"not the file that was uploaded, .* run the step"):
        clips.samples(out, first)
    client.delete_object(Bucket=place.bucket, Key=place.prefix)
    with pytest.raises(MtlserError, match="absent, though it is part of"):
        clips.samples(out, first)


def test_a_place_for_clips_is_on_s3(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="give one like s3://bucket/clips"):
        stages.ingest(recipe, str(tmp_path / "out"), clips=str(tmp_path / "clips"))
    assert not (tmp_path / "out").exists()
