"""JL-Corpus: four New Zealand English speakers, ten emotions, 2,400 utterances.

James, Tian, Watson: "An open source emotional speech corpus for human robot interaction
applications", Interspeech 2018, doi 10.21437/Interspeech.2018-1349. CC0:
https://www.kaggle.com/datasets/tli725/jl-corpus.

    Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.wav
    Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.txt

A name holds speaker, emotion, sentence and recording session; the text beside a wav is its
transcript. The sessions are of one speaker each, so that they are no `session` to hold out.
"""

import re
from pathlib import Path

from mtlser.data.corpora.base import (
    Corpus,
    Item,
    audio_files,
    bad_name,
    left_over,
    release_folder,
    transcript,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"neutral": "neutral", "happy": "happy", "angry": "angry", "sad": "sad"}
EMOTION = {
    **FOUR, "excited": "excited", "anxious": "anxious", "apologetic": "apologetic",
    "assertive": "assertive", "concerned": "concerned", "encouraging": "encouraging",
}  # fmt: skip

_NAME = re.compile(rf"((fe)?male[12])_({'|'.join(EMOTION)})_\d+[ab]_[12]")


def find(root: Path) -> Path | None:
    """The folder of the wavs, or the one around it: `root` itself or a folder in it."""
    return release_folder(root, _holds)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per utterance id, in name order, then the files that are neither wav nor text."""
    items = [_item(path) for path in audio_files(folder, "**/*").values()]
    texts = {_text(item.path) for item in items if item.path and item.left_out is None}
    return [*items, *(each for each in left_over((folder,), items) if each.path not in texts)]


def _holds(folder: Path) -> bool:
    return any(any(map(_NAME.fullmatch, audio_files(folder, each))) for each in ("*", "JL*/*"))


def _text(path: Path) -> Path:
    return path.with_suffix(".txt")


def _item(path: Path) -> Item:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return bad_name(path)
    return Item(
        id=names.shown(path.stem),
        path=path,
        label=match[3],
        speaker=f"jl_{match[1]}",
        gender="F" if match[2] else "M",
        style="scripted",
        text=transcript(_text(path)),
        language="en",
    )


CORPUS = Corpus(
    name="jl",
    title="JL-Corpus",
    layout="JL(wav+txt)/female1_angry_1a_1.wav ...",
    find=find,
    read=read,
    naming=Naming(EMOTION, FOUR),
    audio_folders=lambda folder: (),
)
"""The reader; the paper gives no counts by emotion to check."""
