"""ESD: ten Mandarin and ten English speakers, 350 sentences each, five emotions, 35,000 utterances.

Zhou, Sisman, Liu, Li: "Seen and unseen emotional style transfer for voice conversion with a new
emotional speech dataset", ICASSP 2021, doi 10.1109/ICASSP39728.2021.9413391; "Emotional voice
conversion: theory, databases and ESD", Speech Communication 137 (2022),
doi 10.1016/j.specom.2021.11.006. For research only, on a signed licence:
https://github.com/HLTSingapore/Emotional-Speech-Data.

    0011/Angry/train/0011_000371.wav   also evaluation and test; copies without these folders
    0011/0011.txt                      id, sentence and emotion, separated by tabs

0001 to 0010 speak Mandarin, 0011 to 0020 English. The partitions were made for voice conversion:
every speaker is in all three. Transcripts are in several encodings: Mandarin ones that are not
Unicode are read as GB 18030.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mtlser.data.corpora.base import (
    Corpus,
    Item,
    Release,
    audio_files,
    bad_name,
    lines,
    release_folder,
    visible,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"Neutral": "neutral", "Happy": "happy", "Angry": "angry", "Sad": "sad"}
EMOTION = {**FOUR, "Surprise": "surprised"}
PARTITION: dict[str, Literal["train", "validation", "test"]] = {
    "train": "train", "evaluation": "validation", "test": "test",
}  # fmt: skip
SPEAKERS = {f"{number:04d}": "zh" if number <= 10 else "en" for number in range(1, 21)}
"""Language by speaker."""
FEMALE = {"0001", "0002", "0003", "0007", "0009", "0015", "0016", "0017", "0018", "0019"}
"""By the release's ReadMe.txt."""

_NAME = re.compile(r"(\d{4})_\d{6}")
_TRANSCRIPT = re.compile(r"(\d{4}_\d{6})\s+(.*\S)\s+\S+\s*")


def find(root: Path) -> Path | None:
    """The folder of the speakers' folders: `root` itself or a folder in it."""
    return release_folder(
        root, lambda folder: any((path / "Angry").is_dir() for path in _speakers(folder))
    )


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order of each speaker."""
    return [item for speaker in _speakers(folder) for item in _read_speaker(speaker)]


def _speakers(folder: Path) -> list[Path]:
    return [folder / name for name in SPEAKERS if (folder / name).is_dir()]


def _emotion_folders(folder: Path) -> list[Path]:
    """Folders in the speakers' folders, beside which their transcripts are."""
    below = (path for speaker in _speakers(folder) for path in sorted(speaker.iterdir()))
    return [path for path in below if path.is_dir() and visible(path)]


def _read_speaker(folder: Path) -> Iterator[Item]:
    texts = _transcripts(folder / f"{folder.name}.txt", SPEAKERS[folder.name])
    for identity, path in audio_files(folder, "**/*").items():
        yield _item(path, path.relative_to(folder).parts[:-1], folder.name, texts.get(identity))


def _transcripts(path: Path, language: str) -> dict[str, str]:
    """Sentence by utterance id; empty where the speaker has no such file."""
    if not path.is_file():
        return {}
    matches = map(_TRANSCRIPT.fullmatch, lines(path, "gb18030" if language == "zh" else "cp1252"))
    return {match[1]: match[2] for match in matches if match}


def _item(path: Path, within: tuple[str, ...], speaker: str, text: str | None) -> Item:
    """The item of a file.

    Args:
        path: the file.
        within: folders that it is in, below the speaker's: an emotion, and perhaps a partition.
        speaker: name of the speaker's folder.
        text: its transcript.
    """
    match = _NAME.fullmatch(path.stem)
    understood = match and match[1] == speaker and within and within[0] in EMOTION
    if not understood or not set(within[1:]) <= PARTITION.keys() or len(within) > 2:
        return bad_name(path)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=within[0],
        speaker=f"esd_{speaker}",
        gender="F" if speaker in FEMALE else "M",
        style="scripted",
        text=text,
        language=SPEAKERS[speaker],
        partition=PARTITION[within[1]] if len(within) > 1 else None,
    )


CORPUS = Corpus(
    name="esd",
    title="ESD",
    layout="0001/Angry/train/0001_000371.wav ... 0020 with 0001/0001.txt ...",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 7000, "happy": 7000, "angry": 7000, "sad": 7000},
        by_speaker={f"esd_{speaker}": 1400 for speaker in SPEAKERS},
        fewest_labelled=28000,
    ),
    naming=Naming(EMOTION, FOUR),
    audio_folders=_emotion_folders,
)
"""The reader, and the counts of the 28,000 utterances of the four classes."""
