"""Paths that a file names: whoever wrote the file, nothing outside of its folder is read."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mtlser.data import audio, clips
from mtlser.errors import MtlserError
from mtlser.evaluation.choices import SearchResult
from mtlser.records import Utterance, paths, read_json, read_jsonl
from mtlser.stages import inputs
from mtlser.storage import checked, custody
from mtlser.storage.custody import Custody
from mtlser.storage.marker import DIGESTS, Marker
from mtlser.storage.s3.pointer import Pointer
from mtlser.storage.shards import Shards
from tests.helpers.utterances import utterance

OUTSIDE = ("/etc/passwd", "../outside.wav", "audio/../../outside.wav", "", ".", "audio//a", "a\0b")

CHOSEN = {"format": 2, "scope": "fold", "metric": "ua", "rows": []}
SHARD = {"address": "s3://bucket/a", "size": 1, "sha256": "0" * 64}
CHOICE = {"fold": 0, "alpha": 0.1, "beta": 0.1}
FILES: dict[str, tuple[Callable[[str], object], Callable[[Path], object]]] = {
    "audio of a manifest": (
        lambda name: {**asdict(utterance("a")), "audio": name},
        lambda path: list(read_jsonl(path, Utterance)),
    ),
    "run of a choice": (
        lambda name: {**CHOSEN, "choices": [{**CHOICE, "run": name}]},
        lambda path: read_json(path, SearchResult),
    ),
    "file of a custody record": (
        lambda name: {"step": "split", "files": {name: "0" * 64}},
        lambda path: read_json(path, Custody),
    ),
    "rows of a custody record": (
        lambda name: {"step": "split", "rows": {name: "0" * 64}},
        lambda path: read_json(path, Custody),
    ),
    "shard on S3": (
        lambda name: {"files": {name: SHARD}},
        lambda path: read_json(path, Shards),
    ),
    "file of a marker": (
        lambda name: {"state": "complete", "files": {name: 1}},
        lambda path: read_json(path, Marker),
    ),
}

DIGESTS_IN: dict[str, tuple[type[Any], Callable[[str], object]]] = {
    "of a shard": (Shards, lambda sha256: {"files": {"audio/a": {**SHARD, "sha256": sha256}}}),
    "of a pointer": (
        Pointer,
        lambda sha256: {"state": "complete", "files": {"a": 1}, "sha256": {"a": sha256}},
    ),
}


@pytest.mark.parametrize("sha256", ["../../x", "", "0" * 63, "0" * 64 + "\n", "A" * 64])
@pytest.mark.parametrize("kind", DIGESTS_IN)
def test_what_is_no_digest_names_no_file_of_the_cache(
    kind: str, sha256: str, tmp_path: Path
) -> None:
    record, written = DIGESTS_IN[kind]
    path = tmp_path / "record.json"
    path.write_text(json.dumps(written(sha256)), encoding="utf-8")
    with pytest.raises(MtlserError, match="String should match pattern"):
        read_json(path, record)
    path.write_text(json.dumps(written("0" * 64)), encoding="utf-8")
    assert read_json(path, record)


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", FILES)
def test_a_record_that_names_a_path_outside_is_refused(
    kind: str, name: str, tmp_path: Path
) -> None:
    written, read = FILES[kind]
    path = tmp_path / "record.json"
    path.write_text(json.dumps(written(name)), encoding="utf-8")
    with pytest.raises(MtlserError, match="is no path below a folder"):
        read(path)
    path.write_text(json.dumps(written("audio/a b+ü.wav")), encoding="utf-8")
    assert read(path)


def test_a_sealed_folder_that_names_a_file_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    checked.write_json(folder / DIGESTS, {"../outside": "0" * 64})
    with pytest.raises(MtlserError, match="is no path below a folder"):
        checked.verify_folder(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder made by hand, with a recording beside it that it does not hold."""
    for place in (tmp_path / "corpus" / "audio", tmp_path / "elsewhere"):
        place.mkdir(parents=True)
        tone_n = 0.3 * np.sin(np.arange(8_000) / 9)
        soundfile.write(place / "a.wav", tone_n, 16_000)
    return tmp_path / "corpus"


def recorded(corpus: Path, name: str = "audio/a.wav") -> Utterance:
    digest = audio.decode(corpus.parent / "elsewhere" / "a.wav").sha256
    return utterance("a", audio=name, audio_sha256=digest)


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("ending", ["wav", "safetensors"])
def test_a_link_out_of_the_corpus_is_refused(what: str, ending: str, corpus: Path) -> None:
    place, elsewhere = corpus / "audio", corpus.parent / "elsewhere"
    (place / "a.wav").unlink()
    if ending == "safetensors":
        (elsewhere / "a.wav").rename(elsewhere / "a.safetensors")
    if what == "file":
        (place / f"a.{ending}").symlink_to(elsewhere / f"a.{ending}")
    else:
        place.rmdir()
        place.symlink_to(elsewhere)
    named = utterance("a", audio=f"audio/a.{ending}")
    for read in (clips.load, clips.samples, clips.holds):
        with pytest.raises(MtlserError, match=f"audio/a.{ending}: leads out of its folder"):
            read(corpus, named)


def test_a_link_to_the_corpus_and_links_within_it_are_followed(corpus: Path) -> None:
    (corpus.parent / "link").symlink_to(corpus)
    (corpus / "b.wav").symlink_to(corpus / "audio" / "a.wav")
    for name in ("audio/a.wav", "b.wav"):
        assert len(clips.load(corpus.parent / "link", recorded(corpus, name))) == 8_000


def test_a_recording_that_was_exchanged_is_refused(corpus: Path) -> None:
    known = recorded(corpus)
    assert len(clips.load(corpus, known)) == len(clips.samples(corpus, known)) == 8_000
    soundfile.write(corpus / "audio" / "a.wav", 0.3 * np.sin(np.arange(8_000) / 7), 16_000)
    for read in (clips.load, clips.samples):
        with pytest.raises(MtlserError, match=r"a\.wav: .* not the recording of the manifest"):
            read(corpus, known)


@pytest.mark.parametrize(
    ("name", "step", "read"),
    [
        ("manifest.jsonl", "ingest", inputs.load_manifest),
        ("folds.json", "split", inputs.load_folds),
        ("chosen.json", "search", inputs.load_chosen),
    ],
)
def test_a_file_that_was_edited_after_its_step_is_refused_when_it_is_read(
    name: str, step: custody.Step, read: Callable[[Path], object], tmp_path: Path
) -> None:
    content = {
        "manifest.jsonl": asdict(utterance("a")),
        "folds.json": {"protocol": "loso", "seed": 0, "manifest_digest": "0", "folds": []},
        "chosen.json": {**CHOSEN, "choices": [{**CHOICE, "run": None}]},
    }[name]
    (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    custody.seal(tmp_path, step, (name,))
    assert read(tmp_path)
    text = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    with pytest.raises(MtlserError, match=f"{name} has SHA-256 .* run `{custody.command(step)}`"):
        read(tmp_path)


def test_a_path_below_a_folder_is_found_through_links_within_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("/etc/passwd")
    assert paths.within(tmp_path, "b") == tmp_path / "b"
    with pytest.raises(MtlserError, match="leads out of its folder"):
        paths.within(tmp_path, "c")
