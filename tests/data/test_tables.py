"""Tables of recordings as people write them: formats, encodings, columns, values, dirt."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import corpora, corpus_labels, ledger, manifest, preview
from mtlser.data.corpora import Item, table
from mtlser.data.corpora.base import NO_LABEL
from mtlser.data.tables import rows, values
from mtlser.errors import MtlserError
from mtlser.recipe import DataRecipe, Recipe, load
from mtlser.records import Utterance, read_jsonl
from tests.helpers.corpus_releases import refused_or_clear, write_recordings

HEAD = "file,emotion,speaker\n"


def recipe(*sets: str, corpus: str = "table") -> Recipe:
    return load("own", (f"data.corpus={corpus}", *sets))


def items(root: Path, content: str | bytes, *sets: str, name: str = "labels.csv") -> list[Item]:
    """The items of a table in a folder, however often it is written."""
    raw = content.encode() if isinstance(content, str) else content
    (root / name).write_bytes(raw)
    return list(corpora.read(recipe(*sets).data, root))


def labelled(read: list[Item]) -> list[tuple[str, str | None]]:
    return [(item.id, item.label) for item in read]


@pytest.mark.parametrize(
    "content",
    [
        "file,emotion\na.wav,angry\nsub/b.wav,sad\n",
        "emotion;file\r\nangry;a.wav\r\nsad;sub/b.wav",
        "path\tlabel\na.wav\tangry\n\nsub/b.wav\tsad\n",
        '\ufefffile|emotion\n"a.wav"|angry\n"sub/b.wav"|"sad"\n',
        "Datei;Gefühl\na.wav;angry\n./sub/../sub/b.wav;sad\n".encode("cp1252"),
        "Datei,Gefühl\na.wav,angry\nsub\\b.wav,sad\n".encode("utf-16"),
        "Audio_Path, Emotion Label\na.wav, angry\nsub/b.wav, sad\n",
    ],
)
def test_a_table_is_read_whatever_program_wrote_it(tmp_path: Path, content: str | bytes) -> None:
    assert labelled(items(tmp_path, content)) == [("a.wav", "angry"), ("sub/b.wav", "sad")]


def test_json_lines_and_parquet_hold_the_same(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    content = [
        {"file": "a.wav", "emotion": "angry", "speaker": 3, "start": None},
        {"file": "b.wav", "emotion": None, "speaker": 4.0, "start": 1.5},
    ]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    lines = "\n".join(map(json.dumps, content))
    by_json = items(tmp_path / "one", lines, name="t.jsonl")
    parquet.write_table(pa.Table.from_pylist(content), tmp_path / "two" / "t.parquet")
    by_parquet = list(corpora.read(recipe().data, tmp_path / "two"))
    shown = [(i.id, i.label, i.speaker, i.start_s, i.left_out) for i in by_json]
    assert shown == [
        ("a.wav", "angry", "3", None, None),
        ("b.wav@1.5-", None, "4", 1.5, NO_LABEL),
    ]
    assert shown == [(i.id, i.label, i.speaker, i.start_s, i.left_out) for i in by_parquet]


def test_all_that_a_row_says_is_kept(tmp_path: Path) -> None:
    content = (
        "file,emotion,Sprecher,Geschlecht,Text,split,lang,Sitzung,Dialog-ID,start,end\n"
        "a.wav,angry,S1,weiblich,Ja!,dev,de-AT,1,d7,\"0,5\",1:02.5\n"
    )  # fmt: skip
    (one,) = items(tmp_path, content)
    assert one == Item(
        id="a.wav@0,5-1:02.5", path=tmp_path / "a.wav", label="angry", speaker="S1", gender="F",
        session="1", dialogue="d7", text="Ja!", language="de", partition="validation",
        start_s=0.5, end_s=62.5,
    )  # fmt: skip


def test_columns_are_named_in_the_recipe_or_refused_with_the_nearest(tmp_path: Path) -> None:
    content = "clip name,mood,who\na.wav,angry,S1\n"
    sets = ("data.columns.file=clip name", "data.columns.label=Mood", "data.columns.speaker=who")
    (one,) = items(tmp_path, content, *sets)
    assert (one.id, one.label, one.speaker) == ("a.wav", "angry", "S1")
    with pytest.raises(MtlserError, match=r"no column of files among clip name, mood, who; usual"):
        items(tmp_path, content)
    with pytest.raises(MtlserError, match=r"file = 'clipname': .* the nearest is 'clip name'"):
        items(tmp_path, content, "data.columns.file=clipname")
    with pytest.raises(MtlserError, match=r"no column of emotions .*the nearest is 'emotoin'"):
        items(tmp_path, "file,emotoin\na.wav,b\n")


def test_a_row_that_is_not_understood_is_left_out_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "extra.mp3").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    content = (
        "file,emotion,start,end\n"
        'a.wav,"angry\nor so",,\n'  # two lines
        "b.wav,angry\n"
        ",angry,,\n"
        "../c.wav,angry,,\n"
        "/etc/d.wav,angry,,\n"
        "e.wav,,,\n"
        "f.wav,sad,2,1\n"
        "g.wav,sad,soon,\n"
        "h.wav,sad,,,\n"
        "i.wav,sad,,,more\n"
    )
    read = items(tmp_path, content)
    assert [(item.left_out, item.detail) for item in read] == [
        (None, None),
        (table.BAD_ROW, "labels.csv:4: 2 cells, the header has 4"),
        (table.NO_FILE, "labels.csv:5"),
        (table.OUTSIDE, "labels.csv:6: ../c.wav"),
        (table.OUTSIDE, "labels.csv:7: /etc/d.wav"),
        (NO_LABEL, "labels.csv:8"),
        (table.BAD_TIME, "labels.csv:9: start '2', end '1'"),
        (table.BAD_TIME, "labels.csv:10: start 'soon', end ''"),
        (None, None),
        (table.BAD_ROW, "labels.csv:12: 5 cells, the header has 4"),
        (table.NOT_NAMED, None),
    ]
    assert read[-1].id == "extra.mp3"


def test_an_absolute_path_within_the_folder_is_one_below_it(tmp_path: Path) -> None:
    (one,) = items(tmp_path, f"{HEAD}{tmp_path}/a/b.wav,angry,S1\n")
    assert one.id == "a/b.wav"


def test_votes_and_probabilities_elect_a_label(tmp_path: Path) -> None:
    votes = "file,angry:votes,sad:votes\na.wav,3,1\nb.wav,2,2\nc.wav,,\nd.wav,x,1\n"
    read = items(tmp_path, votes)
    assert labelled(read) == [("a.wav", "angry"), ("b.wav", None), ("c.wav", None), ("d.wav", None)]
    assert [(item.left_out, item.detail) for item in read[1:]] == [
        (table.TIED, "labels.csv:3: a tie between angry, sad"),
        (NO_LABEL, "labels.csv:4"),
        (table.TIED, "labels.csv:5: 'x' votes for angry"),
    ]
    soft = "file,angry:probability,sad:probability\na.wav,0.2,0.8\n"
    assert labelled(items(tmp_path, soft)) == [("a.wav", "sad")]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "an empty table"),
        (HEAD, "no row below the column names"),
        ("file,File,emotion\na,b,c\n", "column 'File' is there twice|column 'file' is there twice"),
        (f"{HEAD}a.wav,angry,S1\na.wav,sad,S1\n", "rows 1 and 2 give a.wav the labels 'angry' and"),
        (f'{HEAD}"a.wav,angry,S1\n' + "x" * (rows.LONGEST_CELL + 9), "a quote may not be closed"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_in_one_sentence(
    tmp_path: Path, content: str, problem: str
) -> None:
    with pytest.raises(MtlserError, match=problem) as refused:
        items(tmp_path, content)
    assert "\n" not in str(refused.value)


def test_the_table_is_the_only_one_or_named(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match=r"expected one table .*, found none; name it with"):
        list(corpora.read(recipe().data, tmp_path))
    items(tmp_path, f"{HEAD}a.wav,angry,S1\n")
    with pytest.raises(MtlserError, match=r"found labels.csv, more.tsv"):
        items(tmp_path, "file\temotion\nb.wav\tsad\n", name="more.tsv")
    assert labelled(list(corpora.read(recipe("data.table=more.tsv").data, tmp_path))) == [
        ("b.wav", "sad")
    ]
    with pytest.raises(MtlserError, match=r"absent.csv: no such file"):
        list(corpora.read(recipe("data.table=absent.csv").data, tmp_path))
    with pytest.raises(
        MtlserError, match=r"labels.xlsx: not a table that is read; allowed are .csv"
    ):
        list(corpora.read(recipe("data.table=labels.xlsx").data, tmp_path))


def test_a_pattern_names_speakers_and_the_recipe_the_language(tmp_path: Path) -> None:
    sets = (r"data.speaker_pattern=(S\d+)_", "data.language=de")
    read = items(tmp_path, "file,emotion\nS12_a.wav,angry\nother.wav,sad\n", *sets)
    assert [(item.speaker, item.language) for item in read] == [("S12", "de"), (None, "de")]
    with pytest.raises(MtlserError, match=r"speaker_pattern = .*has 0 groups"):
        recipe("data.speaker_pattern=S.")
    with pytest.raises(MtlserError, match="is no regular expression"):
        recipe("data.speaker_pattern=(")


def test_two_names_of_one_person_become_the_first(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"{HEAD}a.wav,angry,S1\nb.wav,sad,S2\nc.wav,sad,S3\n")
    merged = recipe('data.merge_speakers=[["S1","S3"]]')
    with ledger.opened(tmp_path) as book:
        (read,) = corpus_labels.labelled(merged, [tmp_path], book)
        assert [item.speaker for item in read.items] == ["S1", "S2", "S1"]
        other = recipe('data.merge_speakers=[["S1","S9"]]')
        with pytest.raises(MtlserError, match=r"no speaker 'S9'; there are S1, S2, S3; correct"):
            corpus_labels.labelled(other, [tmp_path], book)
    with pytest.raises(MtlserError, match="names a speaker twice"):
        recipe('data.merge_speakers=[["S1","S2"],["S2","S3"]]')


@pytest.mark.parametrize("corpus", ["table", "folder"])
def test_ingest_keeps_the_label_and_its_class(tmp_path: Path, corpus: str) -> None:
    write_recordings(tmp_path / "in")
    sets = ("labels.map.frustrated=angry", r"data.speaker_pattern=(S\d)")
    manifest.build(recipe(*sets, corpus=corpus), [tmp_path / "in"], tmp_path / "out")
    read = list(read_jsonl(tmp_path / "out" / "manifest.jsonl", Utterance))
    assert {(u.label, u.emotion) for u in read} == {("calm", "calm"), ("Frustrated", "angry")}
    assert {u.speaker for u in read} == {"S0", "S1", "S2", "S3"}
    assert {u.gender for u in read} == ({"F", "M"} if corpus == "table" else {None})
    assert {u.text for u in read} == ({"SOME WORDS"} if corpus == "table" else {None})
    kept = json.loads((tmp_path / "out" / "ingest.json").read_text())
    assert kept["by_emotion"] == {"angry": 4, "calm": 4}
    assert kept["differs_from_release"] is None


def test_classes_are_refused_or_counted(tmp_path: Path) -> None:
    write_recordings(tmp_path / "in")

    def build(*sets: str) -> None:
        manifest.build(recipe(*sets), [tmp_path / "in"], tmp_path / "out")

    with pytest.raises(MtlserError, match=r"no utterance of angry; .*Frustrated 4, calm 4; take"):
        build('labels.classes=["calm","frustrated","angry"]')
    with pytest.raises(MtlserError, match=r"labels.map: no label 'bored' in the corpus"):
        build("labels.map.bored=calm")
    with pytest.raises(MtlserError, match=r"no published map from this corpus"):
        build("labels.classes=four")
    with pytest.raises(MtlserError, match=r"none of the recipe's classes"):
        build("labels.map.calm=", "labels.map.frustrated=")
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    build('labels.classes=["frustrated","calm"]')
    read = read_jsonl(tmp_path / "out" / "manifest.jsonl", Utterance)
    assert {u.emotion for u in read} == {"frustrated", "calm"}  # as the recipe writes it


def test_a_preview_says_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    write_recordings(tmp_path)
    found = preview.preview(recipe(), [tmp_path])
    assert (found.kept, found.speakers, found.transcripts) == (8, 4, 8)
    assert found.columns["label"] == "emotion"
    assert found.by_class == {"Frustrated": 4, "calm": 4}
    assert found.by_gender == {"F": 4, "M": 4}
    assert found.hours == pytest.approx(8 * 0.4 / 3600)
    assert found.protocol == "loso"
    assert len(found.rows) == 8
    missing = " ".join(found.missing)
    assert "no session is known" in missing
    assert "no speaker" not in missing
    alone = preview.preview(recipe(corpus="folder"), [tmp_path])
    assert (alone.columns, alone.protocol) == ({}, "random")
    assert "no speaker is known: no speaker head, and the random protocol alone" in " ".join(
        alone.missing
    )
    text = preview.describe(alone)
    assert "left out: not a .wav or .flac file 1" in text or "labels.csv" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Frustrated", "calm", "labels.csv"]


CELLS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.lists(CELLS, max_size=5), max_size=6), st.sampled_from(",;\t|"))
@settings(max_examples=100)
def test_any_cells_are_rows_or_faults_and_no_file_is_outside(
    drawn: list[list[str]], separator: str
) -> None:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["file", "emotion", "start", "end"])
    writer.writerows(drawn)
    read_anything(text.getvalue().encode(), "labels.csv")


@given(st.binary(max_size=200), st.sampled_from(["t.csv", "t.tsv", "t.jsonl", "t.parquet"]))
@settings(max_examples=100)
def test_any_bytes_are_a_table_or_one_sentence(content: bytes, name: str) -> None:
    read_anything(content, name)
    read_anything(b"file,emotion\n" + content, name)
    read_anything(b'{"file": "a.wav", "emotion": "sad"}\n' + content, name)


def read_anything(content: bytes, name: str) -> None:
    """Reads the table; it is refused in one sentence, or its files are all below the folder."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / name).write_bytes(content)
        recipe = DataRecipe(corpus="table", root=folder)
        refused_or_clear(lambda: table.read(root, recipe), root)


def test_a_million_columns_are_no_trouble(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(1_000_000))
    values_ = "," * 1_000_000
    assert labelled(items(tmp_path, f"file,emotion,{names}\na.wav,sad{values_}\n")) == [
        ("a.wav", "sad")
    ]


@given(st.text(max_size=12))
def test_seconds_are_finite_or_none(text: str) -> None:
    value = values.seconds(text)
    assert value is None or np.isfinite(value)
