"""Tiny releases written by hand, with the dirt of the real ones."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile

from mtlser.data import corpora
from mtlser.data.corpora import Item
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe

TURNS = {
    # id: label, transcript (None: no line)
    "Ses01F_impro01_F000": ("neu", "Excuse me."),
    "Ses01F_impro01_M000": ("hap", "{LG} Yes?"),
    "Ses01F_impro01_M001": ("exc", "No\x92o way\xe9!"),
    "Ses01F_impro01_F001": ("fru", "Hm."),
    "Ses01F_impro01_F002": ("xxx", None),
    "Ses01M_script01_1b_MXX0": ("ang", None),
    "Ses02M_script01_1_F003": ("sad", "[LAUGHTER]"),
}


def speech(seed: int, duration_s: float = 0.4) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(16_000 * duration_s))


def write_iemocap(root: Path) -> Path:
    """`root/IEMOCAP_full_release` with the turns above; the folder."""
    release = root / "IEMOCAP_full_release"
    for number, (identity, (label, text)) in enumerate(TURNS.items()):
        session = release / f"Session{identity[4]}"
        dialogue = identity.rpartition("_")[0]
        start = f"{number}.2901"
        append(
            session / f"dialog/EmoEvaluation/{dialogue}.txt",
            f"[{start} - {number + 1}.5]\t{identity}\t{label}\t[2.5000, 3.5000, 2.0000]\r\n"
            "C-E2:\tNeutral;\t()\r\nA-E3:\tval 3; act 2; dom  2;\t()\r\n\r\n",
        )
        if text is not None:
            append(
                session / f"dialog/transcriptions/{dialogue}.txt",
                f"{identity} [00{start}-00{number + 1}.5]: {text}\r\nM: aside\r\n",
            )
        wav = session / f"sentences/wav/{dialogue}/{identity}.wav"
        wav.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(wav, speech(number), 16_000)
    litter(release / "Session1", "Ses01F_impro01")
    return release


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() and path.parent.name == "EmoEvaluation":
        path.write_bytes(b"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\r\n\r\n")
    with path.open("ab") as file:
        file.write(text.encode("latin-1"))


def litter(session: Path, dialogue: str) -> None:
    """What archives of the real release carry along."""
    stray = b"\x00\x05\x16\x07 [0.0 - 1.0]\tSes01F_impro01_F009\tneu\t[1, 1, 1]\n"
    labels = session / "dialog/EmoEvaluation"
    wavs = session / "sentences/wav" / dialogue
    for path in (
        labels / f"._{dialogue}.txt",
        labels / ".DS_Store",
        session / f"dialog/transcriptions/._{dialogue}.txt",
        wavs / f"._{dialogue}_F000.wav",
        wavs / ".DS_Store",
        session.parent / ".DS_Store",
        session.parent / "._Session1",
    ):
        path.write_bytes(stray)
    (labels / "Categorical").mkdir()
    (labels / "Categorical" / f"{dialogue}_e2_cat.txt").write_text(f"{dialogue}_F000 :Sadness;")
    (wavs.parent / "._Ses01F_impro01").write_bytes(stray)


def read(name: str, root: Path) -> list[Item]:
    """The items of a corpus with the recipe's defaults."""
    return list(corpora.read(DataRecipe(corpus=name, root=str(root)), root))


def write_recordings(root: Path, count: int = 8) -> None:
    """A table with two classes and four speakers, and a folder for each label."""
    lines = ["file,emotion,speaker,gender,text"]
    for i in range(count):
        emotion = ("calm", "Frustrated")[i % 2]
        path = root / emotion / f"S{i // 2}_{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speech(i), 16_000)
        lines.append(f"{emotion}/{path.name},{emotion},S{i // 2},{'fm'[i // 2 % 2]},some words")
    (root / "labels.csv").write_text("\n".join(lines))


def refused_or_clear(reading: Callable[[], Iterable[Item]], root: Path) -> list[Item]:
    """The items of any content at all, which are clear and below the folder; none where refused.

    What is refused is refused in one sentence.
    """
    try:
        items = list(reading())
    except MtlserError as error:
        assert "\n" not in str(error).strip()
        str(error).encode()
        return []
    for item in items:
        item.id.encode()
        assert (item.label is None) == (item.left_out is not None)
        if item.path is not None:
            assert ".." not in item.path.relative_to(root).parts
    return items
