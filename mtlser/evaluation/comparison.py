"""The main system against each other system on clean test."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from mtlser.errors import MtlserError
from mtlser.evaluation import paired, statistics
from mtlser.evaluation.paired import Paired
from mtlser.evaluation.score_records import Comparison, SystemScores
from mtlser.records import FoldPlan

T = TypeVar("T")
METRICS: tuple[Literal["wa", "ua"], ...] = ("wa", "ua")


def compare(
    systems: Sequence[SystemScores], plan: FoldPlan
) -> tuple[tuple[Comparison, ...], list[str]]:
    """The first system against each other one, and notes on what could not be tested."""
    notes: list[str] = []
    rows = [
        _compare(systems[0], other, metric, plan, notes)
        for other in systems[1:]
        for metric in METRICS
    ]
    tested = [index for index, row in enumerate(rows) if row.welch is not None]
    p_values = [row.welch.p for row in rows if row.welch is not None]
    for index, adjusted in zip(tested, statistics.holm(p_values), strict=True):
        rows[index] = rows[index].model_copy(update={"p_holm": adjusted})
    return tuple(rows), list(dict.fromkeys(notes))


def _compare(
    main: SystemScores,
    other: SystemScores,
    metric: Literal["wa", "ua"],
    plan: FoldPlan,
    notes: list[str],
) -> Comparison:
    names = (main.system, other.system)
    a, b = main.clean.values(metric), other.clean.values(metric)
    folds = len(plan.folds)
    n_train = sum(len(fold.train) for fold in plan.folds) / folds
    n_test = sum(len(fold.test) for fold in plan.folds) / folds
    welch = None
    tests: tuple[Paired, ...] = ()
    if folds < 2:
        notes.append("One fold only: there is no SD and no test between systems.")
    else:
        label = f"{metric.upper()} of {names[0]} and {names[1]}"
        welch = _tried(lambda: statistics.welch(a, b, names), label, notes)
        tries: list[Callable[[], Paired]] = [
            lambda: paired.corrected_resampled_t(a, b, n_train, n_test, names),
            lambda: paired.paired_t(a, b, names),
            lambda: paired.wilcoxon(a, b, names),
        ]
        found = [_tried(attempt, label, notes) for attempt in tries]
        tests = tuple(test for test in found if test is not None)
    return Comparison(
        metric=metric,
        main=names[0],
        other=names[1],
        welch=welch,
        p_holm=None,
        paired=tests,
    )


def _tried(attempt: Callable[[], T], label: str, notes: list[str]) -> T | None:
    """What the test gives; `None` and a note where it is not defined on these folds."""
    try:
        return attempt()
    except MtlserError as error:
        notes.append(f"{label}: {error}.")
        return None
