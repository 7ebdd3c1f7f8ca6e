"""MELD: dialogues of the series Friends, seven emotions, 13,708 utterances in official partitions.

Poria, Hazarika, Majumder, Naik, Cambria, Mihalcea: "MELD: a multimodal multi-party dataset for
emotion recognition in conversations", ACL 2019, doi 10.18653/v1/P19-1050. Labels GPL-3.0, video for
research: https://affective-meld.github.io.

    train_sent_emo.csv   dev_sent_emo.csv   test_sent_emo.csv   or train/train_sent_emo.csv ...
    train_splits/dia0_utt0.mp4   dev_splits_complete/...   output_repeated_splits_test/...

The sound of the videos is read; a `dia0_utt0.wav` beside one takes its place. The partitions share
the main characters. Speakers are the names in the tables, also of groups such as `All`; genders are
not stated.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtlser.data.corpora.base import (
    BAD_LABEL,
    BAD_NAME,
    NO_LABEL,
    Corpus,
    Item,
    Release,
    audio_files,
    files_ending,
    left_out,
    left_over,
    lines,
    release_folder,
    why_left_out,
)
from mtlser.data.labels import Naming
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"neutral": "neutral", "joy": "happy", "anger": "angry", "sadness": "sad"}
EMOTION = {**FOUR, "surprise": "surprised", "disgust": "disgusted", "fear": "fearful"}
VIDEO = ".mp4"

_NAME = re.compile(r"dia\d+_utt\d+")


@dataclass(frozen=True)
class Part:
    """One of the three partitions, and where the release keeps it."""

    name: str
    partition: Literal["train", "validation", "test"]
    folder: str
    """Name of the folder of its clips."""


PARTS = (
    Part("train", "train", "train_splits"),
    Part("dev", "validation", "dev_splits_complete"),
    Part("test", "test", "output_repeated_splits_test"),
)


def find(root: Path) -> Path | None:
    """The folder of the tables: `root` itself or a folder in it."""
    return release_folder(root, lambda f: any(_table(f, part).is_file() for part in PARTS))


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per row of the tables, then each clip without a row, partition by partition."""
    return [item for part in PARTS for item in _read_part(folder, part)]


def _place(folder: Path, part: Part, name: str) -> Path:
    """A file or folder of the part, which is in the release or in a folder of the part's name."""
    inner = folder / part.name / name
    return inner if inner.exists() else folder / name


def _table(folder: Path, part: Part) -> Path:
    return _place(folder, part, f"{part.name}_sent_emo.csv")


def _read_part(folder: Path, part: Part) -> Iterator[Item]:
    table, folder = _table(folder, part), _place(folder, part, part.folder)
    wavs, videos = audio_files(folder), files_ending(folder, VIDEO)[0]
    clips = {**{path.stem: path for path in videos}, **wavs}
    rows = csv.DictReader(lines(table)) if table.is_file() else ()
    items = [_item(row, f"{table.name}:{n}", part, folder, clips) for n, row in enumerate(rows, 2)]
    taken = {item.path for item in items}
    for stem, path in sorted(clips.items()):
        if path not in taken:
            reason = NO_LABEL if _NAME.fullmatch(stem) else BAD_NAME
            items.append(left_out(path, f"{part.name}_{stem}", why_left_out(stem, reason)))
    yield from items
    seen_twice = {path for path in videos if path.stem in wavs}
    yield from (item for item in left_over((folder,), items) if item.path not in seen_twice)


def _item(
    row: Mapping[str, str], place: str, part: Part, folder: Path, clips: Mapping[str, Path]
) -> Item:
    stem = f"dia{row.get('Dialogue_ID')}_utt{row.get('Utterance_ID')}"
    label = (row.get("Emotion") or "").strip()
    if not _NAME.fullmatch(stem):
        return Item(id=place, path=None, label=None, left_out=BAD_LABEL)
    speaker = " ".join((row.get("Speaker") or "").split())
    return Item(
        id=f"{part.name}_{stem}",
        path=clips.get(stem, folder / f"{stem}{VIDEO}"),
        label=label if label in EMOTION else None,
        left_out=None if label in EMOTION else BAD_LABEL,
        detail=None if label in EMOTION else f"{place}: {label!r}",
        speaker=f"meld_{names.shown(speaker)}" if speaker else None,
        dialogue=f"{part.name}_{stem.partition('_')[0]}",
        style="scripted",
        text=row.get("Utterance"),
        language="en",
        partition=part.partition,
    )


CORPUS = Corpus(
    name="meld",
    title="MELD",
    layout="train_sent_emo.csv ... with train_splits/dia0_utt0.mp4 ...",
    find=find,
    read=read,
    release=Release(
        by_emotion={"neutral": 6436, "happy": 2308, "angry": 1607, "sad": 1002},
        by_speaker={},
        fewest_labelled=11353,
    ),
    naming=Naming(EMOTION, FOUR),
    audio_folders=lambda folder: (),
)
"""The reader, and the counts of the tables' 11,353 utterances of the four classes."""
