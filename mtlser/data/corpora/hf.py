"""A Hugging Face data set in a folder, read without the `datasets` package.

Sound files with a table, or a folder for each label:

    DIR/metadata.csv   file_name,emotion,...       also .jsonl and .parquet, also in split folders
    DIR/train/angry/one.wav   DIR/test/sad/two.wav

Shards with the sound inside, as the Hub keeps them:

    DIR/data/train-00000-of-00002.parquet          a column of feature type Audio

What `save_to_disk` writes:

    DIR/dataset_dict.json   DIR/train/state.json   DIR/train/data-00000-of-00001.arrow

A split is a partition where its name says so. Numbers of a ClassLabel become their names. Columns
are known as those of a table are (`mtlser.data.tables.columns`).
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from mtlser.data.corpora import hf_shards, table
from mtlser.data.corpora.base import AUDIO_SUFFIXES, NO_LABEL, Corpus, Item, left_out, visible
from mtlser.data.corpora.hf_shards import Shard
from mtlser.data.tables import columns, rows, values
from mtlser.data.tables.columns import Columns
from mtlser.data.tables.rows import Row, Table
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe
from mtlser.recipes import names

METADATA = tuple(f"metadata{ending}" for ending in (".csv", ".jsonl", ".parquet"))
NO_AUDIO = "shard without a column of audio"
NOT_LISTED = "Arrow file that the data set does not list"


def read(root: Path, data: DataRecipe) -> Iterator[Item]:
    """Yields one item for each row or labelled file, then the audio files that no row names.

    Raises:
        MtlserError: no such data set, or one that cannot be used.
    """
    tables = _metadata(root)
    if tables:
        items = (item for path in tables for item in _of_table(path, root, data))
        yield from table.with_others(root, items)
    elif shards := hf_shards.shards(root):
        yield from table.with_others(root, _of_shards(shards, root, data))
    else:
        yield from _of_folders(root)


def used_columns(root: Path, data: DataRecipe) -> Mapping[str, str]:
    """Column by what it is used for, of the first table or shard; none where folders are labels."""
    tables = _metadata(root)
    if tables:
        return _opened(tables[0], data)[1].of
    for path in hf_shards.shards(root):
        shard = hf_shards.opened(path, root, data.columns.file)
        if shard is not None:
            return _columns(shard, data).of
    return {}


def _metadata(root: Path) -> list[Path]:
    """The tables beside sound files, in order of paths.

    Raises:
        MtlserError: two in one folder.
    """
    found = sorted(
        path
        for name in METADATA
        for path in root.rglob(name)
        if path.is_file() and all(map(visible, path.relative_to(root).parents))
    )
    for one, other in itertools.pairwise(found):
        if one.parent == other.parent:
            raise MtlserError(
                f"{names.shown(str(one.parent))}: {one.name} and {other.name}; expected one table "
                "of a folder's recordings; remove one"
            )
    return found


def _opened(path: Path, data: DataRecipe) -> tuple[Table, Columns]:
    opened = rows.read(path)
    return opened, columns.find(opened.columns, data.columns, path)


def _of_table(path: Path, root: Path, data: DataRecipe) -> Iterator[Item]:
    """Yields the items of a table, whose files are named from its own folder on."""
    opened, found = _opened(path, data)
    folder = path.parent.relative_to(root)
    where, column = (folder / path.name).as_posix(), found.of["file"]

    def made() -> Iterator[tuple[Row, Item]]:
        for row in opened.rows:
            file = row.cells.get(column, "")
            below = {column: (folder / file).as_posix()} if file else {}
            item = table.item_of(replace(row, cells={**row.cells, **below}), found, root, where)
            yield row, _in_split(item, file and (folder / file).as_posix())

    yield from table.checked(made(), found, where)


def _in_split(item: Item, place: str) -> Item:
    """The item with the partition that a folder is called by, where its row says none."""
    folders = PurePosixPath(place).parent.parts
    return item if item.partition else replace(item, partition=_first_split(folders))


def _first_split(folders: Sequence[str]) -> Literal["train", "validation", "test"] | None:
    found = (values.partition(folder) for folder in folders)
    return next((split for split in found if split is not None), None)


def _of_folders(root: Path) -> Iterator[Item]:
    """Yields one item for each sound file; its label is the first folder that is no split.

    Raises:
        MtlserError: there is no such file.
    """
    from mtlser.data.corpora import folder

    labelled = False
    for item in folder.read(root, DataRecipe(corpus="hf", root=str(root))):
        parts = Path(item.id).parts
        split = _first_split(parts[:1]) if len(parts) > 1 else None
        if item.label is None or split is None:
            labelled = labelled or item.label is not None
            yield item
        elif len(parts) == 2:
            yield left_out(root / item.id, item.id, NO_LABEL)
        else:
            labelled = True
            yield replace(item, label=parts[1], partition=split)
    if not labelled:
        raise MtlserError(
            f"{names.shown(str(root))}: no data set of Hugging Face; expected {', '.join(METADATA)}"
            ", Parquet shards with a column of audio, dataset_dict.json or state.json, or "
            f"train/LABEL/FILE ({', '.join(AUDIO_SUFFIXES[:2])} ...); set the folder with "
            "`mtlser ingest --root DIR`"
        )


def _of_shards(paths: Sequence[Path], root: Path, data: DataRecipe) -> Iterator[Item]:
    """Yields the items of all rows of all shards, whose sound is inside or beside them.

    Raises:
        MtlserError: no shard has audio.
    """
    opened = {path: hf_shards.opened(path, root, data.columns.file) for path in paths}
    shards = [shard for shard in opened.values() if shard is not None]
    if not shards:
        raise MtlserError(
            f"{names.shown(str(paths[0]))}: no column of audio among "
            f"{names.shown(', '.join(hf_shards.column_names(paths[0])))}; expected one of bytes "
            "and path; "
            "name it with `--set data.columns.file=NAME`, or read a table of files with "
            "`--corpus table`"
        )
    inside = Counter(name for shard in shards for name in shard.inside_names())
    for path, shard in opened.items():
        if shard is None:
            yield left_out(path, path.relative_to(root).as_posix(), NO_AUDIO)
        else:
            yield from _of_shard(shard, inside, root, data)
    for path in hf_shards.not_listed(root, paths):
        yield left_out(path, path.relative_to(root).as_posix(), NOT_LISTED)


def _columns(shard: Shard, data: DataRecipe) -> Columns:
    given = data.columns.model_copy(update={"file": shard.audio})
    return columns.find((*shard.plain, shard.audio), given, shard.path)


def _of_shard(
    shard: Shard, inside: Mapping[str, int], root: Path, data: DataRecipe
) -> Iterator[Item]:
    """Yields the items of one shard, in the order of its rows."""
    found = _columns(shard, data)
    split = hf_shards.partition_of(shard.name)
    unknown = table.Unknown(found, shard.path.name)
    for number, each in enumerate(shard.rows):
        alone = not each.embedded or inside.get(each.file) == 1
        file = each.file if alone else f"{shard.name}:{number}"
        row = Row(number, {**each.cells, shard.audio: file})
        unknown.count(row)
        item = table.item_of(row, found, root, shard.name)
        if each.embedded and item.path is not None:
            content = partial(hf_shards.content, shard.path, shard.audio, number)
            item = replace(item, path=shard.path, embedded=content)
        yield item if item.partition or split is None else replace(item, partition=split)
    unknown.tell()


CORPUS = Corpus(
    name="hf",
    title="a data set of Hugging Face",
    layout="metadata.csv beside sound files, data/train-00000-of-00001.parquet, dataset_dict.json "
    "or train/angry/one.wav",
    find=lambda root: root,
    read=read,
    generic=True,
    columns=used_columns,
    audio_folders=lambda _: (),
)
"""The reader."""
