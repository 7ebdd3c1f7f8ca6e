"""What single readers do beyond the contract of all."""

import json
from pathlib import Path

import pytest

from mtlser.data import manifest, measured
from mtlser.data.corpora.base import NO_AGREEMENT, release_folder
from mtlser.errors import MtlserError
from mtlser.recipe import load
from mtlser.records import Utterance, read_jsonl
from tests.helpers import encoded
from tests.helpers.corpus_releases import read, speech
from tests.helpers.corpus_trees import write_release

ESD_TEXTS = [("gb18030", "打远一看"), ("utf-16", "打远一看"), ("utf-8-sig", "打远一看")]


@pytest.mark.parametrize(("encoding", "text"), ESD_TEXTS)
def test_esd_transcripts_are_in_many_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    release = write_release("esd", tmp_path)
    (release / "0001/0001.txt").write_bytes(f"0001_000371\t{text}\t生气\r\n".encode(encoding))
    (release / "0011/0011.txt").write_bytes(b"0011_001401\tThat\x92s it.\tSurprise\n")
    texts = {item.id: item.text for item in read("esd", release)}
    assert (texts["0001_000371"], texts["0011_001401"]) == (text, "That’s it.")


def test_meld_is_read_from_its_videos(tmp_path: Path) -> None:
    release = write_release("meld", tmp_path)
    wav = release / "train/train_splits/dia0_utt1.WAV"
    video = encoded.write(wav.with_suffix(".mp4"), speech(1), 16_000, "aac", "mp4")
    (wav.parent / "dia0_utt0.mp4").write_bytes(b"beside its wav, not read")
    items = {item.id: item.path for item in read("meld", release)}
    assert items["train_dia0_utt1"] == wav
    wav.unlink()
    items = {item.id: item.path for item in read("meld", release)}
    assert items["train_dia0_utt1"] == video
    assert release / "train/train_splits/dia0_utt0.mp4" not in items.values()
    sets = ("data.corpus=meld", "labels.classes=all", "data.max_faulty=1")
    manifest.build(load("demo", sets), [release], tmp_path / "corpus")
    utterances = read_jsonl(tmp_path / "corpus" / measured.MANIFEST, Utterance)
    durations = {u.id: u.duration_s for u in utterances}
    assert durations["train_dia0_utt1"] == pytest.approx(0.4, abs=0.1)


def test_msp_podcast_reads_labels_of_either_form(tmp_path: Path) -> None:
    release = write_release("msp-podcast", tmp_path)
    before = {item.id: item for item in read("msp-podcast", release)}
    names = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
    table = release / "Labels/labels_consensus.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()[1:-1]]
    labels = {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in rows}
    table.unlink()
    table.with_suffix(".json").write_text(json.dumps(labels))
    after = {item.id: item for item in read("msp-podcast", release)}
    assert after == {name: item for name, item in before.items() if ":" not in name}
    assert after["MSP-PODCAST_0002_0035"].left_out == NO_AGREEMENT


@pytest.mark.parametrize("content", ["[1]", "{", '{"a.wav": 3}'])
def test_msp_podcast_labels_that_are_none_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "labels_consensus.json").write_text(content)
    with pytest.raises(MtlserError, match="not a JSON object of labels by file name"):
        read("msp-podcast", tmp_path)


def test_a_folder_that_may_not_be_read_is_no_release(tmp_path: Path) -> None:
    for name in ("a", "lost+found", "release"):
        (tmp_path / name).mkdir()

    def holds(folder: Path) -> bool:
        if folder.name == "lost+found":
            raise PermissionError
        return folder.name == "release"

    assert release_folder(tmp_path, holds) == tmp_path / "release"


def test_cremad_without_its_table_knows_no_gender(tmp_path: Path) -> None:
    release = write_release("cremad", tmp_path)
    (release / "VideoDemographics.csv").unlink()
    assert {item.gender for item in read("cremad", release)} == {None}


def test_ravdess_songs_alone_are_no_release(tmp_path: Path) -> None:
    release = write_release("ravdess", tmp_path)
    for path in release.rglob("03-01-*"):
        path.unlink()
    with pytest.raises(MtlserError, match="no RAVDESS here"):
        read("ravdess", release)
