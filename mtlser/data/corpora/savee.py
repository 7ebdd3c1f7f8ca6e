"""SAVEE: four British men, seven emotions, 480 utterances of sentences from TIMIT.

Haq, Jackson: "Multimodal emotion recognition", in "Machine Audition", IGI Global 2010,
doi 10.4018/978-1-61520-919-4.ch017. Free for research, on registration:
http://kahlan.eps.surrey.ac.uk/savee/.

    AudioData/DC/a01.wav   speaker DC, anger, sentence 01
    DC_a01.wav             the same in copies that have one folder

Each speaker has 30 neutral utterances and 15 of each other emotion. The release names the
sentences by number, so there are no transcripts.
"""

import re
from pathlib import Path

from mtlser.data.corpora.base import (
    BAD_NAME,
    Corpus,
    Item,
    Release,
    audio_files,
    left_out,
    release_folder,
    why_left_out,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"n": "neutral", "h": "happy", "a": "angry", "sa": "sad"}
EMOTION = {**FOUR, "d": "disgusted", "f": "fearful", "su": "surprised"}
SPEAKERS = ("DC", "JE", "JK", "KL")

_ID = re.compile(rf"({'|'.join(SPEAKERS)})_({'|'.join(EMOTION)})(\d\d)")


def find(root: Path) -> Path | None:
    """The folder of the speakers' folders, or of the wavs: `root`, a folder in it, `AudioData`."""
    folder = release_folder(root, lambda path: _holds(path) or _holds(path / "AudioData"))
    return folder if folder is None or _holds(folder) else folder / "AudioData"


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per file, by speaker and in name order."""
    return [_item(name, path) for name, path in _wavs(folder).items()]


def _holds(folder: Path) -> bool:
    return any(map(_ID.fullmatch, _wavs(folder)))


def _wavs(folder: Path) -> dict[str, Path]:
    """Files by id, which is the speaker and the name in the speaker's folder."""
    placed = {
        f"{speaker}_{stem}": path
        for speaker in SPEAKERS
        for stem, path in audio_files(folder / speaker).items()
    }
    return {**placed, **audio_files(folder)}


def _item(name: str, path: Path) -> Item:
    match = _ID.fullmatch(name)
    if match is None:
        return left_out(path, name, why_left_out(name, BAD_NAME))
    return Item(
        id=names.shown(name),
        path=path,
        label=match[2],
        speaker=f"savee_{match[1]}",
        gender="M",
        style="scripted",
        language="en",
    )


CORPUS = Corpus(
    name="savee",
    title="SAVEE",
    layout="AudioData/DC/a01.wav ..., or DC_a01.wav ... in one folder",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 120, "happy": 60, "angry": 60, "sad": 60},
        by_speaker={f"savee_{speaker}": 75 for speaker in SPEAKERS},
        fewest_labelled=300,
    ),
    naming=Naming(EMOTION, FOUR),
)
"""The reader, and the counts of the 300 utterances of the four classes."""
