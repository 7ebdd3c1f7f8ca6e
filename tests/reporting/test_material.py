"""What the page shows beside the scores, from the stages' folders."""

import json
from pathlib import Path

import pytest

from mtlser.errors import MtlserError
from mtlser.reporting import material, page
from mtlser.tracking import NullRun
from tests.helpers.factories import make_plan, make_recipe
from tests.helpers.pages import AUDIT, INGEST, make_scores, make_search


def test_context_reads_the_stages_folders(tmp_path: Path) -> None:
    (tmp_path / "ingest.json").write_text(json.dumps(INGEST))
    (tmp_path / "audit.json").write_text(json.dumps(AUDIT))
    result = material.context(tmp_path, tmp_path, make_search(), make_recipe(), NullRun())
    assert result.ingest == INGEST
    assert result.audit == AUDIT
    assert result.environment["MLflow run"] == "not tracked"
    assert "rapidfuzz" in result.environment
    page.write(tmp_path / "report.html", make_scores(make_plan(folds=3, per_fold=30)), result)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not list(tmp_path.glob("*.tmp*"))


def test_context_without_files_is_empty_and_broken_files_are_refused(tmp_path: Path) -> None:
    result = material.context(tmp_path, tmp_path, make_search(), make_recipe(), NullRun())
    assert result.ingest == result.audit == {}
    for text in ("{", "[1]"):
        (tmp_path / "audit.json").write_text(text)
        with pytest.raises(MtlserError, match=r"audit\.json"):
            material.context(tmp_path, tmp_path, make_search(), make_recipe(), NullRun())
