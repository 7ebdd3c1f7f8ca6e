"""EmoDB: ten German actors, ten sentences, seven emotions, 535 studio utterances at 16 kHz.

Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: "A database of German emotional speech",
Interspeech 2005, doi 10.21437/Interspeech.2005-446. Free: http://emodb.bilderbar.info.

    wav/03a01Fa.wav     speaker 03, sentence a01, F(reude), version a

The sentence's code decides the transcript. Actors read fixed sentences, so the style is `scripted`;
there are no sessions, dialogues or recordings.
"""

import re
from pathlib import Path
from typing import Literal

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

FOUR = {"N": "neutral", "F": "happy", "W": "angry", "T": "sad"}
EMOTION = {**FOUR, "L": "bored", "E": "disgusted", "A": "fearful"}
"""Langeweile, Ekel, Angst."""

GENDER: dict[str, Literal["F", "M"]] = {
    "03": "M", "08": "F", "09": "F", "10": "M", "11": "M",
    "12": "M", "13": "F", "14": "F", "15": "M", "16": "F",
}  # fmt: skip

SENTENCE = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}

_NAME = re.compile(rf"(\d\d)([ab]\d\d)([{''.join(EMOTION)}])[a-z]")


def find(root: Path) -> Path | None:
    """The folder of wavs: `wav`, in upper or lower case, in `root` or a folder in it, or these."""
    folder = release_folder(root, lambda path: _wavs(path) is not None)
    return folder and _wavs(folder)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order."""
    return [_item(path) for path in audio_files(folder).values()]


def _wavs(folder: Path) -> Path | None:
    inner = sorted(p for p in folder.iterdir() if p.name.lower() == "wav" and p.is_dir())
    named = (path for path in (*inner, folder) if any(map(_NAME.fullmatch, audio_files(path))))
    return next(named, None)


def _item(path: Path) -> Item:
    match = _NAME.fullmatch(path.stem)
    if match is None or match[1] not in GENDER:
        return bad_name(path)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=match[3],
        speaker=f"emodb_{match[1]}",
        gender=GENDER[match[1]],
        style="scripted",
        text=SENTENCE.get(match[2]),
        language="de",
    )


CORPUS = Corpus(
    name="emodb",
    title="EmoDB",
    layout="wav/03a01Fa.wav ...",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 79, "happy": 71, "angry": 127, "sad": 62},
        by_speaker={},
        fewest_labelled=339,
    ),
    naming=Naming(EMOTION, FOUR),
    rate_hz=16_000,
)
"""The reader, and the counts of the 339 utterances of the four classes."""
