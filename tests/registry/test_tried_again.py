"""A registration or promotion that is tried again: nothing is doubled, no alias moves twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser.registry import champions
from mtlser.registry.versions import Registered
from tests.helpers.retraining import (
    CHALLENGER,
    CHAMPION,
    NAME,
    Measured,
    champion,
    measured,
    plan,
    promoted,
    registered,
    tags,
)

pytestmark = pytest.mark.usefixtures("mlflow_store")


def test_a_registration_that_is_tried_again_changes_nothing(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    first = registered(final, high, CHALLENGER, "two", tmp_path)
    again = registered(final, high, CHALLENGER, "two", tmp_path)
    assert again == first.model_copy(update={"champion_before": 2})
    assert champions.history(MlflowClient(), NAME) == [1, 2]
    assert len(MlflowClient().search_model_versions(f"name = '{NAME}'")) == 2


def test_a_step_that_is_tried_again_changes_nothing(
    final: Path, low: Measured, high: Measured, tmp_path: Path
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    first = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    again = promoted(final, high, low, CHALLENGER, "two", tmp_path)
    assert (again.version, again.champion_now, again.reason) == (2, 2, first.reason)
    assert again.gate == first.gate
    assert champions.history(MlflowClient(), NAME) == [1, 2]
    assert len(MlflowClient().search_model_versions(f"name = '{NAME}'")) == 2


def registers(final: Path, low: Measured, high: Measured, folder: Path) -> Registered:
    return registered(final, high, CHALLENGER, "two", folder)


def promotes(final: Path, low: Measured, high: Measured, folder: Path) -> Registered:
    return promoted(final, high, low, CHALLENGER, "two", folder)


@pytest.mark.parametrize("step", [registers, promotes])
def test_a_step_that_is_tried_again_after_a_roll_back_does_not_undo_it(
    final: Path, low: Measured, high: Measured, tmp_path: Path, step: Callable[..., Registered]
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    first = step(final, low, high, tmp_path)
    assert champion() == 2
    champions.rollback(MlflowClient(), NAME, reason="WER doubled")
    again = step(final, low, high, tmp_path)
    assert (again.version, again.champion_before, again.champion_now, champion()) == (2, 1, 1, 1)
    assert "version 2 has been champion and is no longer" in again.reason
    assert "WER doubled" in again.reason
    assert again.gate == first.gate
    assert tags(2)["mtlser.reason"] == first.reason
    assert champions.history(MlflowClient(), NAME) == [1]


def test_a_step_that_is_tried_again_after_a_later_one_takes_no_alias_back(
    final: Path, low: Measured, tmp_path: Path
) -> None:
    """Equal scores are not worse, so a new weighing would let the earlier one pass."""
    registered(final, low, CHAMPION, "one", tmp_path)
    registered(final, measured(CHALLENGER, 0.55, plan()), CHALLENGER, "two", tmp_path)
    again = registered(final, low, CHAMPION, "one", tmp_path)
    assert (again.version, again.champion_now) == (1, 2)
    aliases = MlflowClient().get_registered_model(NAME).aliases
    assert {key: int(number) for key, number in aliases.items()} == {"champion": 2, "challenger": 2}
    assert champions.history(MlflowClient(), NAME) == [1, 2]


def test_a_step_that_was_killed_before_the_alias_moved_is_ended_by_the_next_try(
    final: Path, low: Measured, high: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(final, low, CHAMPION, "one", tmp_path)
    with monkeypatch.context() as broken:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(champions, "crown", killed)
        with pytest.raises(KeyboardInterrupt):
            registered(final, high, CHALLENGER, "two", tmp_path)
    assert champion() == 1
    assert "mtlser.reason" in tags(2)
    outcome = registered(final, high, CHALLENGER, "two", tmp_path)
    assert (outcome.version, outcome.champion_now, champion()) == (2, 2, 2)
