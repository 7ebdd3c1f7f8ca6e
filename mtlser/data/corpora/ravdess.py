"""RAVDESS: 24 actors from Toronto, two sentences, eight emotions, 1,440 spoken utterances.

Livingstone, Russo: "The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS): a
dynamic, multimodal set of facial and vocal expressions in North American English", PLoS ONE 13
(2018), doi 10.1371/journal.pone.0196391. CC BY-NC-SA 4.0: https://zenodo.org/records/1188976
(`Audio_Speech_Actors_01-24.zip`).

    Actor_01/03-01-06-01-02-01-01.wav   audio only, speech, fearful, normal, dogs, first take, actor

Actors with an odd number are male. Each speaks 60 utterances: two sentences, two takes, two
intensities, of which neutral has one. Songs are left out. `calm` is a class of its own, and none of
the four.
"""

import re
from pathlib import Path

from mtlser.data.corpora.base import (
    Corpus,
    Item,
    Release,
    audio_files,
    bad_name,
    left_out,
    release_folder,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"01": "neutral", "03": "happy", "05": "angry", "04": "sad"}
EMOTION = {**FOUR, "02": "calm", "06": "fearful", "07": "disgusted", "08": "surprised"}
SENTENCE = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
SONG = "sung, not spoken"
ACTORS = 24

_NAME = re.compile(r"0[1-3]-(0[12])-(0[1-8])-0[12]-(0[12])-0[12]-(\d\d)")


def find(root: Path) -> Path | None:
    """The folder of the actors' folders, or of the wavs: `root` itself or a folder in it."""
    return release_folder(root, _holds)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order."""
    return [_item(path) for path in audio_files(folder, "**/*").values()]


def _holds(folder: Path) -> bool:
    files = (stem for pattern in ("*", "Actor_*/*") for stem in audio_files(folder, pattern))
    return any(match[1] == "01" for match in map(_NAME.fullmatch, files) if match)


def _item(path: Path) -> Item:
    match = _NAME.fullmatch(path.stem)
    if match is None or not 1 <= int(match[4]) <= ACTORS:
        return bad_name(path)
    if match[1] == "02":
        return left_out(path, path.stem, SONG)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=match[2],
        speaker=f"ravdess_{match[4]}",
        gender="M" if int(match[4]) % 2 else "F",
        style="scripted",
        text=SENTENCE[match[3]],
        language="en",
    )


CORPUS = Corpus(
    name="ravdess",
    title="RAVDESS",
    layout="Actor_01/03-01-01-01-01-01-01.wav ...",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 96, "happy": 192, "angry": 192, "sad": 192},
        by_speaker={f"ravdess_{number:02d}": 28 for number in range(1, ACTORS + 1)},
        fewest_labelled=672,
    ),
    naming=Naming(EMOTION, FOUR),
)
"""The reader, and the counts of the 672 utterances of the four classes."""
