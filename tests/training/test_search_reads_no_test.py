"""A search reads no label of its fold's test set: wrong or unreadable ones change nothing."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mtlser.data import alphabets, manifest
from mtlser.evaluation.choices import SearchResult
from mtlser.recipe import Recipe
from mtlser.records import FOUR, FoldPlan, Utterance
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import network
from mtlser.training.inputs import Inputs
from mtlser.training.search import search
from tests.helpers.trainings import make_inputs, small_recipe

LABELS = {"emotion", "label", "text", "speaker", "gender", "style", "ratings"}
SAMPLERS = {
    "grid": ("search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]"),
    "tpe": ("search.alphas=[0.0, 1.0]", "search.betas=[0.0, 0.8]", "search.trials=3"),
    "halving": ("search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]", "search.eta=2"),
}


class Sealed(Utterance):
    """An utterance whose labels nobody may read."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        assert name not in LABELS, f"{name} of a test utterance was read"
        return super().__getattribute__(name)


def recipe_of(folder: Path, sampler: str, *more: str) -> Recipe:
    given = (f"search.sampler={sampler}", *SAMPLERS[sampler], "search.metric=joint", *more)
    return small_recipe(folder, *given)


def searched(inputs: Inputs, recipe: Recipe, folder: Path) -> SearchResult:
    """What a search chose; all that it wrote is below the folder."""
    (folder / "chosen").mkdir(parents=True)
    work = WorkFolder(folder / "work")
    return search.search(inputs, recipe, folder / "chosen", work, NullRun())


def with_utterances(inputs: Inputs, utterances: Sequence[Utterance]) -> Inputs:
    """The same folds of a manifest with other labels."""
    plan = inputs.plan.model_copy(update={"manifest_digest": manifest.digest(utterances)})
    return replace(inputs, utterances=utterances, plan=plan)


def poisoned(utterance: Utterance) -> Utterance:
    """With each label another one than it is."""
    other = FOUR[(FOUR.index(utterance.emotion) + 1) % len(FOUR)]
    return utterance.model_copy(update={"emotion": other, "text": "QUITE ANOTHER WORD"})


def changed(inputs: Inputs, ids: Collection[str]) -> Inputs:
    """With poisoned labels for some."""
    each = [poisoned(u) if u.id in ids else u for u in inputs.utterances]
    return with_utterances(inputs, each)


def sealed(inputs: Inputs, ids: Collection[str], monkeypatch: pytest.MonkeyPatch) -> Inputs:
    """With unreadable labels for some.

    Reads are left out that choose nothing: the check of the folds before a search compares
    speakers, lest any are shared; the classes and the alphabet are those of the whole corpus.
    """
    names = [field.name for field in fields(Utterance)]
    each = [
        Sealed(**{name: getattr(u, name) for name in names}) if u.id in ids else u
        for u in inputs.utterances
    ]
    monkeypatch.setattr(Inputs, "check", lambda self, recipe: None)
    monkeypatch.setattr(network, "classes_of", lambda labels, utterances: FOUR)
    spelt = alphabets.of(u.text for u in inputs.utterances)
    monkeypatch.setattr(alphabets, "of", lambda texts: spelt)
    return replace(inputs, utterances=each)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return make_inputs(tmp_path)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_wrong_labels_of_test_give_the_same_search_training_by_training(
    inputs: Inputs, tmp_path: Path, sampler: str
) -> None:
    recipe = recipe_of(tmp_path, sampler)
    honest = searched(inputs, recipe, tmp_path / "honest")
    wrong = changed(inputs, inputs.plan.folds[0].test)
    assert wrong.plan.manifest_digest != inputs.plan.manifest_digest
    found = searched(wrong, recipe, tmp_path / "wrong")
    assert len(found.rows) >= 3
    assert found == honest
    assert not list(tmp_path.rglob("predictions.jsonl"))


@pytest.mark.parametrize("rule", ["best", "one_se"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_labels_of_test_that_nobody_can_read_do_not_matter(
    inputs: Inputs, tmp_path: Path, sampler: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(tmp_path, sampler, f"search.choose={rule}", "train.epochs=1")
    hidden = sealed(inputs, inputs.plan.folds[0].test, monkeypatch)
    assert len(searched(hidden, recipe, tmp_path / "hidden").choices) == 1


def test_labels_of_validation_that_nobody_can_read_are_noticed(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seal of the test above holds."""
    recipe = recipe_of(tmp_path, "grid", "train.epochs=1")
    hidden = sealed(inputs, inputs.plan.folds[0].validation, monkeypatch)
    with pytest.raises(AssertionError, match="of a test utterance was read"):
        searched(hidden, recipe, tmp_path / "hidden")


def two_folds(plan: FoldPlan) -> FoldPlan:
    """A second fold that tests what the first validates on, and the other way round."""
    first = plan.folds[0]
    other = {"index": 1, "name": "other", "test": first.validation, "validation": first.test}
    return plan.model_copy(update={"folds": (first, first.model_copy(update=other))})


def test_by_fold_nothing_that_another_fold_validates_on_changes_a_choice(
    inputs: Inputs, tmp_path: Path
) -> None:
    """The first fold's test labels are the second's validation: only the second's rows change."""
    recipe = recipe_of(tmp_path, "tpe", "search.scope=fold")
    both = replace(inputs, plan=two_folds(inputs.plan))
    honest = searched(both, recipe, tmp_path / "honest")
    found = searched(changed(both, both.plan.folds[0].test), recipe, tmp_path / "wrong")
    rows = [[row for row in each.rows if row.fold == 0] for each in (honest, found)]
    assert rows[0] == rows[1]
    assert honest.choices[0] == found.choices[0]
    others = [[row for row in each.rows if row.fold == 1] for each in (honest, found)]
    assert others[0] != others[1]
