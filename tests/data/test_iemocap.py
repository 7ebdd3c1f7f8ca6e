"""The IEMOCAP reader on a tiny release with the real one's dirt."""

from collections import Counter
from pathlib import Path

import pytest

from mtlser.data import tally
from mtlser.data.corpora import Item
from mtlser.data.corpora.base import (
    BAD_LABEL,
    ELSEWHERE,
    NO_AGREEMENT,
    NO_LABEL,
    NOT_AUDIO,
    NOT_LABELS,
    SAME_ID,
    lines,
)
from mtlser.data.corpora.iemocap import CORPUS
from mtlser.data.labels import groupings
from mtlser.errors import MtlserError
from mtlser.recipe import LabelsRecipe, load
from tests.helpers.corpus_releases import TURNS, append, read, write_iemocap


def items(root: Path) -> dict[str, Item]:
    return {item.id: item for item in read("iemocap", root)}


def test_every_turn_is_read_once_whatever_lies_about(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    assert sorted(items(release)) == sorted(TURNS)
    assert items(tmp_path) == items(release)  # the folder around it will do


def test_labels_map_to_the_four_classes(tmp_path: Path) -> None:
    read = items(write_iemocap(tmp_path))
    labels = {identity[7:]: item.label for identity, item in read.items()}
    assert labels == {
        "impro01_F000": "neu",
        "impro01_M000": "hap",
        "impro01_M001": "exc",
        "impro01_F001": "fru",
        "impro01_F002": None,
        "script01_1b_MXX0": "ang",
        "script01_1_F003": "sad",
    }
    assert read["Ses01F_impro01_F002"].left_out == NO_AGREEMENT
    found = [label for label in labels.values() if label]
    (classes,) = groupings(LabelsRecipe(), [(CORPUS.naming, found)])
    assert classes == {
        "neu": "neutral", "hap": "happy", "exc": "happy", "ang": "angry", "sad": "sad"
    }  # fmt: skip


def test_the_speaker_is_the_session_and_the_last_tokens_letter(tmp_path: Path) -> None:
    read = items(write_iemocap(tmp_path))
    fields = [(i.speaker, i.gender, i.session, i.dialogue, i.recording, i.style) for i in (
        read["Ses01F_impro01_M000"], read["Ses01M_script01_1b_MXX0"], read["Ses02M_script01_1_F003"]
    )]  # fmt: skip
    assert fields == [
        ("Ses01_M", "M", "Ses01", "Ses01F_impro01", "Ses01F", "improvised"),
        ("Ses01_M", "M", "Ses01", "Ses01M_script01_1b", "Ses01M", "scripted"),
        ("Ses02_F", "F", "Ses02", "Ses02M_script01_1", "Ses02M", "scripted"),
    ]


def test_transcripts_survive_line_ends_and_latin_1(tmp_path: Path) -> None:
    read = items(write_iemocap(tmp_path))
    assert read["Ses01F_impro01_M001"].text == "No’o wayé!"
    assert read["Ses01F_impro01_F000"].text == "Excuse me."
    assert read["Ses01M_script01_1b_MXX0"].text is None


def test_lines_end_only_where_a_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\x85\r\ntwo\x0c\rthree\xe9\x81\n")
    assert lines(tmp_path / "a") == ["one\x85", "two\x0c", "threeé\x81", ""]
    (tmp_path / "a").write_bytes("\ufeffgrün\n".encode())
    assert lines(tmp_path / "a") == ["grün", ""]


def test_odd_label_lines_and_wavs_without_a_label_are_items_too(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    labels = release / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    append(labels, "[1.0 - 2.0]\tSes01F_impro01_F0")
    wavs = release / "Session1/sentences/wav/Ses01F_impro01"
    (wavs / "Ses01F_impro01_F777.wav").write_bytes(b"x")
    (wavs / "Ses01F_impro01_F000.wav").unlink()
    read = items(release)
    assert read["Ses01F_impro01_F777"].left_out == NO_LABEL
    assert [item.left_out for name, item in read.items() if ":" in name] == [BAD_LABEL]
    assert read["Ses01F_impro01_F000"].label == "neu"  # its audio turns out to be absent later


def test_no_file_beside_audio_or_labels_is_passed_over_in_silence(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    before = items(release)
    session = release / "Session1"
    wavs, labels = session / "sentences/wav", session / "dialog/EmoEvaluation"
    dialogue = wavs / "Ses01F_impro01"
    (dialogue / "Ses01F_impro01_F000.wav").rename(dialogue / "Ses01F_impro01_F000.WAV")
    (labels / "Ses01F_impro01.txt").rename(labels / "Ses01F_impro01.TXT")
    for path in (
        dialogue / "Ses01F_impro01_M000.flac",
        dialogue / "Ses01F_impro01_M000.pk",
        wavs / "Ses01F_impro01_F009.wav",
        labels / "notes.csv",
        session / "dialog/avi/Ses01F_impro01.avi",
        session / "sentences/ForcedAlignment/Ses01F_impro01_F000.wdseg",
        release / "Session3/sentences/wav/Ses03F_impro01/Ses03F_impro01_F000.wav",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    after = items(release)
    assert {name: item.left_out for name, item in after.items() if name not in before} == {
        "Ses01F_impro01/Ses01F_impro01_M000.flac": SAME_ID,
        "Ses01F_impro01/Ses01F_impro01_M000.pk": NOT_AUDIO,
        "Ses01F_impro01_F009.wav": ELSEWHERE,
        "Session1/dialog/EmoEvaluation/notes.csv": NOT_LABELS,
        "Ses03F_impro01_F000": NO_LABEL,
    }
    assert all(after[name].label == item.label for name, item in before.items())
    found = after["Ses01F_impro01_F000"].path
    assert found and found.name == "Ses01F_impro01_F000.WAV"


@pytest.mark.parametrize(
    ("sets", "classes"),
    [
        ((), {"neu": "neutral", "hap": "happy", "exc": "happy", "ang": "angry", "sad": "sad"}),
        (
            (
                "labels.classes=['neutral', 'happy', 'angry', 'sad', 'frustrated']",
                "labels.map.excited=happy",
            ),
            {
                "neu": "neutral", "hap": "happy", "exc": "happy", "ang": "angry", "sad": "sad",
                "fru": "frustrated",
            },
        ),
        (
            (
                "labels.classes=['neutral', 'happy', 'angry', 'sad', 'excited', 'frustrated']",
            ),
            {
                "neu": "neutral", "hap": "happy", "exc": "excited", "ang": "angry", "sad": "sad",
                "fru": "frustrated",
            },
        ),
    ],
)  # fmt: skip
def test_four_five_or_six_classes(sets: tuple[str, ...], classes: dict[str, str]) -> None:
    found = {"neu", "hap", "exc", "ang", "sad", "fru", "sur", "fea", "dis", "oth"}
    assert groupings(load("demo", sets).labels, [(CORPUS.naming, found)]) == [classes]


def test_ratings_are_those_of_the_label_line(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    labels = release / "Session2/dialog/EmoEvaluation/Ses02M_script01_1.txt"
    append(labels, "[1.0 - 2.0]\tSes02M_script01_1_F009\tsad\t[1.5000, NaN]\r\n")
    append(labels, "[1.0 - 2.0]\tSes02M_script01_1_F010\tsad\t[]\r\n")
    read = items(release)
    assert read["Ses01F_impro01_F000"].ratings == {
        "valence": 2.5, "arousal": 3.5, "dominance": 2.0,
    }  # fmt: skip
    assert read["Ses02M_script01_1_F009"].ratings == {"valence": 1.5}
    assert read["Ses02M_script01_1_F010"].ratings is None


def full_release() -> list[tuple[str, str | None]]:
    """Class and speaker of 5,531 utterances with the real release's counts of each."""
    release = CORPUS.release
    assert release
    emotions = [name for name, count in release.by_emotion.items() for _ in range(count)]
    speakers = [name for name, count in release.by_speaker.items() for _ in range(count)]
    return list(zip(emotions, speakers, strict=True))


def test_the_full_release_is_known_by_class_and_speaker() -> None:
    whole = full_release()
    assert len(whole) == 5531
    assert tally.differences(CORPUS, 5531, Counter(whole)) == ()
    differing = tally.differences(CORPUS, 5531, Counter(whole[1:]))
    assert [(d.what, d.expected, d.found) for d in differing or ()] == [
        ("emotion neutral", 1708, 1707),
        ("speaker Ses01_F", 528, 527),
    ]
    stranger = [*whole[:-1], (whole[-1][0], "Ses06_F")]
    assert [d.what for d in tally.differences(CORPUS, 5531, Counter(stranger)) or ()] == [
        "speaker Ses05_M",
        "speaker Ses06_F",
    ]
    assert tally.differences(CORPUS, 600, Counter(whole[:600])) is None


def test_refusals_say_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MtlserError, match=r"no IEMOCAP here; expected Session1.*found nothing"):
        read("iemocap", tmp_path / "empty")
    with pytest.raises(MtlserError, match="not a folder"):
        read("iemocap", tmp_path / "absent")
    with pytest.raises(MtlserError, match="there are iemocap, emodb"):
        read("iemocop", tmp_path)
    write_iemocap(tmp_path)
    with pytest.raises(MtlserError, match="it is IEMOCAP: run `mtlser ingest --corpus iemocap"):
        read("emodb", tmp_path)
