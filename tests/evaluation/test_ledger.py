"""How often the test sets of a fold plan were scored."""

from pathlib import Path

import pytest

from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.verification import ledger
from mtlser.evaluation.verification.claim_records import Scoring
from mtlser.records import read_json, read_jsonl
from mtlser.reporting import verdict
from tests.helpers.honest import make_honest_run


def test_each_report_counts_once_and_says_how_many_there_were(tmp_path: Path) -> None:
    run = make_honest_run(tmp_path / "run")
    for out in ("one", "again"):
        scores = read_json(run.write_report(out) / "scores.json", Scores)
        assert verdict.scorings(scores).startswith("2 systems by 1 recipe have been scored")
    known = list(read_jsonl(run.corpus / ledger.FILE, Scoring))
    assert [(each.system, each.recipe_hash) for each in known] == [
        ("mtlser", run.recipe.hash),
        ("svm", run.recipe.hash),
    ]
    assert all(each.when and each.who for each in known)


def test_runs_of_mlflow_count_too(tmp_path: Path) -> None:
    tags = {ledger.SYSTEMS: "mtlser,svm", ledger.RECIPE: "other"}
    earlier = ledger.earlier(tmp_path, [tags], "folds")
    own = Scoring(folds="folds", system="mtlser", recipe_hash="mine", when="2026-01-01T00:00:00")
    every = ledger.different([*earlier, own, *earlier])
    assert {(s.system, s.recipe_hash) for s in every} == {
        ("mtlser", "other"),
        ("svm", "other"),
        ("mtlser", "mine"),
    }


def test_other_folds_do_not_count(tmp_path: Path) -> None:
    other = Scoring(folds="others", system="mtlser", recipe_hash="x", when="2026-01-01T00:00:00")
    ledger.add(tmp_path, [other])
    assert ledger.earlier(tmp_path, [], "folds") == []
    assert ledger.earlier(tmp_path, [], "others") == [other]


def test_a_folder_that_cannot_be_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    ledger.add(tmp_path, [Scoring(folds="f", system="s", recipe_hash="r")])
    assert not (tmp_path / ledger.FILE).exists()
