"""Databases in audformat: header, tables of files and of pieces, schemes, splits, speakers."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import corpora, manifest, preview
from mtlser.data.corpora import Item, audformat, table
from mtlser.data.corpora.base import NO_LABEL
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe, Recipe, load
from mtlser.records import Utterance, read_jsonl
from tests.helpers import damage
from tests.helpers.corpus_releases import refused_or_clear, speech

HEADER = """
name: made up
languages: [deu]
schemes:
  emotion: {dtype: str, labels: [anger, sadness]}
  speaker:
    dtype: str
    labels:
      s1: {gender: female, age: 30}
      s2: {gender: male, language: eng}
  transcription:
    dtype: str
    labels: {a01: {de: Ja, en: 'Yes'}, a02: Nein}
  arousal: {dtype: float}
splits: {dev: {type: dev}, held-out: {type: test}}
tables:
  emotion.dev: {type: filewise, split_id: dev, columns: {emotion: {scheme_id: emotion}}}
  emotion.test:
    type: filewise
    split_id: held-out
    columns: {gold: {scheme_id: emotion}, gold.confidence: {}}
  pieces:
    type: segmented
    columns: {emotion: {scheme_id: emotion}, arousal: {scheme_id: arousal}}
  files:
    type: filewise
    columns: {speaker: {scheme_id: speaker}, transcription: {scheme_id: transcription}}
"""
TABLES = {
    "emotion.dev": "file,emotion\na.wav,anger\nsub/b.wav,\n",
    "emotion.test": "file,gold,gold.confidence\nc.wav,sadness,0.9\n",
    "pieces": (
        "file,start,end,emotion,arousal\n"
        "d.wav,0 days 00:00:00,0 days 00:00:00.500000000,anger,0.25\n"
        "d.wav,0 days 00:00:00.500000000,,sadness,\n"
        "e.wav,0 days,,sadness,1\n"
    ),
    "files": "file,speaker,transcription\na.wav,s1,a01\nc.wav,s2,a02\nd.wav,s2,\n",
}


def write(root: Path, header: str = HEADER, **tables: str) -> Path:
    """Writes the header and its tables, of which some are others."""
    root.mkdir(exist_ok=True)
    (root / "db.yaml").write_text(header)
    for name, content in {**TABLES, **tables}.items():
        (root / f"db.{name}.csv").write_text(content)
    return root


def recipe(*sets: str) -> Recipe:
    return load("own", ("data.corpus=audformat", *sets))


def read(root: Path, *sets: str) -> list[Item]:
    return list(corpora.read(recipe(*sets).data, root))


def test_what_all_tables_say_of_a_file_is_one_item(tmp_path: Path) -> None:
    items = {item.id: item for item in read(write(tmp_path))}
    assert items["a.wav"] == Item(
        id="a.wav", path=tmp_path / "a.wav", label="anger", speaker="s1", gender="F", text="Ja",
        language="de", partition="validation",
    )  # fmt: skip
    assert items["c.wav"] == Item(
        id="c.wav", path=tmp_path / "c.wav", label="sadness", speaker="s2", gender="M",
        text="Nein", language="en", partition="test",
    )  # fmt: skip
    assert (items["sub/b.wav"].left_out, items["sub/b.wav"].detail) == (
        NO_LABEL, "db.emotion.dev.csv:3",
    )  # fmt: skip


def test_a_piece_has_its_times_and_what_is_said_of_its_file(tmp_path: Path) -> None:
    items = {item.id: item for item in read(write(tmp_path))}
    first, second = items["d.wav@0-0.5"], items["d.wav@0.5-"]
    assert (first.start_s, first.end_s, first.label) == (0.0, 0.5, "anger")
    assert (second.start_s, second.end_s, second.label) == (0.5, None, "sadness")
    assert (first.ratings, second.ratings) == ({"arousal": 0.25}, None)
    assert {first.speaker, second.speaker} == {"s2"}
    whole = items["e.wav"]
    assert (whole.start_s, whole.end_s, whole.ratings) == (None, None, {"arousal": 1.0})


def test_parquet_tables_hold_the_same(tmp_path: Path) -> None:
    import pandas as pd

    expected = read(write(tmp_path))
    for name in TABLES:
        content = pd.read_csv(tmp_path / f"db.{name}.csv")
        for column in {"start", "end"} & set(content.columns):
            content[column] = pd.to_timedelta(content[column])
        content.to_parquet(tmp_path / f"db.{name}.parquet")
        (tmp_path / f"db.{name}.csv").unlink()
    found = read(tmp_path)
    shown = [(i.id, i.label, i.speaker, i.start_s, i.end_s, i.ratings) for i in found]
    assert shown == [(i.id, i.label, i.speaker, i.start_s, i.end_s, i.ratings) for i in expected]


def test_two_tables_that_disagree_are_refused_and_one_can_be_chosen(tmp_path: Path) -> None:
    write(tmp_path, **{"emotion.test": "file,gold,gold.confidence\na.wav,sadness,0.9\n"})
    with pytest.raises(MtlserError, match=r"emotion.dev and emotion.test give a.wav the labels"):
        read(tmp_path)
    assert [i.id for i in read(tmp_path, "data.table=emotion.dev")] == ["a.wav", "sub/b.wav"]
    assert {i.label for i in read(tmp_path, "data.table=p*")} == {"anger", "sadness"}
    with pytest.raises(MtlserError, match=r"tables of emotions emotion.dev, emotion.test, pieces;"):
        read(tmp_path, "data.table=files")


def test_columns_are_named_or_refused_with_those_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, HEADER.replace("emotion: {scheme_id: emotion}", "mood: {}"))
    (tmp_path / "db.emotion.dev.csv").write_text("file,mood\na.wav,anger\n")
    (tmp_path / "db.pieces.csv").write_text("file,start,end,mood,arousal\n")
    items = read(tmp_path, "data.columns.label=Mood")
    assert [(item.id, item.label) for item in items] == [("a.wav", "anger")]
    with pytest.raises(MtlserError, match=r"no column of emotions; its tables have emotion.dev: m"):
        read(tmp_path, "data.columns.label=feeling")
    with pytest.raises(
        MtlserError, match=r"columns.speaker = 'who': no such column of .*emotion.d"
    ):
        read(tmp_path, "data.columns.label=Mood", "data.columns.speaker=who")


def test_numbers_of_a_scheme_have_names_and_labels_may_be_a_table(tmp_path: Path) -> None:
    header = """
languages: [de, en]
schemes:
  emotion: {dtype: int, labels: {0: neutral, 1: anger}}
  speaker: {dtype: str, labels: speakers}
tables:
  files: {type: filewise, columns: {e: {scheme_id: emotion}, speaker: {scheme_id: speaker}}}
misc_tables:
  speakers: {levels: {speaker: str}, columns: {sex: {}}}
"""
    tables = {"files": "file,e,speaker\na.wav,1,s1\n", "speakers": "speaker,sex\ns1,female\n"}
    (one,) = read(write(tmp_path, header, **tables))
    assert (one.label, one.speaker, one.gender, one.language) == ("anger", "s1", "F", "")


def test_what_is_no_utterance_is_counted(tmp_path: Path) -> None:
    dev = "file,emotion\na.wav,anger\n../x.wav,anger\n,anger\nb.wav,anger,more\n"
    write(tmp_path, **{"emotion.dev": dev})
    soundfile.write(tmp_path / "extra.wav", speech(0), 16_000)
    left = [(item.left_out, item.detail) for item in read(tmp_path, "data.table=emotion.dev")]
    assert left == [
        (None, None),
        (table.OUTSIDE, "db.emotion.dev.csv:3: ../x.wav"),
        (table.NO_FILE, "db.emotion.dev.csv:4"),
        (table.BAD_ROW, "db.emotion.dev.csv:5: 3 cells, the header has 2"),
        (table.NOT_NAMED, None),
    ]


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "db.files.csv").rename(tmp_path / "db.files.pkl")
    with pytest.raises(MtlserError, match=r"no table 'files'.* as a pickle, which may run code"):
        read(tmp_path)
    (tmp_path / "db.files.pkl").unlink()
    with pytest.raises(MtlserError, match=r"or .parquet; save the database with storage_format"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("tables: [", "not YAML"),
        ("a: 1", "no tables in it"),
        ("tables: {}", "no column of emotions; its tables have none"),
        ("tables: {../x: {type: filewise}}", "no table '../x'"),
        ("tables: {files: {type: filewise, columns: {emotion: {}}}}", "no column 'file' among"),
    ],
)
def test_a_header_that_cannot_be_meant_is_refused(
    tmp_path: Path, header: str, problem: str
) -> None:
    write(tmp_path, header, files="path,emotion\na.wav,anger\n")
    with pytest.raises(MtlserError, match=problem) as refused:
        read(tmp_path)
    assert "\n" not in str(refused.value)


def test_ingest_and_preview_of_a_database_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    root = write(tmp_path / "in" / "db-1.0")
    (root / "sub").mkdir()
    for seed, name in enumerate(("a", "sub/b", "c", "d", "e")):
        soundfile.write(root / f"{name}.wav", speech(seed, 1.0), 16_000)
    found = preview.preview(recipe(), [tmp_path / "in"])
    assert found.columns["label"] == "emotion.dev: emotion"
    assert found.columns["speaker"] == "files: speaker"
    manifest.build(recipe(), [tmp_path / "in"], tmp_path / "out")
    kept = {u.id: u for u in read_jsonl(tmp_path / "out" / "manifest.jsonl", Utterance)}
    assert {name: u.duration_s for name, u in kept.items()} == {
        "a.wav": 1.0, "c.wav": 1.0, "d.wav@0-0.5": 0.5, "d.wav@0.5-": 0.5, "e.wav": 1.0,
    }  # fmt: skip
    assert kept["a.wav"].partition == "validation"
    with pytest.raises(MtlserError, match=r"out: no audformat database here; expected db.yaml"):
        read(tmp_path / "out")


def read_anything(root: Path) -> None:
    """Reads the database; it is refused in one sentence, or its files are below the folder."""
    recipe = DataRecipe(corpus="audformat", root=str(root))
    refused_or_clear(lambda: audformat.read(root, recipe), root)


@given(st.binary(max_size=200), st.sampled_from(["db.yaml", "db.pieces.csv", "db.files.csv"]))
@settings(max_examples=100)
def test_any_bytes_are_a_database_or_one_sentence(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        root = write(Path(folder))
        whole = (root / name).read_bytes()
        for changed in (content, whole + content, content + whole):
            (root / name).write_bytes(changed)
            read_anything(root)


@pytest.mark.parametrize("name", ["db.yaml", "db.pieces.csv"])
def test_damaged_databases_are_read_or_refused(tmp_path: Path, name: str) -> None:
    for seed in range(damage.TRIED):
        write(tmp_path)
        damage.damage(tmp_path / name, seed)
        read_anything(tmp_path)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(["emotion", "files", "s1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "columns", "labels", "scheme_id", "emotion"]), inner
        )
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(["schemes", "splits", "tables", "misc_tables", "languages", "all"]))
@settings(max_examples=150)
def test_any_header_is_read_or_refused(content: object, section: str) -> None:
    import yaml

    with TemporaryDirectory() as folder:
        root = write(Path(folder))
        header = {**yaml.safe_load(HEADER), section: content} if section != "all" else content
        (root / "db.yaml").write_text(yaml.safe_dump(header))
        read_anything(root)
