"""MSP-Podcast: speaking turns of English podcasts, nine emotions, rated by crowds, partitioned.

Lotfian, Busso: "Building naturalistic emotionally balanced speech corpus by retrieving emotional
speech from existing podcast recordings", IEEE Transactions on Affective Computing 10 (2019),
doi 10.1109/TAFFC.2017.2736999. Free for academic research, on a licence that the institution signs:
https://lab-msp.com/MSP/MSP-Podcast.html.

    Labels/labels_consensus.csv   FileName, EmoClass, EmoAct, EmoVal, EmoDom, SpkrID, Gender,
                                  Split_Set; labels_consensus.json holds the same
    Audios/MSP-PODCAST_0001_0008.wav   Audio in some releases
    Transcripts/MSP-PODCAST_0001_0008.txt

The counts differ from release to release (1.12: 207,136 turns), so none is checked. Partitions are
the corpus' own: Train, Development, Test1; turns of further test sets are left out, as are those on
which the annotators disagree (`X`). Ratings are means, from 1 to 7.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from mtlser.data.corpora.base import (
    BAD_LABEL,
    NO_AGREEMENT,
    NO_LABEL,
    Corpus,
    Item,
    audio_files,
    left_out,
    lines,
    numbers,
    release_folder,
    transcript,
    why_left_out,
)
from mtlser.data.labels import Naming
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

FOUR = {"N": "neutral", "H": "happy", "A": "angry", "S": "sad"}
EMOTION = {
    **FOUR, "U": "surprised", "F": "fearful", "D": "disgusted", "C": "contempt", "O": "other",
}  # fmt: skip
UNDECIDED = "X"
OTHER_TEST = "neither in Train, Development nor Test1"
PARTITION: dict[str, Literal["train", "validation", "test"]] = {
    "Train": "train", "Development": "validation", "Test1": "test",
}  # fmt: skip
GENDER: dict[str, Literal["F", "M"]] = {"Female": "F", "Male": "M"}
RATINGS = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}


def find(root: Path) -> Path | None:
    """The folder with the labels: `root` itself or a folder in it."""
    return release_folder(root, lambda folder: _labels(folder) is not None)


def read(folder: Path, _data: DataRecipe) -> list[Item]:
    """One item per label, then each audio file without one, in name order.

    Raises:
        MtlserError: `labels_consensus.json` holds no labels by file name.
    """
    wavs = audio_files(_audio(folder), "**/*")
    items = [_item(name, row, folder, wavs) for name, row in sorted(_rows(folder))]
    taken = {item.path for item in items}
    unlabelled = (path for path in wavs.values() if path not in taken)
    return [
        *items,
        *(left_out(p, p.stem, why_left_out(p.stem, NO_LABEL)) for p in unlabelled),
    ]


def _labels(folder: Path) -> Path | None:
    places = (
        folder / inner / f"labels_consensus.{ending}"
        for ending in ("csv", "json")
        for inner in ("Labels", ".")
    )
    return next((path for path in places if path.is_file()), None)


def _audio(folder: Path) -> Path:
    return next((path for path in (folder / "Audios",) if path.is_dir()), folder / "Audio")


def _rows(folder: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """File name and fields of each label; the line in place of a name where there is none."""
    path = _labels(folder)
    assert path is not None, folder
    if path.suffix == ".csv":
        for number, row in enumerate(csv.DictReader(lines(path)), start=2):
            yield row.get("FileName") or f"{path.name}:{number}", row
        return
    try:
        labels = json.loads("\n".join(lines(path)))
        yield from ((name, dict(row)) for name, row in labels.items())
    except (ValueError, TypeError, AttributeError):
        raise MtlserError(
            f"{path}: not a JSON object of labels by file name; unpack the release's Labels again"
        ) from None


def _item(name: str, row: Mapping[str, object], folder: Path, wavs: Mapping[str, Path]) -> Item:
    label, split = str(row.get("EmoClass") or ""), str(row.get("Split_Set") or "")
    reason = None
    if not name.lower().endswith((".wav", ".flac")) or label not in {*EMOTION, UNDECIDED}:
        reason = BAD_LABEL
    elif label == UNDECIDED:
        reason = NO_AGREEMENT
    elif split not in PARTITION:
        reason = OTHER_TEST
    stem = Path(name).stem
    speaker = str(row.get("SpkrID") or "")
    return Item(
        id=names.shown(name if ":" in name else stem),
        path=None if ":" in name else wavs.get(stem, _audio(folder) / name),
        label=None if reason else label,
        left_out=reason,
        detail=f"{name}: EmoClass {label!r}" if reason == BAD_LABEL else None,
        speaker=f"msp-podcast_{speaker}" if speaker.isdecimal() else None,
        gender=GENDER.get(str(row.get("Gender"))),
        text=transcript(folder / "Transcripts" / f"{stem}.txt"),
        language="en",
        partition=PARTITION.get(split),
        ratings=numbers({key: row.get(column) for key, column in RATINGS.items()}),
    )


CORPUS = Corpus(
    name="msp-podcast",
    title="MSP-Podcast",
    layout="Labels/labels_consensus.csv with Audios/MSP-PODCAST_0001_0008.wav ...",
    find=find,
    read=read,
    naming=Naming(EMOTION, FOUR),
    audio_folders=lambda folder: (_audio(folder),),
)
"""The reader; releases grow, so that no counts are checked."""
