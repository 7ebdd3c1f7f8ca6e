"""CREMA-D: 91 actors, twelve sentences, six emotions, 7,442 utterances in English.

Cao, Cooper, Keutmann, Gur, Nenkova, Verma: "CREMA-D: crowd-sourced emotional multimodal actors
dataset", IEEE Transactions on Affective Computing 5 (2014), doi 10.1109/TAFFC.2014.2336244. Open
Database License 1.0: https://github.com/CheyneyComputerScience/CREMA-D (with git-lfs; without it,
the wavs are short texts).

    AudioWAV/1001_DFA_ANG_XX.wav   actor 1001, sentence DFA, anger, intensity unspecified
    VideoDemographics.csv          sex of each actor

The label is the emotion that the actor was asked for, as in most published work; the listeners'
votes are not read. AudioMP3 and VideoFlash hold the same recordings and are not counted.
"""

import csv
import re
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
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"NEU": "neutral", "HAP": "happy", "ANG": "angry", "SAD": "sad"}
EMOTION = {**FOUR, "DIS": "disgusted", "FEA": "fearful"}
SENTENCE = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
SEX: dict[str, Literal["F", "M"]] = {"Female": "F", "Male": "M"}
_NAME = re.compile(rf"(1\d{{3}})_({'|'.join(SENTENCE)})_({'|'.join(EMOTION)})_(?:LO|MD|HI|XX)")


def find(root: Path) -> Path | None:
    """The folder with `AudioWAV`: `root` itself or a folder in it."""
    return release_folder(root, lambda folder: any(map(_NAME.fullmatch, _wavs(folder))))


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order."""
    genders = _genders(folder / "VideoDemographics.csv")
    return [_item(path, genders) for path in _wavs(folder).values()]


def _wavs(folder: Path) -> dict[str, Path]:
    return audio_files(folder / "AudioWAV")


def _genders(table: Path) -> dict[str, Literal["F", "M"]]:
    """Gender by actor; empty where the release's table is absent."""
    rows = csv.DictReader(lines(table)) if table.is_file() else ()
    known = ((row.get("ActorID"), SEX.get(row.get("Sex") or "")) for row in rows)
    return {actor: gender for actor, gender in known if actor and gender}


def _item(path: Path, genders: dict[str, Literal["F", "M"]]) -> Item:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return bad_name(path)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=match[3],
        speaker=f"cremad_{match[1]}",
        gender=genders.get(match[1]),
        style="scripted",
        text=SENTENCE[match[2]],
        language="en",
    )


CORPUS = Corpus(
    name="cremad",
    title="CREMA-D",
    layout="AudioWAV/1001_DFA_ANG_XX.wav ... with VideoDemographics.csv",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 1087, "happy": 1271, "angry": 1271, "sad": 1271},
        by_speaker={},
        fewest_labelled=4900,
    ),
    naming=Naming(EMOTION, FOUR),
    audio_folders=lambda folder: (folder / "AudioWAV",),
)
"""The reader, and the counts of the 4,900 utterances of the four classes."""
