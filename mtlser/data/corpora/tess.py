"""TESS: two women from Toronto, 200 words, seven emotions, 2,800 utterances.

Pichora-Fuller, Dupuis: "Toronto emotional speech set (TESS)", Borealis 2020,
doi 10.5683/SP2/E8H2MF; recorded for Dupuis, Pichora-Fuller: "Recognition of emotional speech for
younger and older talkers", Canadian Acoustics 39 (2011). CC BY-NC-ND 4.0:
https://doi.org/10.5683/SP2/E8H2MF.

    OAF_back_angry.wav   older talker, "Say the word back", anger; in copies below OAF_angry/

`ps` is pleasant surprise. One file of the release is called OA_ in place of OAF_.
"""

import re
from pathlib import Path

from mtlser.data.corpora.base import (
    Corpus,
    Item,
    Release,
    audio_files,
    bad_name,
    release_folder,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"neutral": "neutral", "happy": "happy", "angry": "angry", "sad": "sad"}
EMOTION = {**FOUR, "disgust": "disgusted", "fear": "fearful", "ps": "surprised"}

_NAME = re.compile(rf"(OAF?|YAF)_([A-Za-z'-]+)_({'|'.join(EMOTION)})")


def find(root: Path) -> Path | None:
    """The folder of the wavs, or of their folders: `root` itself or a folder in it."""
    return release_folder(root, _holds)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order."""
    return [_item(path) for path in audio_files(folder, "**/*").values()]


def _holds(folder: Path) -> bool:
    patterns = ("*", "[OY]AF_*/*")
    return any(any(map(_NAME.fullmatch, audio_files(folder, each))) for each in patterns)


def _item(path: Path) -> Item:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return bad_name(path)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=match[3],
        speaker="tess_YAF" if match[1] == "YAF" else "tess_OAF",
        gender="F",
        style="scripted",
        text=f"Say the word {match[2]}.",
        language="en",
    )


CORPUS = Corpus(
    name="tess",
    title="TESS",
    layout="OAF_back_angry.wav ..., in one folder or in OAF_angry, YAF_angry, ...",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 400, "happy": 400, "angry": 400, "sad": 400},
        by_speaker={"tess_OAF": 800, "tess_YAF": 800},
        fewest_labelled=1600,
    ),
    naming=Naming(EMOTION, FOUR),
)
"""The reader, and the counts of the 1,600 utterances of the four classes."""
