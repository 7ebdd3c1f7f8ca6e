"""The main system against each other system on clean test."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.score_records import Comparison, SystemScores
from mtlser.evaluation.significance import bootstrap, mcnemar, paired, statistics
from mtlser.evaluation.significance.bootstrap import Interval
from mtlser.evaluation.significance.mcnemar import McNemar
from mtlser.evaluation.significance.paired import Paired
from mtlser.evaluation.significance.trust import trust
from mtlser.records import CLEAN, FoldPlan

T = TypeVar("T")
METRICS: tuple[Literal["wa", "ua"], ...] = ("wa", "ua")


def compare(
    systems: Sequence[SystemScores], told: Columns, plan: FoldPlan
) -> tuple[tuple[Comparison, ...], list[str]]:
    """The first system against each other one, and notes on what could not be tested."""
    notes: list[str] = []
    rows = [
        _compare(systems[0], other, metric, told, plan, notes)
        for other in systems[1:]
        for metric in METRICS
    ]
    tested = [index for index, row in enumerate(rows) if row.welch is not None]
    p_values = [row.welch.p for row in rows if row.welch is not None]
    for index, adjusted in zip(tested, statistics.holm(p_values), strict=True):
        rows[index] = rows[index].model_copy(update={"p_holm": adjusted})
    judged = [
        row.model_copy(update={"trust": trust(row, plan, comparisons=len(tested))}) for row in rows
    ]
    return tuple(judged), list(dict.fromkeys(notes))


def intervals(told: Columns, system: str) -> dict[str, Interval]:
    """The bootstrap intervals of a system's pooled WA and UA; empty for one test speaker."""
    _, counts_scc = told.confusion_by_speaker(told.blocks[system, "test", CLEAN])
    if len(counts_scc) < 2:
        return {}
    return {metric: bootstrap.over_speakers(counts_scc, metric, told.seed) for metric in METRICS}


def _compare(
    main: SystemScores,
    other: SystemScores,
    metric: Literal["wa", "ua"],
    told: Columns,
    plan: FoldPlan,
    notes: list[str],
) -> Comparison:
    names = (main.system, other.system)
    a, b = main.clean.values(metric), other.clean.values(metric)
    folds = len(plan.folds)
    n_train = sum(len(fold.train) for fold in plan.folds) / folds
    n_test = sum(len(fold.test) for fold in plan.folds) / folds
    label = f"{metric.upper()} of {names[0]} and {names[1]}"
    welch = None
    tests: tuple[Paired, ...] = ()
    if folds < 2:
        notes.append("One fold only: there is no SD and no test between systems over folds.")
    else:
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
        bootstrap=_over_speakers(told, names, metric) if main.bootstrap else None,
        mcnemar=_mcnemar(told, names) if metric == "wa" else None,
    )


def _over_speakers(told: Columns, names: tuple[str, str], metric: Literal["wa", "ua"]) -> Interval:
    a_scc, b_scc = (
        told.confusion_by_speaker(told.blocks[name, "test", CLEAN])[1] for name in names
    )
    return bootstrap.difference_over_speakers(a_scc, b_scc, metric, told.seed)


def _mcnemar(told: Columns, names: tuple[str, str]) -> McNemar:
    """On all test utterances; blocks are in the same order and cover the same test sets."""
    first, second = (told.right(told.blocks[name, "test", CLEAN]) for name in names)
    return mcnemar.mcnemar(first, second, names)


def _tried(attempt: Callable[[], T], label: str, notes: list[str]) -> T | None:
    """What the test gives; `None` and a note where it is not defined on these folds."""
    try:
        return attempt()
    except MtlserError as error:
        notes.append(f"{label}: {error}.")
        return None
