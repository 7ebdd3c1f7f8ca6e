"""The record in each folder: what it says, and what it refuses."""

from pathlib import Path

import pytest

from mtlser.errors import MtlserError
from mtlser.records import read_json, write_json
from mtlser.storage import custody
from mtlser.storage.custody import CUSTODY, Custody


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A step's output, sealed."""
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    (tmp_path / "b.json").write_text("{}")
    custody.seal(tmp_path, "split", ("a.jsonl", "b.json", "absent.json"), folds="f" * 64)
    return tmp_path


def test_a_whole_folder_is_verified(folder: Path) -> None:
    record = custody.verified(folder)
    assert record is not None
    assert sorted(record.files) == ["a.jsonl", "b.json"]
    assert record.sha256 == record.digest


def test_a_folder_without_a_record_is_not_refused(tmp_path: Path) -> None:
    assert custody.verified(tmp_path) is None


def test_a_changed_a_missing_and_an_edited_file_are_refused(folder: Path) -> None:
    (folder / "b.json").write_text("[]")
    with pytest.raises(MtlserError, match=r"b\.json has SHA-256 .* says .* run `mtlser split`"):
        custody.verified(folder)
    (folder / "b.json").unlink()
    with pytest.raises(MtlserError, match=r"b\.json is missing"):
        custody.verified(folder)
    edited = read_json(folder / CUSTODY, Custody).model_copy(update={"folds": "0" * 64})
    write_json(folder / CUSTODY, edited)
    with pytest.raises(MtlserError, match=r"custody\.json has digest .* it was edited"):
        custody.verified(folder)


def test_the_order_of_lines_makes_no_difference_to_their_digest(folder: Path) -> None:
    rows = custody.rows_of(folder / "a.jsonl")
    (folder / "a.jsonl").write_text('{"x": 2}\n{"x": 1}\n')
    assert custody.rows_of(folder / "a.jsonl") == rows
    (folder / "a.jsonl").write_text('{"x": 2}\n{"x": 1}\n{"x": 1}\n')
    assert custody.rows_of(folder / "a.jsonl") != rows


def test_one_record_names_another_by_its_digest(folder: Path) -> None:
    parent = custody.read(folder)
    assert parent is not None
    below = folder / "below"
    below.mkdir()
    child = custody.seal(below, "train", (), made_from={"folds": parent, "chosen": None})
    assert child.made_from == {"folds": parent.digest}
    again = custody.seal(below, "train", (), made_from={"folds": parent})
    assert again.digest == child.digest
