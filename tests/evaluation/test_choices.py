"""`chosen.json` of today and of earlier runs."""

from pathlib import Path

import pytest

from mtlser.evaluation.choices import Choice, Reached, SearchResult
from mtlser.records import CellResult, read_json, write_json
from mtlser.stages import load_chosen, resolved

FORMAT_1 = """{"scope": "fold", "metric": "ua", "choices": [
 {"fold": 0, "alpha": 0.1, "beta": 0.8, "epoch": 3, "score": 0.61, "run": "cells/fold-0"},
 {"fold": 1, "alpha": 0.2, "beta": 0.8, "epoch": null, "score": null, "run": null}], "rows": []}"""


@pytest.fixture
def chosen(tmp_path: Path) -> SearchResult:
    (tmp_path / "chosen.json").write_text(FORMAT_1, encoding="utf-8")
    return load_chosen(tmp_path)


def test_a_file_of_an_earlier_run_is_read(chosen: SearchResult, tmp_path: Path) -> None:
    assert chosen.choices == (
        Choice(fold=0, alpha=0.1, beta=0.8, run="cells/fold-0"),
        Choice(fold=1, alpha=0.2, beta=0.8, run=None),
    )
    assert chosen.reached == (Reached(fold=0, epoch=3, score=0.61),)
    write_json(tmp_path / "again.json", chosen)
    assert '"format": 2' in (tmp_path / "again.json").read_text()
    assert read_json(tmp_path / "again.json", SearchResult) == chosen


def test_a_training_says_what_its_fold_reached(chosen: SearchResult, tmp_path: Path) -> None:
    result = CellResult(
        cell="mtlser:f1:s0", alpha=0.2, beta=0.8, epoch=5, epochs_run=9, score=0.5,
        validation={}, seconds=1.0, weights_sha256=None,
    )  # fmt: skip
    write_json(tmp_path / "result.json", result)
    after = resolved(chosen, [tmp_path])
    assert after.choices == chosen.choices
    assert after.reached == (*chosen.reached, Reached(fold=1, seed=0, epoch=5, score=0.5))
