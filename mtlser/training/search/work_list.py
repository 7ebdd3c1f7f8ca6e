"""The list of a search's trainings: who takes which, what has ended, what a dead worker left.

A training is a trial of Optuna's, in a study of its fold, so that Optuna's own dashboard shows the
search. Whoever finds that a training is wanted may add it; where two did, the first entry counts.
A training that fails is left to the others, and after `MOST_FAILURES` of them the search ends.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mtlser.errors import MtlserError, NoSpaceError, public_text
from mtlser.evaluation.choices import SearchRow
from mtlser.training.search.cells import SearchCell
from mtlser.training.search.optuna_internals import trial_id
from mtlser.training.search.store import Store

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

EPOCHS, ROW, WORKER, ERROR = "epochs", "row", "worker", "error"
"""Attributes of a trial."""
MOST_FAILURES = 3
"""Times that a training may fail by an error of its own before its search ends."""
LONGEST = 300
"""Characters of an error that are kept."""


@dataclass(frozen=True)
class Claim:
    """A training that this worker has taken."""

    cell: SearchCell
    trial: int


class WorkList:
    """The trainings of one search."""

    def __init__(
        self, store: Store, studies: Mapping[int, str], forgiven: Collection[int] = ()
    ) -> None:
        """Makes the studies unless they are there.

        Args:
            store: where they are kept.
            studies: their names, by fold.
            forgiven: trials whose failure does not count, see `failed`.
        """
        self._forgiven = frozenset(forgiven)
        self._store, self._names = store, dict(studies)
        self._mine: set[int] = set()
        """Trials that this worker has taken, of which a lost answer may not have told it."""
        self._working: int | None = None
        self._waiting: dict[int, deque[tuple[SearchCell, int]]] = {}
        self._ids = store.again(lambda: {fold: self._made(name) for fold, name in studies.items()})

    def _made(self, name: str) -> int:
        import optuna

        with suppress(KeyError):  # looked for first: a journal notes even a refused wish for one
            return self._store.storage.get_study_id_from_name(name)
        with suppress(optuna.exceptions.DuplicatedStudyError):
            maximize = optuna.study.StudyDirection.MAXIMIZE
            return self._store.storage.create_new_study([maximize], name)
        return self._store.storage.get_study_id_from_name(name)

    def rows(self, folds: Iterable[int] = ()) -> dict[SearchCell, SearchRow]:
        """What has ended, of these folds or of all."""
        found: dict[SearchCell, SearchRow] = {}
        for fold in folds or self._ids:
            for cell, trial in self._entries(fold):
                if trial.state.name == "COMPLETE":
                    row = SearchRow.model_validate_json(trial.user_attrs[ROW])
                    found.setdefault(cell, row)
        return found

    def add(self, cells: Iterable[SearchCell]) -> None:
        """Puts trainings on the list, but for those that are there, in order.

        Raises:
            MtlserError: one of them has failed `MOST_FAILURES` times.
        """
        wanted = list(cells)
        folds = sorted({cell.fold for cell in wanted})
        trials = [each for fold in folds for each in self._trials(fold)]
        for cell, failures in self._failures(trials).items():
            if cell in wanted and len(failures) >= MOST_FAILURES:
                raise MtlserError(_hopeless(cell, failures))
        known = {cell for cell, trial in trials if trial.state.name != "FAIL"}
        for cell in wanted:
            if cell not in known:
                self._add(cell, None)

    def record(self, rows: Mapping[SearchCell, SearchRow]) -> None:
        """Puts trainings on the list that have ended, but for those that have there."""
        known = self.rows({cell.fold for cell in rows})
        for cell, row in rows.items():
            if cell not in known:
                self._add(cell, row)

    def take(self, fold: int, wanted: Collection[SearchCell]) -> Claim | None:
        """The next training of a fold that nobody has; none: all are taken.

        Args:
            fold: of the plan.
            wanted: those that this search wants; another one's may be on the list too.
        """
        return self._store.again(partial(self._taken, fold, wanted))

    def _taken(self, fold: int, wanted: Collection[SearchCell]) -> Claim | None:
        waiting = self._waiting.setdefault(fold, deque())
        if not waiting:  # what was seen last time is worked off first: reading it all takes a while
            waiting += self._first_waiting(fold)
        while waiting:
            cell, number = waiting.popleft()
            with suppress(RuntimeError):  # it has ended meanwhile, by another worker
                if cell in wanted and self._claimed(number):
                    return Claim(cell, number)
        return None

    def _first_waiting(self, fold: int) -> Iterator[tuple[SearchCell, int]]:
        """Those that wait; of a training that two workers had added, the later entry is ended."""
        seen: set[SearchCell] = set()
        for cell, trial in self._entries(fold):
            if trial.state.name == "WAITING" and cell in seen:
                with suppress(RuntimeError):
                    self._end(trial_id(trial), "FAIL")
            elif trial.state.name == "WAITING":
                yield cell, trial_id(trial)
            seen.add(cell)

    def _claimed(self, trial: int) -> bool:
        import optuna

        with self._store.claiming(trial):
            running = optuna.trial.TrialState.RUNNING
            if not self._store.storage.set_trial_state_values(trial, running):
                return False
            self._mine.add(trial)
            self._store.storage.set_trial_user_attr(trial, WORKER, self._store.worker)
        self._working = trial
        return True

    @contextmanager
    def working(self, claim: Claim) -> Iterator[None]:
        """The block that does what was taken; an error gives it back to the others.

        Raises:
            MtlserError: it failed, for the `MOST_FAILURES`th time.
        """
        try:
            with self._store.working(claim.trial):
                yield
        except BaseException as error:
            said = None
            with suppress(Exception):
                said = self._failed(claim, error)
            if said is not None:
                raise MtlserError(said) from error
            raise
        finally:
            self._working = None

    def _failed(self, claim: Claim, error: BaseException) -> str | None:
        """Ends a trial by an error; what is to be said where that was one time too many.

        A worker that is told to stop, or has no room left on its disk, does not speak of the
        training.
        """
        counts = isinstance(error, Exception) and not isinstance(error, NoSpaceError)
        if counts:
            self._store.storage.set_trial_user_attr(claim.trial, ERROR, _first_line(error))
        self._end(claim.trial, "FAIL")
        failures = self._failures(self._trials(claim.cell.fold)).get(claim.cell, [])
        enough = counts and len(failures) >= MOST_FAILURES
        return _hopeless(claim.cell, failures) if enough else None

    def failed(self) -> frozenset[int]:
        """The trials that ended by an error, which a search that begins now is to forgive."""
        everything = [each for fold in self._ids for each in self._trials(fold)]
        return frozenset(
            trial_id(trial)
            for failures in self._failures(everything).values()
            for trial in failures
        )

    def _failures(
        self, trials: "Iterable[tuple[SearchCell, FrozenTrial]]"
    ) -> "dict[SearchCell, list[FrozenTrial]]":
        """Those that ended by an error which is not forgiven, by training, the last one last."""
        found: dict[SearchCell, list[FrozenTrial]] = {}
        for cell, trial in trials:
            if ERROR in trial.user_attrs and trial_id(trial) not in self._forgiven:
                found.setdefault(cell, []).append(trial)
        return found

    def finish(self, claim: Claim, row: SearchRow, curve: Mapping[int, float]) -> None:
        """Keeps what a training reached.

        Args:
            claim: what was taken.
            row: its figures.
            curve: the selection score of each epoch, counted from 1.
        """
        self._store.again(lambda: self._finish(claim, row, curve))

    def _finish(self, claim: Claim, row: SearchRow, curve: Mapping[int, float]) -> None:
        storage = self._store.storage
        with suppress(RuntimeError):  # it had been given up and has ended by another worker
            storage.set_trial_user_attr(claim.trial, ROW, row.model_dump_json())
            for epoch, score in curve.items():
                storage.set_trial_intermediate_value(claim.trial, epoch, score)
            self._end(claim.trial, "COMPLETE", row.score)

    def _end(self, trial: int, state: str, value: float | None = None) -> None:
        import optuna

        values = None if value is None else [value]
        self._store.storage.set_trial_state_values(trial, optuna.trial.TrialState[state], values)

    def give_up_dead(self) -> None:
        """Puts an end to the trials of workers that are gone; `add` puts them on the list again."""
        self._store.again(self._give_up_dead)

    def _give_up_dead(self) -> None:
        for fold, name in self._names.items():
            with self._store.looking():
                self._store.end_stale(name)
                running = [t for _, t in self._entries(fold) if t.state.name == "RUNNING"]
            for trial in running:
                number = trial_id(trial)
                lost = number in self._mine or self._store.is_dead(trial.user_attrs.get(WORKER))
                if lost and number != self._working:
                    with suppress(RuntimeError):
                        self._end(number, "FAIL")

    def _entries(self, fold: int) -> list[tuple[SearchCell, "FrozenTrial"]]:
        """The trials of a fold that count, in their order."""
        return [each for each in self._trials(fold) if each[1].state.name != "FAIL"]

    def _trials(self, fold: int) -> list[tuple[SearchCell, "FrozenTrial"]]:
        """The list's trials of a fold, in their order."""

        def read() -> "list[FrozenTrial]":
            return self._store.storage.get_all_trials(self._ids[fold], deepcopy=False)

        trials = sorted(self._store.again(read), key=lambda trial: trial.number)
        return [
            (SearchCell(fold, t.params["alpha"], t.params["beta"], t.user_attrs[EPOCHS]), t)
            for t in trials
            if EPOCHS in t.user_attrs
        ]

    def _add(self, cell: SearchCell, row: SearchRow | None) -> None:
        import optuna

        # Of any width: the next grid may be wider.
        axis = optuna.distributions.FloatDistribution(0.0, 1e300)
        ended = {} if row is None else {ROW: row.model_dump_json()}
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState["WAITING" if row is None else "COMPLETE"],
            value=None if row is None else row.score,
            params={"alpha": cell.alpha, "beta": cell.beta},
            distributions={"alpha": axis, "beta": axis},
            user_attrs={EPOCHS: cell.epochs, **ended},
        )
        self._store.again(lambda: self._store.storage.create_new_trial(self._ids[cell.fold], trial))


def _first_line(error: BaseException) -> str:
    """What an error says, in one line, without an address' password."""
    lines = (line.strip() for line in str(error).splitlines())
    said = next((line for line in lines if line), "")
    named = said if isinstance(error, MtlserError) else f"{type(error).__name__}: {said}"
    return public_text(named)[:LONGEST]


def _hopeless(cell: SearchCell, failures: "Sequence[FrozenTrial]") -> str:
    """What is said of a training that always fails."""
    return (
        f"fold {cell.fold}, alpha {cell.alpha:g}, beta {cell.beta:g} failed {len(failures)} times, "
        f"at last with {failures[-1].user_attrs[ERROR]!r}; see the logs of the workers, and when "
        "its cause is gone run the same again: it is tried anew, and what has ended is kept"
    )
