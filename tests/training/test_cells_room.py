"""A search whose folds make more cells than a run has room for is refused before it trains."""

from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.stages import training
from tests.helpers import fake_stages


def test_more_cells_than_there_is_room_for_are_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = recipes.load("demo", ("train.seeds=3",))
    monkeypatch.setattr(training, "fetch_corpus", Path)
    monkeypatch.setattr(training, "load_manifest", lambda _: [])
    monkeypatch.setattr(training, "load_folds", lambda _: fake_stages.plan(recipe))
    (tmp_path / "folds.json").touch()
    out = tmp_path / "chosen"
    with pytest.raises(
        MtlserError, match=r"6 cells \(2 folds x 3 seeds\).*1 MiB: about 5 fit.*--set"
    ):
        training.search(str(tmp_path), str(tmp_path), recipe, str(out), most=5)
    assert not out.exists()
