"""Optuna's journal with a torn end: cut back to what is whole, and no finished trial is lost."""

import logging
from pathlib import Path

import optuna
import pytest

from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import network
from mtlser.training.search import journal, search
from tests.helpers.damage import TRIED, damage
from tests.helpers.trainings import make_inputs, small_recipe

Trial = tuple[int, dict[str, float], float | None, object]


def trials(path: Path) -> list[Trial]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name="fold", storage=journal.storage(path), load_if_exists=True
    )
    return [
        (each.number, each.params, each.value, each.user_attrs.get("row"))
        for each in study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    ]


def searched(path: Path, count: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(
        study_name="fold", storage=journal.storage(path), sampler=sampler, load_if_exists=True
    )

    def objective(trial: optuna.Trial) -> float:
        value = trial.suggest_float("alpha", 0, 1)
        trial.set_user_attr("row", f"{value}")
        return value

    study.optimize(objective, n_trials=count)


def test_a_damaged_journal_goes_back_to_its_last_whole_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = tmp_path / "whole.journal"
    searched(whole, 4)
    known = trials(whole)
    content = whole.read_bytes()
    assert len(known) == 4
    for seed in range(TRIED):
        path = tmp_path / str(seed) / "study.journal"
        path.parent.mkdir()
        path.write_bytes(content)
        kind = damage(path, seed)
        damaged = path.read_bytes()
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="mtlser"):
            found = trials(path)
        assert found == known[: len(found)], (seed, kind)
        left = path.read_bytes()
        parts = journal.dropped(path)
        assert len(parts) == len([r for r in caplog.records if r.name.startswith("mtlser")])
        good = journal.whole_lines(damaged)
        assert left.startswith(good)
        assert b"".join(part.read_bytes() for part in parts) == damaged[len(good) :]
        if seed % 40 == 0:
            searched(path, 1)
            assert trials(path)[: len(found)] == found
            assert len(trials(path)) == len(found) + 1


@pytest.mark.parametrize("sampler", ["grid", "tpe"])
@pytest.mark.parametrize("lost", ["40 bytes", "all"])
def test_a_search_with_a_torn_journal_trains_nothing_twice(
    tmp_path: Path, sampler: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = make_inputs(tmp_path)
    grid = ("search.alphas=[0.1, 0.5]", "search.betas=[0.8]", "search.jobs=1", "train.epochs=1")
    more = ("search.sampler=tpe", "search.trials=2") if sampler == "tpe" else ()
    recipe = small_recipe(tmp_path, *grid, *more)
    work = WorkFolder(tmp_path / "work")
    (tmp_path / "first").mkdir()
    first = search.search(inputs, recipe, tmp_path / "first", work, NullRun())
    (path,) = work.folder.glob("study-*.journal")
    content = path.read_bytes()
    path.write_bytes(content[:-40] if lost == "40 bytes" else bytes(len(content)))

    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(network, "fit_network", fail)
    (tmp_path / "again").mkdir()
    again = search.search(inputs, recipe, tmp_path / "again", work, NullRun())
    assert sorted(row.model_dump_json() for row in again.rows) == sorted(
        row.model_dump_json() for row in first.rows
    )
    assert again.choices == first.choices
    assert len(journal.dropped(path)) == 1


def test_a_link_that_a_killed_search_left_stops_nobody(tmp_path: Path) -> None:
    """Optuna's own lock was one, and dangled below a relative folder."""
    path = tmp_path / "study.journal"
    (tmp_path / "study.journal.lock").symlink_to("work/study.journal")
    searched(path, 1)
    assert len(trials(path)) == 1
