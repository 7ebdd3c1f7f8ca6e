"""MSP-IMPROV: six dyadic sessions, twelve actors, 8,438 turns in English, rated by crowds.

Busso, Parthasarathy, Burmania, AbdelWahab, Sadoughi, Mower Provost: "MSP-IMPROV: an acted corpus of
dyadic interactions to study emotion perception", IEEE Transactions on Affective Computing 8 (2017),
doi 10.1109/TAFFC.2016.2515617. Free for academic research, on a licence that the institution signs:
https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html.

    Evalution.txt                                       labels; Evaluation.txt in some copies
    Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav
    Human_transcriptions/All_human_transcriptions/MSP-IMPROV-S01A-F01-S-FM01.txt

A name holds the target sentence and emotion (`S01A`), the actor and session (`F01`), the kind of
recording and the turn. The kinds are `S` improvised, `T` the target sentence in it, `R` the target
sentence read, `P` talk between recordings. As in published work, the actor of the name is the
speaker. Ratings are the annotators' means as they stand; their first scale is activation.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from mtlser.data.corpora.base import (
    BAD_LABEL,
    NO_AGREEMENT,
    NO_LABEL,
    Corpus,
    Item,
    Release,
    audio_files,
    bad_name,
    left_out,
    lines,
    numbers,
    release_folder,
    transcript,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"N": "neutral", "H": "happy", "A": "angry", "S": "sad"}
EMOTION = {**FOUR, "O": "other"}
UNDECIDED = "X"
LABELS = ("Evalution.txt", "Evaluation.txt")
STYLE: dict[str, Literal["improvised", "scripted"]] = {
    "R": "scripted", "S": "improvised", "T": "improvised",
}  # fmt: skip
TEXTS = "Human_transcriptions/All_human_transcriptions"

_ID = re.compile(r"MSP-IMPROV-(S\d\d[AHNS])-([FM])(0[1-6])-([PRST])-[FM]{2}\d+")
_LABEL = re.compile(
    r"UTD-(IMPROV-[\w-]+)\.avi\s*;\s*(\w)\s*;"
    r"\s*A:([\d.]+|NaN)\s*;\s*V:([\d.]+|NaN)\s*;\s*D:([\d.]+|NaN)\s*;.*"
)


def find(root: Path) -> Path | None:
    """The folder with the labels: `root` itself or a folder in it."""
    return release_folder(root, lambda folder: _labels(folder) is not None)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per label, in the file's order, then each audio file without one."""
    wavs = audio_files(_audio(folder), "**/*")
    items = [_item(turn, folder, wavs) for turn in _turns(folder)]
    taken = {item.path for item in items}
    for stem, path in wavs.items():
        if path not in taken:
            named = _ID.fullmatch(stem)
            items.append(left_out(path, stem, NO_LABEL) if named else bad_name(path))
    return items


def _labels(folder: Path) -> Path | None:
    return next((folder / name for name in LABELS if (folder / name).is_file()), None)


def _audio(folder: Path) -> Path:
    """`Audio`, or the release itself where the sessions are beside the labels."""
    return folder / "Audio" if (folder / "Audio").is_dir() else folder


def _turns(folder: Path) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Id and label line of each turn; the place of a label line that is damaged."""
    path = _labels(folder)
    assert path is not None, folder
    for number, line in enumerate(lines(path), start=1):
        if line.startswith("UTD-IMPROV-"):  # the others are single annotators'
            match = _LABEL.fullmatch(line.strip())
            yield (f"MSP-{match[1]}" if match else f"{path.name}:{number}"), match


def _item(turn: tuple[str, re.Match[str] | None], folder: Path, wavs: Mapping[str, Path]) -> Item:
    identity, line = turn
    match = _ID.fullmatch(identity)
    if line is None or match is None or line[2] not in {*EMOTION, UNDECIDED}:
        return Item(id=names.shown(identity), path=None, label=None, left_out=BAD_LABEL)
    target, sex, number, kind = match.groups()
    named = _audio(folder) / f"session{int(number)}" / target / kind / f"{identity}.wav"
    undecided = line[2] == UNDECIDED
    return Item(
        id=identity,
        path=wavs.get(identity, named),
        label=None if undecided else line[2],
        left_out=NO_AGREEMENT if undecided else None,
        speaker=f"msp-improv_{sex}{number}",
        gender="F" if sex == "F" else "M",
        session=f"session{int(number)}",
        dialogue=None if kind == "R" else f"{target}-{sex}{number}",
        style=STYLE.get(kind),
        text=transcript(folder / TEXTS / f"{identity}.txt"),
        language="en",
        ratings=numbers({"valence": line[4], "arousal": line[3], "dominance": line[5]}),
    )


CORPUS = Corpus(
    name="msp-improv",
    title="MSP-IMPROV",
    layout="Evalution.txt with Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav ...",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 3477, "happy": 2644, "angry": 792, "sad": 885},
        by_speaker={},
        fewest_labelled=7798,
    ),
    naming=Naming(EMOTION, FOUR),
    audio_folders=lambda folder: (folder / "Audio",),
)
"""The reader, and the counts of the 7,798 turns of the four classes."""
