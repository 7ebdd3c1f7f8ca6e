"""The EmoDB reader, on names alone and on the real 535 files."""

from pathlib import Path

import pytest

from mtlser.data import corpora, ingest_report, manifest
from mtlser.data.corpora.base import BAD_NAME, OUTSIDE_TASK
from mtlser.recipe import load
from mtlser.records import Utterance, read_json, read_jsonl


def test_names_tell_all(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for name in ("03a01Fa", "08b03Lb", "99a01Na", "notes", "._03a01Fa"):
        (tmp_path / "wav" / f"{name}.wav").write_bytes(b"")
    read = {item.id: item for item in corpora.read("emodb", tmp_path)}
    assert {name: item.left_out for name, item in read.items()} == {
        "03a01Fa": None,
        "08b03Lb": OUTSIDE_TASK,
        "99a01Na": BAD_NAME,
        "notes": BAD_NAME,
    }
    item = read["03a01Fa"]
    assert (item.emotion, item.speaker, item.gender) == ("happy", "emodb_03", "M")
    assert (item.language, item.text) == ("de", "Der Lappen liegt auf dem Eisschrank.")
    assert (item.session, item.dialogue, item.recording) == (None, None, None)
    assert [i.id for i in corpora.read("emodb", tmp_path / "wav")] == list(read)


def test_the_real_release(shared: Path, tmp_path: Path) -> None:
    recipe = load("demo", ("data.corpus=emodb",))
    manifest.build(recipe, shared / "data" / "emodb", tmp_path)
    report = read_json(tmp_path / "ingest.json", ingest_report.IngestReport)
    assert (report.seen, report.kept, report.missing_transcripts) == (535, 339, 0)
    assert report.by_emotion == {"neutral": 79, "happy": 71, "angry": 127, "sad": 62}
    assert [(group.reason, group.count) for group in report.left_out] == [(OUTSIDE_TASK, 196)]
    assert len(report.by_speaker) == 10
    assert report.differs_from_release == ()
    assert report.dropped_characters == {}
    utterances = list(read_jsonl(tmp_path / "manifest.jsonl", Utterance))
    assert [u.id for u in utterances] == sorted(u.id for u in utterances)
    assert len({u.text for u in utterances}) == 10
    assert "DAS SCHWARZE STUECK PAPIER" in " ".join(u.text or "" for u in utterances)
    assert {u.gender for u in utterances if u.speaker in {"emodb_08", "emodb_16"}} == {"F"}
    assert all((tmp_path / u.audio).is_file() for u in utterances)


@pytest.mark.parametrize("name", ["emodb", "iemocap"])
def test_registered(name: str) -> None:
    assert corpora.corpus(name).name == name
