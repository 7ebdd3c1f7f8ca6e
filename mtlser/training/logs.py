"""What is told of a training while it runs: to a person, and to MLflow."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import parent_process

from mtlser.tracking import Run
from mtlser.training import watch
from mtlser.training.inputs import Training
from mtlser.training.processes import Processes
from mtlser.training.watch import Watcher


@contextmanager
def watched(name: str, team: Processes) -> Iterator[Watcher]:
    """What a person sees of a training: a bar on a terminal, else a line now and then."""
    if not team.main:
        yield watch.unwatched
    elif sys.stderr.isatty() and parent_process() is None:  # bars side by side would mix
        bar = watch.Bar(name)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield watch.Lines(name)


def named(training: Training) -> str:
    """What a training is called."""
    return f"{training.cell.text} alpha {training.alpha:g} beta {training.beta:g}"


@contextmanager
def logged(training: Training, parent: Run) -> Iterator[Run]:
    """The MLflow run of one training, ended as the training ends."""
    log = fold_run(training, parent)
    try:
        with log.system_metrics():
            yield log
    except BaseException as error:
        # A store that is away must not hide what went wrong.
        with suppress(Exception):
            log.close("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    log.close()


def fold_run(training: Training, parent: Run) -> Run:
    """The MLflow run of one training, below the run of its (alpha, beta) pair."""
    if training.cell.fold is None:
        run_of_pair = parent.child("final", "final fit on all data")
        run_of_pair.params({"alpha": training.alpha, "beta": training.beta})
        return run_of_pair
    run_of_pair = pair_run(parent, training.alpha, training.beta)
    return run_of_pair.child(f"f{training.cell.fold}", f"fold {training.cell.fold}")


def pair_run(parent: Run, alpha: float, beta: float) -> Run:
    """The MLflow run of one (alpha, beta) pair, found or made."""
    names = _named(alpha), _named(beta)
    run = parent.child("a{}-b{}".format(*names), "alpha {} beta {}".format(*names))
    run.params({"hp.alpha": alpha, "hp.beta": beta})
    return run


def _named(weight: float) -> str:
    """The weight in six digits where that is all of it, else whole: no two share a run."""
    short = f"{weight:g}"
    return short if float(short) == weight else repr(weight)
