"""A second ingest decodes what has changed, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from mtlser import stages
from mtlser.data import audio, clips, corpora, earlier, manifest, unchanged
from mtlser.recipe import Recipe, load
from mtlser.records import Utterance, read_jsonl
from mtlser.storage import custody
from tests.helpers.corpus_releases import speech, write_recordings

FILES = ("manifest.jsonl", "clips.jsonl", "fingerprints.safetensors", "ingest.json")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded by ingest from now on."""
    names: list[str] = []
    whole = audio.decode_spans

    def watched(path: Path, *given: object, **named: object) -> object:
        names.append(path.name)
        return whole(path, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(audio, "decode_spans", watched)
    return names


Ingest = Callable[..., dict[str, bytes]]


@pytest.fixture
def ingest(tmp_path: Path, decoded: list[str]) -> Ingest:
    """Ingests the recordings into one folder; the files that it wrote."""
    write_recordings(tmp_path / "in")

    def run(*sets: str) -> dict[str, bytes]:
        decoded.clear()
        recipe: Recipe = load("own", (f"data.root={tmp_path / 'in'}", *sets))
        stages.ingest(recipe, str(tmp_path / "out"))
        assert custody.verified(tmp_path / "out")
        return {name: (tmp_path / "out" / name).read_bytes() for name in FILES}

    return run


def test_an_unchanged_corpus_is_not_decoded_and_gives_the_same_bytes(
    ingest: Ingest, decoded: list[str], tmp_path: Path
) -> None:
    first = ingest()
    assert len(decoded) == 8
    page = (tmp_path / "out" / "corpus.html").read_bytes()
    assert ingest() == first
    assert decoded == []
    assert (tmp_path / "out" / "corpus.html").read_bytes() == page
    utterances = list(read_jsonl(tmp_path / "out" / "manifest.jsonl", Utterance))
    assert len(utterances) == 8
    assert all(len(clips.load(tmp_path / "out", u)) for u in utterances)


def test_one_changed_recording_is_decoded(
    ingest: Ingest, decoded: list[str], tmp_path: Path
) -> None:
    first = ingest()
    changed = tmp_path / "in" / "calm" / "S1_2.wav"
    soundfile.write(changed, speech(99, 0.6), 16_000)
    second = ingest()
    assert decoded == ["S1_2.wav"]
    fresh = tmp_path / "fresh"
    stages.ingest(load("own", (f"data.root={tmp_path / 'in'}",)), str(fresh))
    assert second == {name: (fresh / name).read_bytes() for name in FILES}
    assert second["manifest.jsonl"] != first["manifest.jsonl"]


def test_labels_are_read_anew(ingest: Ingest, decoded: list[str]) -> None:
    ingest()
    content = ingest("labels.map.frustrated=angry")
    assert decoded == []
    assert b'"emotion":"angry"' in content["manifest.jsonl"]


@pytest.mark.parametrize(
    "damage", ["channels", "code", "clip", "cut", "manifest", "gone", "stamps"]
)
def test_what_is_not_certain_is_decoded_again(
    ingest: Ingest, decoded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    first = ingest()
    out = tmp_path / "out"
    sets: tuple[str, ...] = ()
    expected = 8
    if damage == "channels":
        sets = ("data.channels=left",)
    elif damage == "code":
        monkeypatch.setattr(earlier, "decoder_digest", lambda: "another")
    elif damage == "stamps":
        (out / earlier.SOURCES).write_bytes(b"{")
    elif damage == "manifest":
        (out / "manifest.jsonl").write_bytes(first["manifest.jsonl"].replace(b"S0", b"S9"))
    else:
        (shard,) = (out / "audio").iterdir()
        content = shard.read_bytes()
        if damage == "gone":
            shard.unlink()
        elif damage == "cut":
            shard.write_bytes(content[:-7])
            expected = 1
        else:
            shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            expected = 1
    second = ingest(*sets)
    assert len(decoded) == expected
    assert second["manifest.jsonl"] == first["manifest.jsonl"]


def test_a_recording_with_another_time_is_decoded_to_the_same(
    ingest: Ingest, decoded: list[str], tmp_path: Path
) -> None:
    first = ingest()
    os.utime(tmp_path / "in" / "calm" / "S0_0.wav", ns=(1, 1))
    second = ingest()
    assert decoded == ["S0_0.wav"]
    assert second["manifest.jsonl"] == first["manifest.jsonl"]


def test_a_recording_that_changes_while_it_is_read_is_decoded_the_next_time(
    ingest: Ingest, decoded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = audio.decode_spans
    changing = tmp_path / "in" / "calm" / "S0_0.wav"

    def meanwhile(path: Path, *given: object, **named: object) -> object:
        clips = list(whole(path, *given, **named))  # type: ignore[arg-type]
        if path == changing:
            soundfile.write(changing, speech(77, 0.5), 16_000)
        return clips

    with monkeypatch.context() as patched:
        patched.setattr(audio, "decode_spans", meanwhile)
        ingest()
    decoded.clear()
    ingest()
    assert decoded == ["S0_0.wav"]


class KilledError(BaseException):
    """What no handler of an error catches."""


@pytest.mark.parametrize("at", [1, 5, 7])
def test_a_killed_ingest_loses_no_full_shard(
    ingest: Ingest, decoded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Shards of two clips; the ingest is killed after so many of eight."""
    monkeypatch.setenv("MTLSER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(clips, "SHARD_BYTES", 2 * 2 * 6400)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    taken = 0
    add = clips.Writer.add

    def until(self: clips.Writer, sha256: str, samples_n: clips.Samples) -> bool:
        nonlocal taken
        taken += 1
        if taken > at:
            raise KilledError
        return add(self, sha256, samples_n)

    with monkeypatch.context() as killing, pytest.raises(KilledError):
        killing.setattr(clips.Writer, "add", until)
        ingest()
    assert not (tmp_path / "out").exists()
    second = ingest()
    shards_full = (at - 1) // 2
    assert len(decoded) == 8 - 2 * shards_full
    assert not list((tmp_path / "cache" / "ingest").iterdir())
    utterances = list(read_jsonl(tmp_path / "out" / "manifest.jsonl", Utterance))
    assert all(len(clips.load(tmp_path / "out", each)) for each in utterances)
    fresh = tmp_path / "fresh"
    stages.ingest(load("own", (f"data.root={tmp_path / 'in'}",)), str(fresh))
    assert second == {name: (fresh / name).read_bytes() for name in FILES}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the releases that are read through from now on."""
    names: list[str] = []
    whole = manifest.build

    def watched(recipe: Recipe, *given: object) -> str:
        names.append(recipe.name)
        return whole(recipe, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(manifest, "build", watched)
    return names


def test_a_release_that_is_as_it_was_is_not_read_through(
    ingest: Ingest, built: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    first = ingest()
    assert len(built) == 1
    caplog.set_level("INFO")
    assert ingest() == first
    assert len(built) == 1
    assert "nothing is read again" in caplog.text


@pytest.mark.parametrize(
    "change",
    ["touched", "new", "length", "labels", "code", "page", "shard", "note", "plugin"],
)
def test_a_release_is_read_through_where_anything_differs(
    ingest: Ingest, built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    ingest()
    recording, out = tmp_path / "in" / "calm" / "S1_2.wav", tmp_path / "out"
    sets: tuple[str, ...] = ()
    if change == "touched":
        os.utime(recording, ns=(1, 1))
    elif change == "new":
        soundfile.write(recording.with_name("S1_77.wav"), speech(77, 0.6), 16_000)
    elif change == "length":
        sets = ("data.max_duration_s=30",)
    elif change == "labels":
        sets = ("labels.map.frustrated=angry",)
    elif change == "code":
        monkeypatch.setattr(unchanged, "_code", lambda: "other")
    elif change == "page":
        (out / "corpus.html").unlink()
    elif change == "shard":
        shard = next((out / "audio").iterdir())
        shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    elif change == "note":
        (out / ".release.json").write_text("{")
    else:
        own = corpora.corpus("folder")
        monkeypatch.setattr(corpora, "corpus", lambda _: own)
        monkeypatch.setattr(corpora, "CORPORA", {})
    content = ingest(*sets)
    assert len(built) == 2
    assert content["manifest.jsonl"]
    assert (out / "corpus.html").is_file()
