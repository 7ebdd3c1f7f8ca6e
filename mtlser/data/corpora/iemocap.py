"""IEMOCAP: five dyadic sessions, ten actors, improvised and scripted, about 12 h in English.

Busso, Bulut, Lee, Kazemzadeh, Mower, Kim, Chang, Lee, Narayanan: "IEMOCAP: interactive emotional
dyadic motion capture database", Language Resources and Evaluation 42 (2008),
doi 10.1007/s10579-008-9076-6. Licensed by the SAIL laboratory of the University of Southern
California: https://sail.usc.edu/iemocap/.

    IEMOCAP_full_release/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt   labels
    IEMOCAP_full_release/Session1/dialog/transcriptions/Ses01F_impro01.txt  transcripts
    IEMOCAP_full_release/Session1/sentences/wav/Ses01F_impro01/*.wav        16 kHz mono

Four classes as usual: neutral, happy with excited merged in, angry, sad; others are named in the
recipe. Ratings are the annotators' means of the label's line, from 1 to 5. The `Ses01F` of
`Ses01F_impro01_M000` says who wore the markers in that recording; who speaks is the last token's
letter, here `Ses01_M`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mtlser.data.corpora.base import (
    BAD_LABEL,
    NO_AGREEMENT,
    NO_LABEL,
    NOT_LABELS,
    Corpus,
    Item,
    Release,
    audio_files,
    files_ending,
    left_out,
    lines,
    numbers,
    release_folder,
    why_left_out,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"neu": "neutral", "hap": "happy", "exc": "happy", "ang": "angry", "sad": "sad"}
EMOTION = {
    **FOUR, "exc": "excited", "fru": "frustrated", "sur": "surprised", "fea": "fearful",
    "dis": "disgusted", "oth": "other",
}  # fmt: skip
RATINGS = ("valence", "arousal", "dominance")
UNDECIDED = "xxx"
"""The annotators disagree."""

_ID = r"(Ses0\d)([FM])_(impro|script)\w*_([FM])\w+"
_UTTERANCE = re.compile(_ID)
_LABEL = re.compile(rf"\[\s*[\d.]+\s*-\s*[\d.]+\s*\]\s+({_ID})\s+(\w+)\s+\[(.*)\]\s*")
_TRANSCRIPT = re.compile(rf"({_ID})\s*\[[^\]]*\]\s*:(.*)")


def find(root: Path) -> Path | None:
    """The release folder: `root` itself or a folder in it."""
    return release_folder(root, _labelled)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """Every labelled turn and every audio file without a label, in id order of each session.

    A file beside labels or transcripts that is no text file is an item that is left out. Videos,
    motion capture and the annotators' own folders belong to the release and are none.
    """
    return [item for session in _sessions(folder) for item in _read_session(session)]


def _labelled(folder: Path) -> bool:
    return any((path / "dialog/EmoEvaluation").is_dir() for path in _sessions(folder))


def _sessions(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("Session[1-9]") if path.is_dir())


def _audio_folders(folder: Path) -> list[Path]:
    return [session / "sentences/wav" for session in _sessions(folder)]


def _read_session(session: Path) -> Iterator[Item]:
    texts = _transcripts(session / "dialog/transcriptions")
    wavs = audio_files(session / "sentences/wav", "[!.]*/*")
    labelled = set()
    for identity, label, ratings in _labels(session / "dialog/EmoEvaluation"):
        labelled.add(identity)
        item = _item(identity, label, wavs, session, texts.get(identity))
        yield replace(item, ratings=ratings)
    for identity in sorted(wavs.keys() - labelled):
        yield _item(identity, None, wavs, session, texts.get(identity))
    for name in ("dialog/EmoEvaluation", "dialog/transcriptions"):
        for path in files_ending(session / name, ".txt")[1]:
            yield left_out(path, f"{session.name}/{name}/{path.name}", NOT_LABELS)


def _labels(folder: Path) -> Iterator[tuple[str, str | None, dict[str, float] | None]]:
    """Id, label, ratings of each turn; file and line in place of an id where a line is damaged."""
    for path in files_ending(folder, ".txt")[0]:
        for number, line in enumerate(lines(path), start=1):
            if not line.lstrip().startswith("["):
                continue  # the annotators' own lines, comments and gaps
            match = _LABEL.fullmatch(line.strip())
            if match:
                ratings = dict(zip(RATINGS, match[7].split(","), strict=False))
                yield match[1], match[6], numbers(ratings)
            else:
                yield f"{path.name}:{number}", "", None


def _transcripts(folder: Path) -> dict[str, str]:
    matches = (
        _TRANSCRIPT.fullmatch(line.strip())
        for path in files_ending(folder, ".txt")[0]
        for line in lines(path)
    )
    return {match[1]: match[6].strip() for match in matches if match}


def _item(
    identity: str, label: str | None, wavs: dict[str, Path], session: Path, text: str | None
) -> Item:
    match = _UTTERANCE.fullmatch(identity)
    reason = NO_LABEL if label is None else None if match else BAD_LABEL
    if label == UNDECIDED:
        reason = NO_AGREEMENT
    dialogue = identity.rpartition("_")[0] if match else None
    named = session / "sentences/wav" / (dialogue or "") / f"{identity}.wav"
    gender: Literal["F", "M"] | None = None
    if match:
        gender = "F" if match[4] == "F" else "M"
    return Item(
        id=names.shown(identity),
        path=wavs.get(identity, named) if match else None,
        label=None if reason else label,
        left_out=why_left_out(identity, reason) if reason else None,
        speaker=f"{match[1]}_{gender}" if match else None,
        gender=gender,
        session=match[1] if match else None,
        dialogue=dialogue,
        recording=match[1] + match[2] if match else None,
        style=("improvised" if match[3] == "impro" else "scripted") if match else None,
        text=text,
        language="en",
    )


CORPUS = Corpus(
    name="iemocap",
    title="IEMOCAP",
    layout="Session1 ... Session5 with dialog/EmoEvaluation and sentences/wav",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 1708, "happy": 1636, "angry": 1103, "sad": 1084},
        by_speaker={
            "Ses01_F": 528, "Ses01_M": 557, "Ses02_F": 481, "Ses02_M": 542, "Ses03_F": 522,
            "Ses03_M": 629, "Ses04_F": 528, "Ses04_M": 503, "Ses05_F": 590, "Ses05_M": 651,
        },
        fewest_labelled=5001,
    ),
    naming=Naming(EMOTION, FOUR),
    rate_hz=16_000,
    audio_folders=_audio_folders,
)  # fmt: skip
"""The reader, and the counts of the full release's 5,531 utterances of the four classes."""
