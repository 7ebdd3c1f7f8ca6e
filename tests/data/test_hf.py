"""Data sets of Hugging Face: sound files with a table, shards with sound inside, saved ones."""

import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import audio, corpora, embedded, manifest, preview
from mtlser.data.corpora import Item, hf, hf_shards, table
from mtlser.data.corpora.base import NO_LABEL
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe, Recipe, load
from mtlser.records import Utterance, read_jsonl
from tests.helpers import damage
from tests.helpers.corpus_releases import refused_or_clear, speech
from tests.helpers.hf_trees import (
    sound_table,
    wav,
    write_parquet,
    write_saved,
    write_saved_splits,
)


def recipe(*sets: str) -> Recipe:
    return load("own", ("data.corpus=hf", *sets))


def read(root: Path, *sets: str) -> list[Item]:
    return list(corpora.read(recipe(*sets).data, root))


def told(items: list[Item]) -> list[tuple[str, str | None, str | None]]:
    return [(item.id, item.label, item.partition) for item in items]


def write_wav(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, speech(seed), 16_000)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_table_beside_the_files_is_read(tmp_path: Path, ending: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows: list[dict[str, Any]] = [
        {"file_name": "train/a.wav", "emotion": "angry", "speaker_id": 3},
        {"file_name": "test/sub/b.wav", "emotion": "sad", "speaker_id": 4},
        {"file_name": "c.wav", "emotion": None, "speaker_id": 4},
    ]
    path = tmp_path / f"metadata.{ending}"
    if ending == "csv":
        lines = (f"{r['file_name']},{r['emotion'] or ''},{r['speaker_id']}" for r in rows)
        path.write_text("file_name,emotion,speaker_id\n" + "\n".join(lines))
    elif ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), path)
    write_wav(tmp_path / "stray.wav")
    items = read(tmp_path)
    assert told(items) == [
        ("train/a.wav", "angry", "train"), ("test/sub/b.wav", "sad", "test"), ("c.wav", None, None),
        ("stray.wav", None, None),
    ]  # fmt: skip
    assert [item.left_out for item in items[2:]] == [NO_LABEL, table.NOT_NAMED]
    assert (items[1].path, items[1].speaker) == (tmp_path / "test/sub/b.wav", "4")
    used = hf.used_columns(tmp_path, recipe().data)
    assert (used["file"], used["speaker"]) == ("file_name", "speaker_id")


def test_a_table_in_each_split_folder_names_files_from_there_on(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "metadata.csv").write_text("file_name,label\na.wav,angry\n")
    assert told(read(tmp_path)) == [
        ("test/a.wav", "angry", "test"), ("train/a.wav", "angry", "train"),
        ("validation/a.wav", "angry", "validation"),
    ]  # fmt: skip
    (tmp_path / "test" / "metadata.jsonl").write_text("")
    with pytest.raises(MtlserError, match=r"metadata.csv and metadata.jsonl; expected one table"):
        read(tmp_path)


def test_folders_below_splits_are_labels(tmp_path: Path) -> None:
    for name in ("train/angry/a.wav", "dev/sad/deep/b.wav", "test/c.wav", "sad/d.wav"):
        write_wav(tmp_path / name)
    items = read(tmp_path)
    assert told(items) == [
        ("dev/sad/deep/b.wav", "sad", "validation"), ("sad/d.wav", "sad", None),
        ("test/c.wav", None, None), ("train/angry/a.wav", "angry", "train"),
    ]  # fmt: skip
    assert items[2].left_out == NO_LABEL
    assert hf.used_columns(tmp_path, recipe().data) == {}


def parquet_set(root: Path) -> None:
    """Four clips in two shards, one in a third."""
    for shard in range(2):
        clips = [(wav(2 * shard + i), f"c{2 * shard + i}.wav") for i in range(2)]
        name = f"data/train-{shard:05d}-of-00002.parquet"
        write_parquet(root / name, sound_table(clips, speaker=["S1", "S2"], text=["a", "b"]), 1)
    write_parquet(root / "data/test-00000-of-00001.parquet", sound_table([(wav(9), "c9.wav")]))


def saved_set(root: Path) -> None:
    """The same, as `save_to_disk` writes it."""
    clips = [(wav(i), f"c{i}.wav") for i in range(4)]
    train = sound_table(clips, speaker=["S1", "S2"] * 2, text=["a", "b"] * 2)
    write_saved_splits(root, {"train": train, "test": sound_table([(wav(9), "c9.wav")])})


BOTH = pytest.mark.parametrize("write", [parquet_set, saved_set])


@BOTH
def test_shards_are_read_with_the_names_of_their_classes(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path)
    items = sorted(read(tmp_path), key=lambda item: item.id)
    assert told(items) == [
        ("c0.wav", "angry", "train"), ("c1.wav", "sad", "train"), ("c2.wav", "angry", "train"),
        ("c3.wav", "sad", "train"), ("c9.wav", "angry", "test"),
    ]  # fmt: skip
    assert [item.speaker for item in items] == ["S1", "S2", "S1", "S2", None]
    assert [item.embedded() if item.embedded else None for item in items] == [
        wav(seed) for seed in (0, 1, 2, 3, 9)
    ]


@BOTH
def test_a_recording_inside_a_shard_is_the_clip_of_its_file(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "in")
    manifest.build(recipe("data.language=en"), [tmp_path / "in"], tmp_path / "out")
    found = {u.id: u for u in read_jsonl(tmp_path / "out" / "manifest.jsonl", Utterance)}
    assert list(found) == ["c0.wav", "c1.wav", "c2.wav", "c3.wav", "c9.wav"]
    for seed, identity in ((0, "c0.wav"), (3, "c3.wav"), (9, "c9.wav")):
        (tmp_path / "one.wav").write_bytes(wav(seed))
        assert found[identity].audio_sha256 == audio.decode(tmp_path / "one.wav").sha256
    assert {u.text for u in found.values()} == {"A", "B", None}
    assert not list(Path(tmp_path).rglob("mtlser-*"))


def test_names_that_are_not_unique_give_way_to_shard_and_row(tmp_path: Path) -> None:
    names = ["a.wav", "a.wav", None, "../b.wav", "/etc/c.wav", "d.wav", "e\\f.wav"]
    clips = [(wav(i), name) for i, name in enumerate(names)]
    write_parquet(tmp_path / "data" / "train-0.parquet", sound_table(clips))
    shard = "data/train-0.parquet"
    assert [item.id for item in read(tmp_path)] == [
        *(f"{shard}:{row}" for row in range(5)), "d.wav", f"{shard}:6",
    ]  # fmt: skip


def test_sound_beside_a_shard_is_a_file_below_the_folder(tmp_path: Path) -> None:
    write_wav(tmp_path / "clips" / "a.wav")
    clips = [(None, "clips/a.wav"), (None, str(tmp_path / "clips" / "b.wav")), (None, "/etc/c.wav")]
    write_parquet(tmp_path / "test.parquet", sound_table([*clips, (None, None)]))
    items = read(tmp_path)
    assert [(item.path, item.left_out, item.embedded) for item in items] == [
        (tmp_path / "clips/a.wav", None, None), (tmp_path / "clips/b.wav", None, None),
        (None, table.OUTSIDE, None), (None, table.NO_FILE, None),
    ]  # fmt: skip


def test_pieces_of_a_recording_inside_a_shard(tmp_path: Path) -> None:
    pieces = sound_table([(wav(0, 1.0), "a.wav")] * 2, start=[0.0, 0.25], end=[0.25, 1.0])
    write_parquet(tmp_path / "a.parquet", pieces)
    items = read(tmp_path)
    assert [item.id for item in items] == ["a.parquet:0@0-0.25", "a.parquet:1@0.25-1"]
    clips = list(embedded.clips(tmp_path / "a.parquet", items, "mix"))
    assert [clip.duration_s for clip in clips if isinstance(clip, audio.Clip)] == [0.25, 0.75]


def test_a_row_without_usable_sound_is_counted_with_its_fault(tmp_path: Path) -> None:
    clips = [(wav(0), "a.wav"), (None, "b.wav"), (b"no sound", "c.wav"), (wav(3), "d.wav")]
    write_parquet(tmp_path / "in" / "train.parquet", sound_table(clips))
    manifest.build(recipe("data.max_faulty=0.5"), [tmp_path / "in"], tmp_path / "out")
    report = json.loads((tmp_path / "out" / "ingest.json").read_text())
    assert (report["kept"], report["left_out"][0]["ids"]) == (2, ["b.wav", "c.wav"])
    assert report["left_out"][0]["first"] == "b.wav: row 1 has no sound"


def test_columns_are_named_or_refused_with_those_that_are_there(tmp_path: Path) -> None:
    moods = sound_table([(wav(0), "a.wav")], mood=["angry"]).drop_columns(["emotion"])
    write_parquet(tmp_path / "a.parquet", moods)
    with pytest.raises(MtlserError, match=r"no column of emotions among mood, audio; usual names"):
        read(tmp_path)
    assert told(read(tmp_path, "data.columns.label=mood")) == [("a.wav", "angry", None)]
    with pytest.raises(MtlserError, match=r"no column of audio among audio, mood; expected one of"):
        read(tmp_path, "data.columns.file=speech")
    second = moods.append_column("noise", moods.column("audio")).rename_columns(["a", "mood", "b"])
    write_parquet(tmp_path / "a.parquet", second)
    with pytest.raises(MtlserError, match=r"columns of audio are a, b; name the one"):
        read(tmp_path)
    sets = ("data.columns.label=mood", "data.columns.file=b")
    assert told(read(tmp_path, *sets)) == [("a.wav", "angry", None)]


def test_a_class_without_a_name_is_no_label(tmp_path: Path) -> None:
    clips = [(wav(i), f"{i}.wav") for i in range(4)]
    write_parquet(tmp_path / "test.parquet", sound_table(clips, emotion=[-1, 2, 1, None]))
    items = read(tmp_path)
    assert [(item.label, item.left_out) for item in items] == [
        (None, NO_LABEL), (None, NO_LABEL), ("sad", None), (None, NO_LABEL),
    ]  # fmt: skip


def test_files_that_are_no_part_of_the_data_set_are_counted(tmp_path: Path) -> None:
    write_saved(tmp_path, sound_table([(wav(0), "a.wav")]))
    (tmp_path / "cache-0123.arrow").write_bytes(b"")
    write_wav(tmp_path / "extra.wav")
    assert [item.left_out for item in read(tmp_path)] == [None, hf.NOT_LISTED, table.NOT_NAMED]
    state = {"_data_files": [{"filename": "../data.arrow"}]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(MtlserError, match=r"does not list the files of a data set"):
        read(tmp_path)
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "absent.arrow"}]}')
    with pytest.raises(MtlserError, match=r"absent.arrow: no such file, and state.json names it"):
        read(tmp_path)


def test_a_folder_without_a_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(MtlserError, match=r"no data set of Hugging Face; expected metadata.csv"):
        read(tmp_path)


def test_a_preview_shows_what_is_in_shards(tmp_path: Path) -> None:
    parquet_set(tmp_path)
    found = preview.preview(recipe(), [tmp_path])
    assert (found.kept, found.by_partition) == (5, {"test": 1, "train": 4})
    assert found.columns["file"] == "audio"
    assert found.hours == pytest.approx(5 * 0.4 / 3600)


@pytest.mark.parametrize("write", [write_parquet, None])
def test_one_row_group_at_a_time_is_in_memory(tmp_path: Path, write: Any) -> None:
    size, count = 1 << 20, 48
    noise = random.Random(0)
    big = sound_table([(noise.randbytes(size), f"{i}.wav") for i in range(count)])
    if write:
        write_parquet(tmp_path / "train.parquet", big, 2)
    else:
        write_saved(tmp_path, big)
    del big
    import pyarrow as pa

    items = read(tmp_path)
    before = pa.total_allocated_bytes()
    most = 0
    tracemalloc.start()
    try:
        for item in items:
            assert item.embedded is not None
            assert len(item.embedded()) == size
            most = max(most, pa.total_allocated_bytes() - before)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 * size
    assert peak < 8 * size


def test_rows_are_read_from_anywhere(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", sound_table([(wav(i), None) for i in range(7)]), 2)
    write_saved(tmp_path, sound_table([(wav(i), None) for i in range(7)]), "a.arrow")
    order = [5, 6, 0, 3, 3, 1]
    for name in ("a.parquet", "a.arrow"):
        found = [hf_shards.content(tmp_path / name, "audio", row) for row in order]
        assert found == [wav(row) for row in order]
        with pytest.raises(ValueError, match="has 7 rows, not row 7"):
            hf_shards.content(tmp_path / name, "audio", 7)


def read_anything(root: Path) -> None:
    """Reads the data set; it is refused in one sentence, or its files are all below the folder."""
    recipe = DataRecipe(corpus="hf", root=str(root))
    for item in refused_or_clear(lambda: hf.read(root, recipe), root):
        if item.embedded is not None and item.label is not None:
            (clip,) = embedded.clips(item.path or root, [item], "mix")
            assert isinstance(clip, audio.Clip | audio.AudioError)


FILES = (
    "metadata.csv", "metadata.jsonl", "metadata.parquet", "train/x.parquet", "state.json",
    "dataset_dict.json", "data.arrow",
)  # fmt: skip


@given(st.binary(max_size=200), st.sampled_from(FILES))
@settings(max_examples=150)
def test_any_bytes_are_a_data_set_or_one_sentence(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        read_anything(Path(folder))
        if name == "data.arrow":
            listed = {"_data_files": [{"filename": name}]}
            (Path(folder) / "state.json").write_text(json.dumps(listed))
            read_anything(Path(folder))


@pytest.mark.parametrize("name", ["train.parquet", "data-00000-of-00001.arrow", "state.json"])
def test_damaged_shards_are_read_or_refused(tmp_path: Path, name: str) -> None:
    whole = sound_table([(wav(i, 0.05), f"{i}.wav") for i in range(4)], text=list("abcd"))
    for seed in range(damage.TRIED):
        root = tmp_path / str(seed)
        if name == "train.parquet":
            write_parquet(root / name, whole)
        else:
            write_saved(root, whole)
        damage.damage(root / name, seed)
        read_anything(root)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(JSON)
@settings(max_examples=100)
def test_any_json_lists_files_or_is_refused(content: object) -> None:
    with TemporaryDirectory() as folder:
        for told_ in (content, {"splits": content}, {"_data_files": content}):
            for name in ("state.json", "dataset_dict.json"):
                (Path(folder) / name).write_text(json.dumps(told_))
                read_anything(Path(folder))
                (Path(folder) / name).unlink()
