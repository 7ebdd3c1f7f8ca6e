"""The EmoDB reader, on names alone and on the real 535 files."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import clips, corpora, ingest_report, manifest
from mtlser.data.corpora.base import BAD_NAME, ELSEWHERE, NOT_AUDIO, SAME_ID
from mtlser.recipe import load
from mtlser.records import Utterance, read_json, read_jsonl
from tests.helpers.corpus_releases import read

STEMS = st.sampled_from(
    ["03a01Fa", "03a01fa", "08b03Lb", "16b10Wa", "99a01Na", "notes", "a b", "é", "sub/03a02Fa"]
)
ENDINGS = st.sampled_from(
    [".wav", ".WAV", ".Wav", ".flac", ".FLAC", ".mp3", ".txt", "", ".wav.bak"]
)


def test_names_tell_all(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for name in ("03a01Fa", "08b03Lb", "99a01Na", "notes", "._03a01Fa"):
        (tmp_path / "wav" / f"{name}.wav").write_bytes(b"")
    items = {item.id: item for item in read("emodb", tmp_path)}
    assert {name: item.left_out for name, item in items.items()} == {
        "03a01Fa": None,
        "08b03Lb": None,
        "99a01Na": BAD_NAME,
        "notes": BAD_NAME,
    }
    item = items["03a01Fa"]
    assert (item.label, item.speaker, item.gender) == ("F", "emodb_03", "M")
    assert (item.language, item.text) == ("de", "Der Lappen liegt auf dem Eisschrank.")
    assert (item.session, item.dialogue, item.recording) == (None, None, None)
    assert [i.id for i in read("emodb", tmp_path / "wav")] == list(items)


def test_the_real_release(shared: Path, tmp_path: Path) -> None:
    recipe = load("demo", ("data.corpus=emodb",))
    manifest.build(recipe, [shared / "data" / "emodb"], tmp_path)
    report = read_json(tmp_path / "ingest.json", ingest_report.IngestReport)
    assert (report.seen, report.kept, report.missing_transcripts) == (535, 339, 0)
    assert report.by_emotion == {"neutral": 79, "happy": 71, "angry": 127, "sad": 62}
    assert [(group.reason, group.count) for group in report.left_out] == [
        (corpora.OUTSIDE_TASK, 196)
    ]
    assert len(report.by_speaker) == 10
    assert report.differs_from_release == ()
    assert report.dropped_characters == {}
    utterances = list(read_jsonl(tmp_path / "manifest.jsonl", Utterance))
    assert [u.id for u in utterances] == sorted(u.id for u in utterances)
    assert len({u.text for u in utterances}) == 10
    assert "DAS SCHWARZE STUECK PAPIER" in " ".join(u.text or "" for u in utterances)
    assert {u.gender for u in utterances if u.speaker in {"emodb_08", "emodb_16"}} == {"F"}
    assert all(clips.holds(tmp_path, u) for u in utterances)


def test_no_file_is_passed_over_in_silence(tmp_path: Path) -> None:
    folder = tmp_path / "WAV"
    names = ("03a01Fa.WAV", "03a02Wa.wav", "03a02Wa.flac", "03a04Ta.Flac", "08b03Na.mp3", "a.txt",
             "old/03a05Fa.wav", "._03a01Fa.wav", ".DS_Store", "old/.DS_Store")  # fmt: skip
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    assert [(item.id, item.left_out) for item in read("emodb", tmp_path)] == [
        ("03a01Fa", None),
        ("03a02Wa", None),
        ("03a04Ta", None),
        ("03a02Wa.flac", SAME_ID),
        ("08b03Na.mp3", NOT_AUDIO),
        ("a.txt", NOT_AUDIO),
        ("old/03a05Fa.wav", ELSEWHERE),
    ]


def test_a_name_that_is_not_utf_8_can_be_written_down(tmp_path: Path) -> None:
    (tmp_path / "03a01Fa.wav").write_bytes(b"")
    (tmp_path / "gr\udcfcn.wav").write_bytes(b"")
    ids = [item.id for item in read("emodb", tmp_path)]
    assert ids == ["03a01Fa", r"gr\xfcn"]


@settings(max_examples=60)
@given(st.sets(st.tuples(STEMS, ENDINGS), max_size=12))
def test_read_and_left_out_are_all_files(drawn: set[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        counted_once(Path(folder), drawn)


def counted_once(root: Path, drawn: set[tuple[str, str]]) -> None:
    names = {"03a01Fa.wav", *(stem + ending for stem, ending in drawn)}
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    items = read("emodb", root)
    assert sorted(str(item.path) for item in items) == sorted(str(root / name) for name in names)
    kept = [item.id for item in items if item.left_out is None]
    assert len(kept) == len(set(kept))
    assert all(item.label or item.left_out for item in items)


@pytest.mark.parametrize("name", ["emodb", "iemocap"])
def test_registered(name: str) -> None:
    assert corpora.corpus(name).name == name
