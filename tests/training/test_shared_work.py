"""Two recipes under one run key and in one work folder: nothing of one is taken for the other's."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mtlser.evaluation.choices import SearchResult
from mtlser.recipe import Recipe
from mtlser.records import Cell
from mtlser.storage import checked
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import network
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.inputs import Inputs, Training
from mtlser.training.search import search
from tests.helpers.trainings import make_inputs, small_recipe, train

GRID = ("search.alphas=[0.1, 0.5]", "search.betas=[0.8]", "search.jobs=1", "search.metric=loss")


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return make_inputs(tmp_path)


def written(folder: Path) -> dict[str, str]:
    outcome: dict[str, str] = json.loads((folder / "model" / "mtlser.json").read_text())
    return outcome


def searched(inputs: Inputs, recipe: Recipe, out: Path, work: Path) -> SearchResult:
    out.mkdir()
    return search.search(inputs, recipe, out, WorkFolder(work), NullRun())


@pytest.mark.parametrize(
    "override",
    ["train.learning_rate=2e-3", "model.layers=weighted", "noise.snr_db=[5]", "name=other"],
)
def test_a_training_is_of_its_own_recipe(inputs: Inputs, tmp_path: Path, override: str) -> None:
    """Even where both would train alike, the model says which recipe it is of."""
    ours, theirs = small_recipe(tmp_path), small_recipe(tmp_path, override)
    work = tmp_path / "work"
    first, second = train(inputs, ours, work), train(inputs, theirs, work)
    assert first != second
    assert written(first)["recipe_hash"] == ours.hash
    assert written(second)["recipe_hash"] == theirs.hash


def test_a_half_trained_cell_is_no_start_for_another_recipe(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = small_recipe(tmp_path), small_recipe(tmp_path, "train.learning_rate=2e-3")
    alone = train(inputs, theirs, tmp_path / "alone")
    work = tmp_path / "work"
    saved = Checkpoint.save

    def killed(*args: object) -> None:
        saved(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            train(inputs, ours, work)
    assert list(work.glob("cells/*.part/state.safetensors"))
    beside = train(inputs, theirs, work)
    digests = [
        json.loads((f / "result.json").read_text())["weights_sha256"] for f in (alone, beside)
    ]
    assert digests[0] == digests[1]


def test_studies_and_chosen_cells_of_two_recipes_stay_apart(inputs: Inputs, tmp_path: Path) -> None:
    ours = small_recipe(tmp_path, *GRID)
    theirs = small_recipe(tmp_path, *GRID, "train.learning_rate=3e-3")
    work = tmp_path / "work"
    first = searched(inputs, ours, tmp_path / "ours", work)
    second = searched(inputs, theirs, tmp_path / "theirs", work)
    alone = searched(inputs, theirs, tmp_path / "alone", tmp_path / "other-work")
    assert first.rows != second.rows
    assert second == alone
    for recipe, name in ((ours, "ours"), (theirs, "theirs")):
        assert written(tmp_path / name / "cells/fold-0")["recipe_hash"] == recipe.hash
    journals = [(tmp_path / name / search.JOURNAL).read_text() for name in ("theirs", "alone")]
    assert [text.count("study_name") for text in journals] == [1, 1]


def test_encoders_of_one_name_in_two_folders_share_no_study(inputs: Inputs, tmp_path: Path) -> None:
    """The recipe's hash knows an encoder's name only; a study knows its place."""
    ours, theirs = (small_recipe(tmp_path / name, *GRID) for name in ("one", "two"))
    assert ours.hash == theirs.hash
    assert ours.model.encoder != theirs.model.encoder
    work = tmp_path / "work"
    searched(inputs, ours, tmp_path / "ours", work)
    searched(inputs, theirs, tmp_path / "theirs", work)
    text = (work / f"study-{ours.training_hash}.journal").read_text()
    assert text.count("study_name") == 2


def test_two_steps_that_want_one_training_at_once_train_it_once(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a challenger's recipe is the champion's, and both are measured side by side."""
    recipe, work = small_recipe(tmp_path), tmp_path / "work"
    fitted: list[str] = []
    fit = network.fit_network

    def counted(training: Training, *args: object):  # type: ignore[no-untyped-def]
        fitted.append(training.cell.text)
        return fit(training, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(network, "fit_network", counted)
    with ThreadPoolExecutor(2) as pool:
        folders = set(pool.map(lambda _: train(inputs, recipe, work), range(2)))
    assert len(folders) == 1
    assert fitted == [Cell(system="mtlser", fold=0, seed=0).text]


def test_a_wider_grid_trains_only_what_it_adds(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its models say that they are of the wider one's recipe."""
    ours = small_recipe(tmp_path, *GRID)
    wider = small_recipe(tmp_path, *GRID, "search.alphas=[0.1, 0.3, 0.5]")
    work = tmp_path / "work"
    first = searched(inputs, ours, tmp_path / "first", work)
    trained: list[float] = []
    fit = network.fit_network

    def counted(training: Training, *given: Any) -> Any:
        trained.append(training.alpha)
        return fit(training, *given)

    monkeypatch.setattr(network, "fit_network", counted)
    second = searched(inputs, wider, tmp_path / "second", work)
    assert trained == [0.3]
    assert [row for row in second.rows if row.alpha != 0.3] == list(first.rows)
    assert written(tmp_path / "second" / "cells" / "fold-0")["recipe_hash"] == wider.hash
    checked.verify_folder(tmp_path / "second" / "cells" / "fold-0")
    again = searched(inputs, ours, tmp_path / "again", work)
    assert again == first
    assert written(tmp_path / "again" / "cells" / "fold-0")["recipe_hash"] == ours.hash
