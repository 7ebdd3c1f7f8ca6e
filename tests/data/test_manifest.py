"""Ingest end to end: what is kept, what is left out and why, the same digest twice, S3."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser import stages, storage
from mtlser.data import audio, clips, manifest
from mtlser.data.ingest_report import IngestReport, describe
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, load
from mtlser.records import Utterance, read_json, read_jsonl
from tests.helpers.corpus_releases import append, write_iemocap

DIALOGUE = "Session1/sentences/wav/Ses01F_impro01"
LABELS = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"


def recipe(*overrides: str, root: Path | str = "unused") -> Recipe:
    return load("demo", (f'data.root="{root}"', *overrides))


def build(release: Path, folder: Path, *overrides: str) -> tuple[list[Utterance], IngestReport]:
    folder.mkdir(parents=True, exist_ok=True)
    manifest.build(recipe(*overrides), [release], folder)
    utterances = list(read_jsonl(folder / "manifest.jsonl", Utterance))
    return utterances, read_json(folder / "ingest.json", IngestReport)


def left_out(report: IngestReport) -> dict[str, tuple[str, ...]]:
    return {group.reason: group.ids for group in report.left_out}


def test_what_is_kept(tmp_path: Path) -> None:
    utterances, report = build(write_iemocap(tmp_path), tmp_path / "out")
    assert [(u.id, u.emotion, u.text) for u in utterances] == [
        ("Ses01F_impro01_F000", "neutral", "EXCUSE ME"),
        ("Ses01F_impro01_M000", "happy", "YES"),
        ("Ses01F_impro01_M001", "happy", "NO'O WAYE"),
        ("Ses01M_script01_1b_MXX0", "angry", None),
        ("Ses02M_script01_1_F003", "sad", None),
    ]
    for utterance in utterances:
        wav_n = clips.load(tmp_path / "out", utterance)
        assert utterance.duration_s == len(wav_n) / 16_000 == 0.4
        assert utterance.level_dbfs == pytest.approx(audio.level_dbfs(wav_n), abs=0.006)
    assert (report.seen, report.kept, report.missing_transcripts) == (7, 5, 2)
    assert report.by_emotion == {"neutral": 1, "happy": 2, "angry": 1, "sad": 1}
    assert report.by_label == {"ang": 1, "exc": 1, "hap": 1, "neu": 1, "sad": 1}
    assert report.by_speaker == {"Ses01_F": 1, "Ses01_M": 3, "Ses02_F": 1}
    assert report.by_style == {"improvised": 3, "scripted": 2}
    assert report.differs_from_release is None
    assert len(left_out(report)["label outside the recipe's classes"]) == 1
    assert len(left_out(report)["annotators disagree on the label"]) == 1


def dirty(tmp_path: Path) -> Path:
    """The tiny release with one fault of each kind among its 5 task files, plus oddities."""
    release = write_iemocap(tmp_path)
    wavs = release / DIALOGUE
    (wavs / "Ses01F_impro01_F000.wav").write_bytes(b"not a wav at all")
    soundfile.write(wavs / "Ses01F_impro01_M000.wav", np.zeros(0), 16_000)
    soundfile.write(wavs / "Ses01F_impro01_M001.wav", np.zeros(8_000), 16_000)
    (release / "Session1/sentences/wav/Ses01M_script01_1b/Ses01M_script01_1b_MXX0.wav").unlink()
    append(release / LABELS, "[1.0 - 2.0]\tSes01F_impro01_F001\tneu\t[2, 2, 2]\r\n")
    append(release / LABELS, "[1.0 - 2.0]\tSes01F_impro01_F00")
    shutil.copy(wavs / "Ses01F_impro01_F001.wav", wavs / "Ses01F_impro01_M555.wav")
    return release


def test_everything_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    utterances, report = build(dirty(tmp_path), tmp_path / "out", "data.max_faulty=0.9")
    assert [u.id for u in utterances] == ["Ses02M_script01_1_F003"]
    assert left_out(report) == {
        "audio without a label": ("Ses01F_impro01_M555",),
        "duplicate id": ("Ses01F_impro01_F001",),
        "empty": ("Ses01F_impro01_M000",),
        "label line not understood": ("Ses01F_impro01.txt:24",),
        "label outside the recipe's classes": ("Ses01F_impro01_F001",),
        "annotators disagree on the label": ("Ses01F_impro01_F002",),
        "silent": ("Ses01F_impro01_M001",),
        "unreadable": ("Ses01F_impro01_F000", "Ses01M_script01_1b_MXX0"),
    }
    assert report.seen == report.kept + sum(group.count for group in report.left_out)
    described = describe(report)
    assert "kept 1 of 10" in described
    assert "unreadable 2 (first: Ses01F_impro01_F000: " in described


def test_too_many_faults_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    release = dirty(tmp_path)
    with pytest.raises(MtlserError, match=r"4 of 5 task files .*_F000.wav: unreadable: "):
        stages.ingest(recipe(root=release), str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["IEMOCAP_full_release"]


def test_length_limits_count_but_the_default_drops_none(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    wavs = release / DIALOGUE
    noise_n = 0.1 * np.random.default_rng(1).standard_normal(16_000)
    soundfile.write(wavs / "Ses01F_impro01_F000.wav", noise_n[:1_600], 16_000)
    soundfile.write(wavs / "Ses01F_impro01_M000.wav", noise_n, 16_000)
    assert build(release, tmp_path / "all")[1].kept == 5
    limits = ("data.min_duration_s=0.2", "data.max_duration_s=0.9")
    report = build(release, tmp_path / "some", *limits)[1]
    assert left_out(report) == {
        "annotators disagree on the label": ("Ses01F_impro01_F002",),
        "label outside the recipe's classes": ("Ses01F_impro01_F001",),
        "longer than data.max_duration_s": ("Ses01F_impro01_M000",),
        "shorter than data.min_duration_s": ("Ses01F_impro01_F000",),
    }
    line = "longer than data.max_duration_s 1 (first: Ses01F_impro01_M000: 1.00 s, allowed are 0.2"
    assert line in describe(report)
    with pytest.raises(
        MtlserError, match="none of the recipe's classes within its limits; labels: "
    ):
        build(release, tmp_path / "none", "data.min_duration_s=30")


def test_files_that_state_no_length_are_kept_and_counted(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    path = release / DIALOGUE / "Ses01F_impro01_F000.wav"
    content = bytearray(path.read_bytes())
    content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    report = build(release, tmp_path / "out")[1]
    assert report.length_unknown == (path.stem,)
    assert report.kept == build(write_iemocap(tmp_path / "b"), tmp_path / "c")[1].kept
    assert "kept with a length unknown: 1, since" in describe(report)
    assert f"(first: {path.stem})" in describe(report)


def test_ingest_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    for name in ("one", "two", "two"):
        stages.ingest(recipe(root=release), str(tmp_path / name))
    assert storage.digest_folder(tmp_path / "one") == storage.digest_folder(tmp_path / "two")


def test_digest_is_free_of_order_and_of_the_place(tmp_path: Path) -> None:
    utterances, report = build(write_iemocap(tmp_path), tmp_path / "out")
    assert manifest.digest(reversed(utterances)) == report.digest
    moved = [u.model_copy(update={"audio": "elsewhere", "level_dbfs": 0.0}) for u in utterances]
    assert manifest.digest(moved) == report.digest
    for field in ("id", "audio_sha256", "emotion", "speaker", "text"):
        changed = utterances[0].model_copy(update={field: "other"})
        assert manifest.digest([changed, *utterances[1:]]) != report.digest


def test_duplicate_audio_is_kept_once_and_seen_in_the_manifest(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    wavs = release / DIALOGUE
    shutil.copy(wavs / "Ses01F_impro01_F000.wav", wavs / "Ses01F_impro01_M000.wav")
    utterances, _ = build(release, tmp_path / "out")
    assert utterances[0].audio_sha256 == utterances[1].audio_sha256
    assert all(clips.holds(tmp_path / "out", u) for u in utterances)


def test_a_copy_of_the_full_release_with_other_counts_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dataclasses import replace

    from mtlser.data import corpora

    known = corpora.CORPORA["iemocap"]
    assert known.release
    monkeypatch.setitem(
        corpora.CORPORA, "iemocap",
        replace(known, release=replace(known.release, fewest_labelled=5)),
    )  # fmt: skip
    _, report = build(write_iemocap(tmp_path), tmp_path / "out")
    shown = {d.what: (d.expected, d.found) for d in report.differs_from_release or ()}
    assert shown["emotion happy"] == (1636, 2)
    assert shown["speaker Ses01_M"] == (557, 3)
    assert "emotion happy: 2 utterances, the release has 1636" in caplog.text


def test_root_and_out_on_s3(s3: str, tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    with storage.output(f"{s3}/raw") as folder:
        shutil.copytree(release, folder / release.name)
    stages.ingest(recipe(root=f"{s3}/raw"), f"{s3}/corpus")
    stages.ingest(recipe(root=release), str(tmp_path / "local"))
    fetched = storage.fetch(f"{s3}/corpus")
    assert storage.digest_folder(fetched) == storage.digest_folder(tmp_path / "local")
    assert len(stages.load_manifest(fetched)) == 5
