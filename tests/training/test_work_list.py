"""The list of trainings: each is taken once, and what a dead worker had is taken by another."""

import multiprocessing
import os
import signal
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import optuna
import pytest
import sqlalchemy

from mtlser.errors import MtlserError
from mtlser.training.search import database as database_store
from mtlser.training.search import store, strategies, work_list
from mtlser.training.search.cells import SearchCell
from mtlser.training.search.optuna_internals import trial_id
from mtlser.training.search.work_list import WorkList
from tests.training.test_strategies import made, row

CELLS = [SearchCell(fold, alpha / 10, 0.8, 9) for fold in (0, 1) for alpha in range(6)]


def taken_by(
    address: str, path: Path, names: dict[int, str], cells: list[SearchCell]
) -> list[SearchCell]:
    """What one worker of several takes; each first puts all on the list."""
    with closing(store.opened(address, path)) as opened:
        listed = WorkList(opened, names)
        listed.add(cells)
        found: list[SearchCell] = []
        while claim := listed.take(0, CELLS) or listed.take(1, CELLS):
            with listed.working(claim):
                listed.finish(claim, row(claim.cell, 0.5), {1: 0.5})
            found.append(claim.cell)
        return found


def test_each_training_is_taken_by_one_worker(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    path = tmp_path / "study.journal"
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        given = [(address, path, names, CELLS)] * 4
        found = [cell for part in pool.starmap(taken_by, given) for cell in part]
    assert Counter(found) == Counter(CELLS)
    with closing(store.opened(address, path)) as opened:
        assert WorkList(opened, names).rows() == {cell: row(cell, 0.5) for cell in CELLS}


def test_what_two_have_added_at_once_is_taken_once(
    address: str, tmp_path: Path, names: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.journal"
    with closing(store.opened(address, path)) as opened:
        listed = WorkList(opened, names)
        with monkeypatch.context() as patch:
            patch.setattr(listed, "_entries", lambda fold: [])  # neither sees the other's
            listed.add(CELLS)
            listed.add(CELLS)
    assert sorted(taken_by(address, path, names, [])) == CELLS


def takes_one(address: str, path: Path, names: dict[int, str]) -> None:
    """Takes one and is killed at work."""
    listed = WorkList(store.opened(address, path), names)
    claim = listed.take(0, CELLS)
    assert claim is not None
    with listed.working(claim):
        os.kill(os.getpid(), signal.SIGKILL)


def an_hour_passes(address: str) -> None:
    """For the signs of life in a database."""
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        back = "UPDATE trial_heartbeats SET heartbeat = heartbeat - INTERVAL '1 hour'"
        connection.execute(sqlalchemy.text(back))
    engine.dispose()


def test_what_a_killed_worker_had_is_taken_by_another(
    address: str, tmp_path: Path, names: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.journal"
    with closing(store.opened(address, path)) as opened:
        listed = WorkList(opened, names)
        listed.add(CELLS)
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=takes_one, args=(address, path, names))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        listed.add(CELLS)
        left = []
        while claim := listed.take(0, CELLS) or listed.take(1, CELLS):
            left.append(claim.cell)
            listed.finish(claim, row(claim.cell, 0.5), {})
        assert left == CELLS[1:]
        if address:
            listed.give_up_dead()  # too soon after this worker's own start to tell
            assert {each.cell for each in [listed.take(0, CELLS)] if each} == set()
            an_hour_passes(address)
            monkeypatch.setattr(database_store, "GRACE_S", -1)
        listed.give_up_dead()
        listed.add(CELLS)
        again = listed.take(0, CELLS)
        assert again is not None
        assert again.cell == CELLS[0]


def test_a_worker_that_lives_keeps_what_it_has(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    path = tmp_path / "study.journal"
    with (
        closing(store.opened(address, path)) as ours,
        closing(store.opened(address, path)) as other,
    ):
        mine, theirs = WorkList(ours, names), WorkList(other, names)
        mine.add(CELLS[:1])
        claim = mine.take(0, CELLS)
        assert claim is not None
        with mine.working(claim):
            theirs.give_up_dead()
            theirs.add(CELLS[:1])
            assert theirs.take(0, CELLS) is None
            mine.give_up_dead()
            assert theirs.take(0, CELLS) is None
            mine.finish(claim, row(claim.cell, 0.25), {1: 0.125, 2: 0.25})
        assert theirs.rows() == {CELLS[0]: row(CELLS[0], 0.25)}


def test_who_comes_late_to_a_training_takes_nothing_from_who_has_it(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    """It remembers what waited when it last looked."""
    path = tmp_path / "study.journal"
    with (
        closing(store.opened(address, path)) as ours,
        closing(store.opened(address, path)) as other,
    ):
        mine, theirs = WorkList(ours, names), WorkList(other, names)
        mine.add(CELLS[:3])
        first, second = mine.take(0, CELLS), theirs.take(0, CELLS)
        assert first is not None and second is not None
        mine.finish(first, row(first.cell, 0.5), {})
        with theirs.working(second):
            third = mine.take(0, CELLS)  # the second is tried before
            assert third is not None
            mine.finish(third, row(third.cell, 0.5), {})
            mine.give_up_dead()
            mine.add(CELLS[:3])
            assert mine.take(0, CELLS) is None
            theirs.finish(second, row(second.cell, 0.25), {})
        assert [mine.rows()[cell].score for cell in CELLS[:3]] == [0.5, 0.25, 0.5]


def test_what_another_search_wants_is_left_to_it(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        listed.add(CELLS)
        claim = listed.take(0, CELLS[3:4])
        assert claim is not None
        assert claim.cell == CELLS[3]
        assert listed.take(0, CELLS[3:4]) is None


def test_a_claim_that_was_broken_off_half_way_is_given_up(
    tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened("", tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        listed.add(CELLS[:1])
        study = opened.storage.get_study_id_from_name(names[0])
        (trial,) = opened.storage.get_all_trials(study)
        running = optuna.trial.TrialState.RUNNING
        opened.storage.set_trial_state_values(trial_id(trial), running)
        listed.give_up_dead()
        listed.add(CELLS[:1])
        again = listed.take(0, CELLS)
        assert again is not None
        assert again.trial != trial_id(trial)


def test_an_error_gives_a_training_back(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        listed.add(CELLS[:1])
        claim = listed.take(0, CELLS)
        assert claim is not None
        with suppress(ZeroDivisionError), listed.working(claim):
            raise ZeroDivisionError
        assert listed.take(0, CELLS) is None
        listed.add(CELLS[:1])
        again = listed.take(0, CELLS)
        assert again is not None
        assert again.trial != claim.trial


def test_a_training_that_another_has_ended_meanwhile_counts_once(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        listed.add(CELLS[:1])
        claim = listed.take(0, CELLS)
        assert claim is not None
        listed.finish(claim, row(claim.cell, 0.5), {})
        listed.finish(claim, row(claim.cell, 0.75), {})
        assert listed.rows() == {CELLS[0]: row(CELLS[0], 0.5)}


def test_rows_that_came_of_one_training_are_recorded_once(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    rows = {cell: row(cell, 0.5) for cell in CELLS}
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        for _twice in range(2):
            listed.record(rows)
        assert listed.rows() == rows
        assert listed.take(0, CELLS) is None


def test_a_wider_grid_finds_what_a_smaller_one_has_done(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        small, large = made(), made("search.alphas=[0.0, 0.1, 0.5, 1.0, 4.0]")
        first = strategies.wanted(small, [0, 1], {})
        listed.record({cell: row(cell, 0.5) for cell in first})
        wanted = strategies.wanted(large, [0, 1], listed.rows())
        listed.add(wanted)
        found = []
        while claim := listed.take(0, wanted) or listed.take(1, wanted):
            found.append(claim.cell)
        assert {cell.alpha for cell in found} == {4.0}
        assert len(found) == 6


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:///search.db", "not a database that workers can share"),
        ("postgresql+psycopg2://me:secret@127.0.0.1:1/search", "does not answer as it should"),
        ("postgresql+nodriver://me:secret@127.0.0.1:1/search", "does not answer as it should"),
        ("postgresql://me:secret@127.0.0.1:1/search", "no driver"),
        ("postgresql+psycopg2://me:sec{r}et@127.0.0.1:1/search", "does not answer as it should"),
        ("postgresql+psycopg2://me:secret@127.0.0.1:54x/search", "not a database that workers"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_one_sentence(
    address: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(MtlserError, match=said) as raised:
        store.opened(address, tmp_path / "study.journal")
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_tables_of_another_version_are_told_in_one_sentence(database: str, tmp_path: Path) -> None:
    store.opened(database, tmp_path / "study.journal").close()
    engine = sqlalchemy.create_engine(database)
    change = "UPDATE alembic_version SET version_num = {}"
    with engine.begin() as connection:
        was = connection.execute(
            sqlalchemy.text("SELECT version_num FROM alembic_version")
        ).scalar()
        connection.execute(sqlalchemy.text(change.format("'v0.9.0.a'")))
    try:
        with pytest.raises(MtlserError, match="another version of Optuna"):
            store.opened(database, tmp_path / "study.journal")
    finally:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(change.format(f"'{was}'")))
        engine.dispose()


def test_a_list_holds_only_its_own_trials(tmp_path: Path, names: dict[int, str]) -> None:
    """What somebody else puts into the study, by the dashboard, is left aside."""
    with closing(store.opened("", tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        study = opened.storage.get_study_id_from_name(names[0])
        opened.storage.create_new_trial(study)
        assert listed.rows() == {}
        assert listed.take(0, CELLS) is None
        listed.give_up_dead()
    assert work_list.EPOCHS == "epochs"
