"""Text files that a user wrote: byte order marks, line ends, other encodings."""

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlser import recipe as recipes
from mtlser.data.corpora.base import lines
from mtlser.errors import MtlserError
from mtlser.evaluation import gathering
from mtlser.evaluation.verification import reading
from mtlser.files import decode, read_text
from mtlser.records import Utterance, read_json, read_jsonl
from mtlser.records.files import as_json
from mtlser.storage import custody
from tests.helpers.factories import make_prediction
from tests.helpers.utterances import utterance

MARKED = {
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
}


def marked(text: str, encoding: str) -> bytes:
    """The text with the byte order mark of its encoding."""
    if encoding == "utf-8-sig":
        return text.encode(encoding)
    return MARKED[encoding] + text.encode(encoding)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.sampled_from([*MARKED]))
def test_what_has_a_mark_is_read(text: str, encoding: str) -> None:
    assert decode(marked(text, encoding), Path("a")) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_a_text_or_one_sentence(content: bytes) -> None:
    try:
        decode(content, Path("a file"))
    except MtlserError as error:
        assert str(error).startswith("a file: line ")
        assert "-t UTF-8 'a file' > NEW" in str(error)


@pytest.mark.parametrize("encoding", MARKED)
def test_a_recipe_and_a_label_file_of_another_editor_are_read(
    tmp_path: Path, encoding: str
) -> None:
    text = recipes.dumps(recipes.load("demo")).replace('about = "', 'about = "gr\u00fcn ')
    path = tmp_path / "recipe.toml"
    path.write_bytes(marked(text.replace("\n", "\r\n"), encoding))
    read = recipes.load(str(path))
    assert read.about.startswith("gr\u00fcn ")
    assert read == recipes.load(text)
    path.write_bytes(marked("one\r\nzw\u00f6lf", encoding))
    assert lines(path) == ["one", "zw\u00f6lf"]
    assert read_text(path) == "one\nzw\u00f6lf"


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("cp1252", "WINDOWS-1252"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")],
)
def test_an_encoding_that_is_not_marked_is_named_with_the_way_to_convert(
    tmp_path: Path, encoding: str, named: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes('name = "a"\nabout = "gr\u00fcn"\n'.encode(encoding))
    with pytest.raises(MtlserError) as refused:
        recipes.load(str(path))
    assert str(refused.value) == (
        f"{path}: line 2 is not UTF-8, the file seems to be {named}; convert it with "
        f"`iconv -f {named} -t UTF-8 {path} > NEW` and give NEW"
    )


def test_records_survive_an_editor(tmp_path: Path) -> None:
    rows = [utterance("gr\u00fcn"), utterance("b")]
    path = tmp_path / "manifest.jsonl"
    text = "\r\n".join(as_json(each) for each in rows) + "\r\n\r\n"
    path.write_bytes(text.encode("utf-8-sig"))
    assert list(read_jsonl(path, Utterance)) == rows
    path.write_bytes(marked(as_json(rows[0]), "utf-16-le"))
    assert read_json(path, Utterance) == rows[0]
    for content, named in (
        (marked(text, "utf-16-le"), "UTF-16"),
        (text.encode("utf-16-le"), "UTF-16LE"),
        (text.encode("cp1252"), "WINDOWS-1252"),
    ):
        path.write_bytes(content)
        with pytest.raises(MtlserError, match=f"line 1 is not UTF-8.* to be {named}; convert"):
            list(read_jsonl(path, Utterance))


def test_predictions_survive_an_editor_and_their_digest_is_that_of_the_bytes(
    tmp_path: Path,
) -> None:
    rows = [make_prediction(name).model_dump_json() for name in ("a", "gr\u00fcn")]
    plain, edited = tmp_path / "plain.jsonl", tmp_path / "edited.jsonl"
    plain.write_bytes(("\n".join(rows) + "\n").encode())
    edited.write_bytes(("\r\n".join(rows) + "\r\n\r\n").encode("utf-8-sig"))
    for path in (plain, edited):
        gathering.merge([path], tmp_path / "merged.jsonl")
        assert (tmp_path / "merged.jsonl").read_bytes() == plain.read_bytes()
    assert reading.read(edited).columns.truth.names == reading.read(plain).columns.truth.names
    assert custody.rows_of(edited) != custody.rows_of(plain)
    (part,) = reading.read(plain).rows
    assert reading.read(plain).rows[part] == custody.rows_of(plain)
    assert reading.read(edited).rows[part] != custody.rows_of(plain)
