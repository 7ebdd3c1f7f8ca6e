"""AESDD: Greek actors, twenty utterances in each of five emotions, none of them neutral.

Vryzas, Kotsakis, Liatsou, Dimoulas, Kalliris: "Speech emotion recognition for performance
interaction", Journal of the Audio Engineering Society 66 (2018), doi 10.17743/jaes.2018.0036.
Public, see its page: http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/.

    anger/a03 (4).wav      third utterance of the fourth speaker in anger
    fear/f18 (5)b.wav      another take

It began with five actors and around 500 utterances and grows, so no counts are checked; genders and
transcripts are not stated. It lacks one of the four classes, so there is no map to them.
"""

import re
from pathlib import Path

from mtlser.data.corpora.base import Corpus, Item, audio_files, bad_name, release_folder
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

EMOTION = {"a": "angry", "d": "disgusted", "f": "fearful", "h": "happy", "s": "sad"}

_NAME = re.compile(rf"([{''.join(EMOTION)}])\d\d ?\((\d+)\) ?[a-z]?")


def find(root: Path) -> Path | None:
    """The folder of the emotions' folders: `root` itself or a folder in it."""
    return release_folder(root, lambda folder: any(map(_NAME.fullmatch, _wavs(folder))))


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order."""
    return [_item(path) for path in _wavs(folder).values()]


def _wavs(folder: Path) -> dict[str, Path]:
    return audio_files(folder, "*/*")


def _item(path: Path) -> Item:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return bad_name(path)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=match[1],
        speaker=f"aesdd_{match[2]}",
        style="scripted",
        language="el",
    )


CORPUS = Corpus(
    name="aesdd",
    title="AESDD",
    layout="anger/a01 (1).wav ... sadness/s20 (5).wav",
    find=find,
    read=read,
    naming=Naming(EMOTION),
)
"""The reader."""
