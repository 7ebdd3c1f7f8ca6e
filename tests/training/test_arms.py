"""What a study trains: its arms, on every fold, resumed, and never a test set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlser import recipe as recipes
from mtlser import stages
from mtlser.errors import MtlserError
from mtlser.evaluation.study_records import Kind, Study
from mtlser.recipe import Recipe
from mtlser.records import read_json, write_json
from mtlser.training import loop, network
from mtlser.training.search import arms
from tests.helpers.networks import write_encoder
from tests.helpers.trainings import make_inputs, small_recipe

HEADS = (
    "model.trainable=heads", "train.epochs=2", "search.jobs=1", "search.metric=loss",
    "train.optimizer=adamw", "train.precision=fp32",
)  # fmt: skip
GRID = ("search.alphas=[0.0, 1.0]", "search.betas=[0.0, 0.8]")


def pairs_of(arm: arms.Arm) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return arm.recipe.search.alphas, arm.recipe.search.betas


def test_an_ablation_has_one_weight_0_and_the_other_as_in_the_paper() -> None:
    given = recipes.load("demo", ("search.sampler=halving", "search.trainings=3"))
    one, other = arms.arms("ablation", given)
    weights = (0.0, 0.05, 0.1, 0.5, 1.0)
    assert pairs_of(one) == (weights, (0.0,))
    assert pairs_of(other) == ((0.0,), weights)
    assert one.recipe.search.sampler == "grid"
    assert one.recipe.search.trainings is None
    assert one.recipe.search.metric == given.search.metric


def test_seeds_train_the_recipes_own_pair() -> None:
    found = arms.arms("seeds", recipes.load("paper", ("seed=5", "search.alphas=[0.3, 0.4]")), 4)
    assert [arm.recipe.seed for arm in found] == [5, 6, 7, 8]
    assert {pairs_of(arm) for arm in found} == {((0.1,), (0.8,))}


def test_encoders_are_named_shortly_unless_two_share_that() -> None:
    recipe = recipes.load("paper", ("model.revision=main",))
    found = arms.arms("encoders", recipe, encoders=["a/base", "b/large"])
    assert [arm.name for arm in found] == ["base", "large"]
    assert [arm.recipe.model.encoder for arm in found] == ["a/base", "b/large"]
    assert {arm.recipe.model.revision for arm in found} == {None}
    found = arms.arms("encoders", recipe, encoders=["a/base", "b/base"])
    assert [arm.name for arm in found] == ["a/base", "b/base"]


@pytest.mark.parametrize(
    ("kind", "overrides", "given", "said"),
    [
        ("grid", (), {}, r"sampler = 'grid' and 1 pairs; allowed are .* 4 pairs or more"),
        ("grid", (*GRID, "search.sampler=tpe"), {}, "sampler = 'tpe' and 4 pairs"),
        ("seeds", (), {"seeds": 2}, "--seeds 2: expected 3 or more"),
        ("encoders", (), {"encoders": ["a"]}, "1 encoders: expected two or more"),
        ("encoders", (), {"encoders": ["a", "a"]}, "one is there twice"),
        ("encoders", (), {"encoders": ["a", "s3://me:secret@b/c"]}, "may hold no user name"),
    ],
)  # fmt: skip
def test_a_study_of_nothing_is_refused_in_one_sentence(
    kind: Kind, overrides: tuple[str, ...], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(MtlserError, match=said) as raised:
        arms.arms(kind, recipes.load("paper", overrides), **given)
    assert "\n" not in str(raised.value)


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    """A corpus folder and a folds folder."""
    inputs = make_inputs(tmp_path)
    (tmp_path / "folds").mkdir()
    write_json(tmp_path / "folds" / "folds.json", inputs.plan)
    return str(inputs.corpus), str(tmp_path / "folds")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each training."""
    fitted: list[int] = []
    fit = loop.fit

    def counting(*args: Any) -> Any:
        fitted.append(1)
        return fit(*args)

    monkeypatch.setattr(loop, "fit", counting)
    return fitted


def made(
    kind: Kind, places: tuple[str, str], recipe: Recipe, out: Path, **more: Any
) -> tuple[Study, str]:
    """A study, and the estimate before it."""
    told: list[str] = []
    work = str(out.parent / "work")
    stages.study(kind, *places, recipe, str(out), work, tell=told.append, **more)
    (said,) = told
    return read_json(out / "study.json", Study), said


@pytest.mark.parametrize("together", [True, False])
def test_an_ablation_trains_each_pair_once_and_goes_on_from_there(
    places: tuple[str, str], tmp_path: Path, counted: list[int], together: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(arms, "ABLATED", (0.0, 1.0))
    recipe = small_recipe(tmp_path, *(HEADS if together else ("train.epochs=2",)))
    study, said = made("ablation", places, recipe, tmp_path / "one")
    assert "4 trainings" in said
    assert len(counted) == (2 if together else 3)  # alpha 0 with beta 0 is of both
    assert [(t.arm, t.row.alpha, t.row.beta) for t in study.trainings] == [
        ("beta = 0", 0.0, 0.0), ("beta = 0", 1.0, 0.0),
        ("alpha = 0", 0.0, 0.0), ("alpha = 0", 0.0, 1.0),
    ]  # fmt: skip
    assert all(len(training.epochs) == 2 for training in study.trainings)
    drawn = sorted(path.name for path in (tmp_path / "one" / "figures").iterdir())
    assert drawn == ["figure-10.png", "figure-7.png", "figure-8.png", "figure-9.png"]
    counted.clear()
    again, said = made("ablation", places, recipe, tmp_path / "two")
    assert "0 of them to do" in said
    assert counted == []
    assert again == study
    assert not list(tmp_path.rglob("predictions.jsonl"))


def test_seeds_grid_and_encoders_reach_what_they_are_asked_for(
    places: tuple[str, str], tmp_path: Path
) -> None:
    recipe = small_recipe(tmp_path, *HEADS)
    study, said = made("seeds", places, recipe, tmp_path / "seeds", seeds=3)
    assert "3 trainings, 3 of them to do: at most 6 epochs" in said
    assert [training.seed for training in study.trainings] == [0, 1, 2]
    assert len({training.row.loss for training in study.trainings}) == 3
    study, _ = made("grid", places, small_recipe(tmp_path, *HEADS, *GRID), tmp_path / "grid")
    assert study.search is not None
    assert len(study.trainings) == len(study.search.rows) == 4
    other = write_encoder(tmp_path / "encoder-other", norm="group")
    places_of = {"encoders": [recipe.model.encoder, str(other)]}
    study, _ = made("encoders", places, recipe, tmp_path / "encoders", **places_of)
    assert [training.arm for training in study.trainings] == ["encoder-layer", "encoder-other"]
    for name in ("seeds", "grid", "encoders"):
        assert (tmp_path / name / "study.html").is_file()
        assert list((tmp_path / name / "figures").glob("*.png"))


def test_nothing_is_trained_where_the_estimate_cannot_be_given(
    places: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(network, "fit_network", never)
    recipe = small_recipe(tmp_path, *HEADS)
    with pytest.raises(MtlserError, match="not a database"):
        made("seeds", places, recipe, tmp_path / "out", store="sqlite:///x.db")
    tell: Callable[[str], object] = never
    with pytest.raises(AssertionError):
        stages.study("seeds", *places, recipe, str(tmp_path / "out"), tell=tell)
    assert not (tmp_path / "out").exists()
