"""A training that always fails ends its search in one sentence; a lost worker does not count."""

from collections import Counter
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mtlser.errors import MtlserError, NoSpaceError
from mtlser.evaluation.choices import SearchRow
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import network
from mtlser.training.inputs import Inputs, Training
from mtlser.training.search import search, store
from mtlser.training.search.cells import SearchCell
from mtlser.training.search.search import Workers
from mtlser.training.search.work_list import MOST_FAILURES, WorkList
from mtlser.training.search.worker import SearchTask, work_off
from tests.helpers.trainings import make_inputs, small_recipe
from tests.training.test_strategies import row

BAD, GOOD = SearchCell(0, 0.1, 0.8, 9), SearchCell(0, 0.5, 0.8, 9)


def tried(listed: WorkList, error: BaseException) -> None:
    """A worker takes the bad one, and ends by an error."""
    listed.add([BAD])
    claim = listed.take(0, [BAD])
    assert claim is not None
    with listed.working(claim):
        raise error


def test_a_training_that_always_fails_is_named_with_its_error(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with (
        closing(store.opened(address, tmp_path / "study.journal")) as ours,
        closing(store.opened(address, tmp_path / "study.journal")) as other,
    ):
        mine, theirs = WorkList(ours, names), WorkList(other, names)
        error = RuntimeError("no kernel\nat postgresql://me:secret@host/search")
        for listed in [mine, theirs, mine][: MOST_FAILURES - 1]:
            with pytest.raises(RuntimeError, match="no kernel"):
                tried(listed, error)
        said = r"fold 0, alpha 0\.1, beta 0\.8 failed 3 times, .*'RuntimeError: no kernel'; .* run"
        with pytest.raises(MtlserError, match=said) as raised:
            tried(theirs, error)
        assert raised.value.__cause__ is error
        with pytest.raises(MtlserError, match=said) as raised:
            mine.add([GOOD, BAD])
        assert "\n" not in str(raised.value)
        mine.add([GOOD])  # another search, which does not want the bad one
        assert mine.take(0, [GOOD, BAD]) is not None


def test_a_search_that_begins_anew_tries_a_failed_training_again(
    address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        for _each in range(MOST_FAILURES):
            with pytest.raises((ZeroDivisionError, MtlserError)):
                tried(WorkList(opened, names), ZeroDivisionError())
        forgiven = WorkList(opened, names).failed()
        assert len(forgiven) == MOST_FAILURES
        again = WorkList(opened, names, forgiven)
        again.add([BAD])
        claim = again.take(0, [BAD])
        assert claim is not None
        with again.working(claim):
            again.finish(claim, row(BAD, 0.5), {})
        assert again.rows() == {BAD: row(BAD, 0.5)}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), NoSpaceError("full")])
def test_a_worker_that_is_stopped_or_has_no_room_is_no_failure_of_its_training(
    error: BaseException, address: str, tmp_path: Path, names: dict[int, str]
) -> None:
    with closing(store.opened(address, tmp_path / "study.journal")) as opened:
        listed = WorkList(opened, names)
        for _each in range(2 * MOST_FAILURES):
            with pytest.raises(type(error)):
                tried(listed, error)
        assert listed.failed() == frozenset()
        listed.add([BAD])
        assert listed.take(0, [BAD]) is not None


def test_all_other_trainings_are_done_before_a_search_ends_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = make_inputs(tmp_path)
    grid = ("search.alphas=[0.1, 0.3, 0.5]", "search.betas=[0.8]", "train.epochs=1")
    recipe, work = small_recipe(tmp_path, *grid), WorkFolder(tmp_path / "work")
    fit, begun = network.fit_network, Counter[float]()

    def faulty(training: Training, *given: Any) -> Any:
        begun[training.alpha] += 1
        if training.alpha == 0.3:
            raise ZeroDivisionError("of one pair")
        return fit(training, *given)

    with monkeypatch.context() as patch:
        patch.setattr(network, "fit_network", faulty)
        task = search.begun(inputs, recipe, work, NullRun(), Workers())
        assert task is not None
        for kind in [ZeroDivisionError, ZeroDivisionError, MtlserError, MtlserError, MtlserError]:
            with pytest.raises(kind, match="of one pair"):
                work_off(task)
    assert begun == {0.1: 1, 0.3: MOST_FAILURES, 0.5: 1}
    (tmp_path / "chosen").mkdir()
    result = search.search(inputs, recipe, tmp_path / "chosen", work, NullRun())
    assert [each.alpha for each in result.rows] == [0.1, 0.3, 0.5]


def ended(outcome: list[SearchRow] | Exception) -> Future[list[SearchRow]]:
    """A worker's end."""
    future: Future[list[SearchRow]] = Future()
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return future


def test_workers_side_by_side_tell_the_sentence_and_make_good_for_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inputs: Inputs = make_inputs(tmp_path)
    task = SearchTask(inputs, small_recipe(tmp_path), WorkFolder(tmp_path / "work"), "")
    failed, told, rows = ZeroDivisionError(), MtlserError("a sentence"), [row(GOOD, 0.5)]
    with pytest.raises(MtlserError, match="a sentence"):
        search.outcome([ended(failed), ended(told)], task)
    with pytest.raises(ZeroDivisionError):
        search.outcome([ended(failed), ended(failed)], task)
    assert search.outcome([ended(failed), ended(rows)], task) == rows
    assert "ZeroDivisionError" in caplog.text
