"""Many workers of one search on a real PostgreSQL, which may be killed, as may a worker."""

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mtlser.training.search import database as database_store
from mtlser.training.search import store
from mtlser.training.search.cells import SearchCell
from mtlser.training.search.work_list import WorkList
from tests.helpers.servers import Postgres, postgres, until
from tests.training.test_strategies import row
from tests.training.test_work_list import an_hour_passes

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1200)]

TENTHS = [i / 10 for i in range(11)]
CELLS = [SearchCell(fold, a, b, 9) for fold in range(10) for a in TENTHS for b in TENTHS]
"""The paper's grid on ten folds."""
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def worker(
    address: str, kind: str, first: int, folder: Path, cells: list[SearchCell], each_s: float
) -> None:
    """Takes made-up trainings and writes down which."""
    names = {fold: f"{kind} {fold}" for fold in range(10)}
    folds = sorted(names, key=lambda fold: (fold < first, fold))
    with closing(store.opened(address, folder)) as opened, (folder / f"{first}").open("a") as done:
        listed = WorkList(opened, names)
        for fold in folds:
            listed.add(cell for cell in cells if cell.fold == fold)
            while claim := listed.take(fold, CELLS):
                with listed.working(claim):
                    time.sleep(each_s)  # the training
                    listed.finish(claim, row(claim.cell, 0.5), {1: 0.25, 2: 0.5})
                done.write(f"{claim.cell}\n")
                done.flush()


def work(
    address: str, kind: str, count: int, folder: Path, cells: list[SearchCell], each_s: float
) -> "list[multiprocessing.context.SpawnProcess]":
    """So many workers, begun."""
    places = range(count)
    found = [
        SPAWN.Process(target=worker, args=(address, kind, place, folder, cells, each_s))
        for place in places
    ]
    for process in found:
        process.start()
    return found


def done(folder: Path) -> Counter[str]:
    return Counter(line for path in folder.iterdir() for line in path.read_text().splitlines())


def test_eight_workers_do_each_training_once(database: Postgres, tmp_path: Path) -> None:
    cells = CELLS[::5]
    processes = work(database.uri, "whole", 8, tmp_path, cells, 0.0)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert done(tmp_path) == Counter(map(str, cells))


def test_a_killed_worker_and_a_killed_database_lose_nothing(
    database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = CELLS[::10]
    processes = work(database.uri, "killed", 4, tmp_path, cells, 0.2)
    until(lambda: done(tmp_path).total() >= 12, "some trainings have ended")
    killed = processes[0]
    assert killed.pid is not None
    os.kill(killed.pid, signal.SIGKILL)
    database.crash()
    time.sleep(3)  # the outage
    database.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [-signal.SIGKILL, 0, 0, 0]
    an_hour_passes(database.uri)
    names = {fold: f"killed {fold}" for fold in range(10)}
    with closing(store.opened(database.uri, tmp_path)) as opened:
        listed = WorkList(opened, names)
        with monkeypatch.context() as patch:
            patch.setattr(database_store, "GRACE_S", -1)  # the outage was longer ago than that
            listed.give_up_dead()
    worker(database.uri, "killed", 9, tmp_path, cells, 0.0)
    with closing(store.opened(database.uri, tmp_path)) as opened:
        assert WorkList(opened, names).rows().keys() == set(cells)
    counts = done(tmp_path)
    assert counts.keys() >= set(map(str, cells)) - {str(cells[0])}
    assert counts.total() - len(counts) <= len(processes)  # what was under way at the outage
