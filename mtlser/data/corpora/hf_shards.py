"""Shards of a Hugging Face data set: Parquet and Arrow files with the sound of many utterances."""

import json
import posixpath
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from mtlser.data.corpora import hf_files
from mtlser.data.corpora.base import visible
from mtlser.data.tables import values
from mtlser.data.tables.rows import cell_text
from mtlser.errors import MtlserError
from mtlser.recipes import names

PARQUET, ARROW = ".parquet", ".arrow"
SPLITS, STATE = "dataset_dict.json", "state.json"


@dataclass(frozen=True)
class ShardRow:
    """One row, without its sound."""

    cells: Mapping[str, str]
    file: str
    """What the row calls its sound; empty where it does not."""
    embedded: bool
    """Whether the sound is in the shard."""


@dataclass(frozen=True)
class Shard:
    """One file of rows."""

    path: Path
    name: str
    """Below the data set's folder."""
    audio: str
    """The column of the sound."""
    plain: tuple[str, ...]
    """Columns of text and numbers."""
    rows: Sequence[ShardRow]

    def inside_names(self) -> Iterator[str]:
        """Yields what the rows call the sound that is inside."""
        yield from (row.file for row in self.rows if row.embedded and row.file)


def shards(root: Path) -> list[Path]:
    """The files with the rows of a data set, in order of splits and names; none: there are none.

    Raises:
        MtlserError: a file that says which they are is damaged, or names one that is absent.
    """
    if (root / SPLITS).is_file():
        splits = _named(root / SPLITS, lambda content: content["splits"])
        return [path for split in splits for path in _saved(root / split)]
    if (root / STATE).is_file():
        return _saved(root)
    return _below(root, PARQUET)


def not_listed(root: Path, listed: Iterable[Path]) -> list[Path]:
    """Arrow files below the folder that are not among the listed ones."""
    return sorted(set(_below(root, ARROW)) - set(listed))


def opened(path: Path, root: Path, wanted: str | None) -> Shard | None:
    """The shard, with all of its rows but their sound; `None` where it has no audio.

    Args:
        path: the file.
        root: folder of the data set.
        wanted: name of the column of audio; `None`: the only one, or the one called audio.

    Raises:
        MtlserError: the file is damaged, or has several columns of audio.
    """
    with hf_files.reading(path):
        schema = hf_files.schema(path)
        features = _features(schema.metadata, path)
        audio = _audio_column(schema, features, wanted, path)
        if audio is None:
            return None
        plain = tuple(name for name in hf_files.plain(schema) if name != audio)
        labels = {name: _class_names(features.get(name)) for name in plain}
        rows = [
            _row(cells, sound, embedded, labels)
            for cells, sound, embedded in hf_files.rows(path, plain, audio)
        ]
    return Shard(path, path.relative_to(root).as_posix(), audio, plain, rows)


def column_names(path: Path) -> list[str]:
    """Columns of a file, whatever they hold."""
    with hf_files.reading(path):
        return list(hf_files.schema(path).names)


def partition_of(name: str) -> Literal["train", "validation", "test"] | None:
    """The partition that a shard's name says, else that of the innermost folder.

    >>> partition_of("data/train-00000-of-00002.parquet"), partition_of("dev/data-0.arrow")
    ('train', 'validation')
    >>> partition_of("contest.parquet") is None
    True
    """
    path = PurePosixPath(name)
    for part in (path.stem, *reversed(path.parent.parts)):
        for word in re.split(r"[\W\d_]+", part):
            found = values.partition(word)
            if found is not None:
                return found
    return None


_open = threading.local()


def content(path: Path, audio: str, row: int) -> bytes:
    """The sound of a row. Rows that are asked for in rising order are read once.

    Raises:
        ValueError: there is none.
        OSError: the file cannot be read.
    """
    stream: _Stream | None = getattr(_open, "stream", None)
    if stream is None or (stream.path, stream.audio) != (path, audio) or stream.next > row:
        stream = _open.stream = _Stream(path, audio, row)
    found = stream.of(row)
    if found is None:
        raise ValueError(f"row {row} has no sound")
    return found


class _Stream:
    """The sounds of one file, one after another."""

    def __init__(self, path: Path, audio: str, row: int) -> None:
        self.path, self.audio = path, audio
        self.next, self._sounds = hf_files.sounds(path, audio, row)

    def of(self, row: int) -> bytes | None:
        while True:
            try:
                found = next(self._sounds)
            except StopIteration:
                raise ValueError(f"{self.path.name} has {self.next} rows, not row {row}") from None
            self.next += 1
            if self.next > row:
                return found


def _below(root: Path, suffix: str) -> list[Path]:
    return sorted(
        path
        for path in root.rglob(f"*{suffix}")
        if path.is_file() and all(map(visible, (path, *path.relative_to(root).parents)))
    )


def _saved(folder: Path) -> list[Path]:
    """The Arrow files of what `save_to_disk` wrote to a folder."""
    listed = _named(
        folder / STATE, lambda content: [each["filename"] for each in content["_data_files"]]
    )
    for name in listed:
        if not (folder / name).is_file():
            raise MtlserError(
                f"{names.shown(str(folder / name))}: no such file, and {STATE} names it; copy the "
                "data set again"
            )
    return [folder / name for name in listed]


def _named(path: Path, of: Any) -> list[str]:
    """Names of files or folders that a JSON file lists, each without a folder."""
    try:
        listed = of(json.loads(path.read_bytes()))
        if isinstance(listed, list) and all(map(_is_name, listed)):
            return listed
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise MtlserError(
        f"{names.shown(str(path))}: it does not list the files of a data set as `save_to_disk` "
        "writes it; copy the data set again"
    )


def _is_name(name: object) -> bool:
    text = name if isinstance(name, str) else ""
    return bool(text) and text not in {".", ".."} and not set(text) & set("/\\\0")


def _features(metadata: Mapping[bytes, bytes] | None, path: Path) -> Mapping[str, Any]:
    """Features by column, of the schema, else of the file beside a saved shard."""
    texts = [(metadata or {}).get(b"huggingface", b"")]
    beside = path.parent / "dataset_info.json"
    if path.suffix == ARROW and beside.is_file():
        texts.append(beside.read_bytes())
    for text in texts:
        try:
            told = json.loads(text)
            features = told.get("info", told)["features"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if isinstance(features, dict):
            return features
    return {}


def _kind(feature: object) -> object:
    return feature.get("_type") if isinstance(feature, dict) else None


def _class_names(feature: object) -> Sequence[str] | None:
    """Names of the numbers of a ClassLabel; `None` of any other feature."""
    found = feature.get("names") if isinstance(feature, dict) else None
    if _kind(feature) != "ClassLabel" or not isinstance(found, list):
        return None
    return [str(name) for name in found]


def _audio_column(
    schema: Any, features: Mapping[str, Any], wanted: str | None, path: Path
) -> str | None:
    present = [
        field.name
        for field in schema
        if hf_files.holds_sound(field) or _kind(features.get(field.name)) == "Audio"
    ]
    if wanted is not None:
        present = [name for name in present if name.casefold() == wanted.casefold()]
    if len(present) > 1 and "audio" in present:
        return "audio"
    if len(present) > 1:
        raise MtlserError(
            f"{names.shown(str(path))}: columns of audio are {', '.join(present)}; name the one "
            "that is meant with `--set data.columns.file=NAME`"
        )
    return present[0] if present else None


def _row(
    cells: Mapping[str, Any],
    sound: object,
    embedded: bool,
    labels: Mapping[str, Sequence[str] | None],
) -> ShardRow:
    file = names.shown(sound) if isinstance(sound, str) else ""
    return ShardRow(
        {name: _cell(value, labels[name]) for name, value in cells.items()},
        file if not embedded or _is_place(file) else "",
        embedded,
    )


def _is_place(file: str) -> bool:
    """Whether a name can be an id: the path of a file below a folder."""
    normal = posixpath.normpath(file)
    return normal == file and not file.startswith(("/", "..")) and not set(file) & set("\\\0")


def _cell(value: object, class_names: Sequence[str] | None) -> str:
    """The cell as text; of a ClassLabel its name, and none of a number that has none."""
    if class_names is not None and isinstance(value, int):
        return class_names[value].strip() if 0 <= value < len(class_names) else ""
    return cell_text(value)
