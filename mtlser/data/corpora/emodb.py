"""EmoDB: ten German actors, ten sentences, seven emotions, 535 studio utterances at 16 kHz.

Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: "A database of German emotional speech",
Interspeech 2005, doi 10.21437/Interspeech.2005-446. Free: http://emodb.bilderbar.info.

    wav/03a01Fa.wav     speaker 03, sentence a01, F(reude), version a

Four of the seven classes belong to the task; the sentence's code decides the transcript. Actors
read fixed sentences, so the style is `scripted`; there are no sessions, dialogues or recordings.
"""

import re
from pathlib import Path
from typing import Literal

from mtlser.data.corpora.base import (
    BAD_NAME,
    OUTSIDE_TASK,
    Corpus,
    Item,
    Release,
    audio_files,
    why_left_out,
)
from mtlser.recipes import names

EMOTION = {"N": "neutral", "F": "happy", "W": "angry", "T": "sad"}
OTHER_EMOTIONS = "LEA"
"""Boredom, disgust and fear."""

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

_NAME = re.compile(rf"(\d\d)([ab]\d\d)([{''.join(EMOTION)}{OTHER_EMOTIONS}])[a-z]")


def find(root: Path) -> Path | None:
    """The folder of wavs: `root/wav`, in upper or lower case, or `root` itself."""
    inner = sorted(path for path in root.iterdir() if path.name.lower() == "wav" and path.is_dir())
    for folder in (*inner, root):
        if any(_NAME.fullmatch(name) for name in audio_files(folder)):
            return folder
    return None


def read(folder: Path) -> list[Item]:
    """One item per utterance id, in name order."""
    return [_item(path) for path in audio_files(folder).values()]


def _item(path: Path) -> Item:
    match = _NAME.fullmatch(path.stem)
    known = match is not None and match[1] in GENDER
    emotion = EMOTION.get(match[3]) if match and known else None
    reason = OUTSIDE_TASK if known else BAD_NAME
    return Item(
        id=names.shown(path.stem),
        path=path,
        emotion=emotion,
        left_out=None if emotion else why_left_out(path.stem, reason),
        label=match[3] if match else None,
        speaker=f"emodb_{match[1]}" if match else "",
        gender=GENDER.get(match[1]) if match else None,
        session=None,
        dialogue=None,
        recording=None,
        style="scripted",
        text=SENTENCE.get(match[2]) if match else None,
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
)
"""The reader, and the counts of the 339 task utterances."""
