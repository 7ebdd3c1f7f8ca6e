import hashlib
import os
import re
import subprocess
import sys
import wave
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from mtlser.data.rng import generator
from mtlser.data.synthetic.casting import DEMO_SIZE, EVENTS, Size, deal_labels, gaps, speakers
from mtlser.data.synthetic.corpus import write_pretraining, write_release
from mtlser.data.synthetic.prosody import SHIFTS, any_prosody
from mtlser.data.synthetic.sentences import (
    SENTENCES,
    plain,
    pretraining_sentence,
    pretraining_words,
)
from mtlser.data.synthetic.voices import DEMO_VOICES, PRETRAINING_VOICES
from mtlser.errors import MtlserError

SMALL = Size(improvised=1, scripted=1, turns=6)
TURN = re.compile(r"\[([\d.]+) - ([\d.]+)\]\t(\S+)\t([a-z]{3})\t\[[\d.]+, [\d.]+, [\d.]+\]")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "release"
    write_release(folder, 0, SMALL)
    return folder


@pytest.fixture(scope="module")
def pretraining(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "pretraining"
    write_pretraining(folder, 0, 26)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def turns(folder: Path) -> dict[str, tuple[str, float, float]]:
    """Utterance id to (label, start, end), from the label files."""
    labels_by_id: dict[str, tuple[str, float, float]] = {}
    for path in folder.glob("Session*/dialog/EmoEvaluation/Ses*.txt"):
        for start_s, end_s, name, label in TURN.findall(path.read_text(encoding="latin-1")):
            labels_by_id[name] = (label, float(start_s), float(end_s))
    return labels_by_id


def transcripts(folder: Path) -> dict[str, str]:
    text_by_id: dict[str, str] = {}
    for path in folder.glob("Session*/dialog/transcriptions/Ses*.txt"):
        for line in path.read_text(encoding="latin-1").splitlines():
            name, text = line.split(" [", 1)
            text_by_id[name] = text.split("]: ", 1)[1]
    return text_by_id


def wavs(folder: Path) -> dict[str, Path]:
    return {p.stem: p for p in folder.glob("Session*/sentences/wav/*/Ses*.wav")}


def test_one_seed_gives_the_same_bytes_in_another_process(release: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mtlser.data.synthetic.casting import Size;"
        "from mtlser.data.synthetic.corpus import write_release;"
        "write_release(Path(sys.argv[1]), 0, Size(1, 1, 6))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "again")], check=True, env=env)
    assert digests(tmp_path / "again") == digests(release)


def test_another_seed_gives_another_release(release: Path, tmp_path: Path) -> None:
    write_release(tmp_path / "other", 1, SMALL)
    shared = set(digests(release).items()) & set(digests(tmp_path / "other").items())
    assert not [name for name, _ in shared if name.endswith(".wav") and "/._" not in name]


def test_every_label_has_its_wav_and_every_wav_its_label(release: Path) -> None:
    labels = turns(release)
    assert len(labels) == 5 * 2 * 2 * SMALL.turns
    assert labels.keys() == wavs(release).keys()
    for name, path in wavs(release).items():
        session, dialogue = int(name[3:5]), name.rsplit("_", 1)[0]
        assert path.relative_to(release).parts[:4] == (
            f"Session{session}", "sentences", "wav", dialogue,
        )  # fmt: skip


def test_wavs_are_16_khz_mono_sound_as_long_as_their_turn(release: Path) -> None:
    labels = turns(release)
    for name, path in wavs(release).items():
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        _, start_s, end_s = labels[name]
        assert len(samples) / 16_000 == pytest.approx(end_s - start_s, abs=2e-4)
        assert 0.4 < len(samples) / 16_000 < 5
        assert samples.std() > 100
        assert np.abs(samples).max() < 32_767


def test_both_actors_speak_in_every_dialogue_of_both_prefixes_and_styles(release: Path) -> None:
    by_dialogue = groupby(sorted(turns(release)), key=lambda name: name.rsplit("_", 1)[0])
    letters_by_dialogue = {
        dialogue: {name[-4] for name in names} for dialogue, names in by_dialogue
    }
    assert set(letters_by_dialogue) == {
        f"Ses0{session}{letter}_{part}"
        for session in range(1, 6)
        for letter in "FM"
        for part in ("impro01", "script01_1")
    }
    assert all(letters == {"F", "M"} for letters in letters_by_dialogue.values())


def test_both_actors_speak_however_short_the_dialogue() -> None:
    assert all(set(speakers(2, generator(n, "test"))) == {"F", "M"} for n in range(50))


def test_label_files_have_the_annotators_lines(release: Path) -> None:
    path = release / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    lines = path.read_text(encoding="latin-1").splitlines()
    assert lines[0] == "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
    assert lines[1] == ""
    assert TURN.fullmatch(lines[2])
    assert re.fullmatch(r"C-E2:\t[A-Z]\w+;\t\(\)", lines[3])
    assert re.fullmatch(r"A-E3:\tval \d; act \d; dom \d;\t\(\)", lines[7])
    assert lines[10] == ""


def test_labels_to_keep_and_to_leave_out_have_the_shares_of_the_task(release: Path) -> None:
    assert {label for label, _, _ in turns(release).values()} >= {"neu", "hap", "exc", "ang", "sad"}
    assert {label for label, _, _ in turns(release).values()} >= {"fru", "xxx"}
    counts = Counter(label for one in deal_labels(60, 12, generator(3, "test")) for label in one)
    of_task = {label: counts[label] for label in ("neu", "hap", "exc", "ang", "sad")}
    total = sum(of_task.values())
    assert 500 <= total <= 800
    assert total / sum(counts.values()) == pytest.approx(0.88, abs=0.01)
    assert set(counts) - set(of_task) == {"fru", "xxx", "oth", "sur", "fea", "dis"}
    assert of_task["neu"] / total == pytest.approx(0.31, abs=0.005)
    assert (of_task["hap"] + of_task["exc"]) / total == pytest.approx(0.30, abs=0.005)


def test_the_default_release_has_60_dialogues() -> None:
    assert len(list(DEMO_SIZE.dialogues(5))) == 60


def test_the_dirt_of_the_real_release_is_there(release: Path) -> None:
    names = [path.name for path in release.rglob("*") if path.is_file()]
    assert ".DS_Store" in names
    assert any(name.startswith("._") and name.endswith(".wav") for name in names)
    assert any(name.startswith("._") and name.endswith(".txt") for name in names)
    label_files = [p.read_bytes() for p in release.glob("Session*/dialog/EmoEvaluation/Ses*.txt")]
    assert 0 < sum(b"\r\n" in content for content in label_files) < len(label_files)
    content = b"".join(p.read_bytes() for p in release.glob("Session*/dialog/transcriptions/Ses*"))
    assert "é".encode("latin-1") in content
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    missing = wavs(release).keys() - transcripts(release).keys()
    assert len(missing) == 2


def test_event_tags_stay_out_of_the_sentence() -> None:
    from mtlser.data.synthetic.casting import say

    rng = generator(0, "test")
    texts = [say("Come here.", rng) for _ in range(1000)]
    tagged = [text for text in texts if text != "Come here."]
    assert 10 < len(tagged) < 60
    for text in tagged:
        assert text.replace("Come here.", "").strip() in EVENTS


def test_transcripts_come_from_the_demo_bank(release: Path) -> None:
    tags = re.compile("|".join(map(re.escape, EVENTS)))
    sentences = {tags.sub("", text).strip() for text in transcripts(release).values()}
    assert sentences - set(SENTENCES) == {"The café was open until nine."}


def test_a_script_is_the_same_in_every_session(release: Path) -> None:
    tags = re.compile("|".join(map(re.escape, EVENTS)))
    texts = transcripts(release)
    for turn in ("F000", "M000"):
        versions = [texts.get(f"Ses0{n}F_script01_1_{turn}") for n in range(1, 6)]
        assert len({tags.sub("", text).strip() for text in versions if text}) == 1


def test_gaps_are_few_and_never_the_first_turn() -> None:
    assert len(gaps(60, 12, generator(0, "test"))) == 3
    assert all((0, 0) not in gaps(2, 2, generator(n, "test")) for n in range(50))


def test_voices_and_sentences_of_the_two_corpora_are_disjoint() -> None:
    variants = [voice.split("+")[1] for pair in DEMO_VOICES + PRETRAINING_VOICES for voice in pair]
    assert len(DEMO_VOICES) == 5
    assert len(PRETRAINING_VOICES) == 9
    assert len(set(variants)) == len(variants)
    rng = generator(0, "test")
    drawn = {plain(pretraining_sentence(rng)) for _ in range(3000)}
    assert len(drawn) > 2800
    assert not drawn & {plain(sentence) for sentence in SENTENCES}


def test_the_demo_bank_is_of_short_different_sentences() -> None:
    assert len({plain(sentence) for sentence in SENTENCES}) == 150
    lengths = [len(plain(sentence).split()) for sentence in SENTENCES]
    assert min(lengths) >= 3
    assert max(lengths) <= 9


def test_pretraining_has_all_letters_and_nearly_all_words_of_the_demo() -> None:
    words = {word for group in pretraining_words().values() for word in plain(" ".join(group))}
    assert words >= set("abcdefghijklmnopqrstuvwxyz")
    rng = generator(0, "test")
    learned = {w for _ in range(4000) for w in plain(pretraining_sentence(rng)).split()}
    tested = {word for sentence in SENTENCES for word in plain(sentence).split()}
    assert len(learned) > 600
    assert len(tested & learned) / len(tested) > 0.95


def test_pretraining_is_a_release_of_its_own(pretraining: Path, tmp_path: Path) -> None:
    assert len(wavs(pretraining)) == 26
    assert wavs(pretraining).keys() == turns(pretraining).keys() == transcripts(pretraining).keys()
    assert {label for label, _, _ in turns(pretraining).values()} == {"neu", "hap", "ang", "sad"}
    assert {name[:5] for name in wavs(pretraining)} == {f"Ses{n:02d}" for n in range(1, 10)}
    assert len(set(transcripts(pretraining).values())) == 26
    write_pretraining(tmp_path / "again", 0, 26)
    assert digests(tmp_path / "again") == digests(pretraining)


def test_pretraining_prosody_covers_every_emotion() -> None:
    rng = generator(0, "test")
    drawn = np.array([any_prosody(rng) for _ in range(500)])
    shifts = np.array(list(SHIFTS.values()))
    assert (np.ptp(drawn, axis=0) > np.ptp(shifts, axis=0)).all()


def test_bad_places_sizes_and_seeds_are_refused(release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MtlserError, match="cannot be written"):
        write_release(tmp_path / "file", 0, SMALL)
    with pytest.raises(MtlserError, match="cannot be written"):
        write_release(tmp_path / "file" / "below", 0, SMALL)
    with pytest.raises(MtlserError, match="is not empty"):
        write_release(release, 0, SMALL)
    with pytest.raises(MtlserError, match="seed -1"):
        write_release(tmp_path / "new", -1, SMALL)
    with pytest.raises(MtlserError, match="2 turns"):
        Size(turns=1)
    with pytest.raises(MtlserError, match="at least 18"):
        write_pretraining(tmp_path / "new", 0, 17)
    assert not (tmp_path / "new").exists()


def test_the_iemocap_reader_reads_both_corpora(release: Path, pretraining: Path) -> None:
    from tests.helpers.corpus_releases import read

    for folder, actors in ((release, 10), (pretraining, 18)):
        items = read("iemocap", folder)
        assert len([item for item in items if item.path]) == len(wavs(folder))
        assert len({item.speaker for item in items}) == actors
