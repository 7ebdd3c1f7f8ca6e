"""Two runs' main systems against each other, where they were measured on the same folds."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.score_records import Comparison, Scores
from mtlser.evaluation.significance import bootstrap, mcnemar, paired, statistics
from mtlser.evaluation.significance.trust import trust
from mtlser.records import CLEAN, FoldPlan, Record

T = TypeVar("T")
METRICS: tuple[Literal["wa", "ua"], ...] = ("wa", "ua")


class Measured(Record, arbitrary_types_allowed=True):
    """One run's main system."""

    label: str
    scores: Scores
    told: Columns | None
    """Its predictions; `None` where they are not at hand."""


def differences(first: Scores, other: Scores) -> list[str]:
    """Why two runs may not be tested against each other; empty where they may.

    Their folds have to be the same ones: same manifest, protocol, fold names and test sizes, and
    the same classes.
    """
    named = {
        "protocols": (first.protocol, other.protocol),
        "manifest digests": (first.manifest_digest[:12], other.manifest_digest[:12]),
        "folds": (", ".join(first.fold_names), ", ".join(other.fold_names)),
        "classes": (", ".join(first.classes), ", ".join(other.classes)),
    }
    found = [f"{name} differ ({a}; {b})" for name, (a, b) in named.items() if a != b]
    sizes = [
        [fold.numbers.utterances for fold in scores.of(scores.main).clean.folds]
        for scores in (first, other)
    ]
    if not found and sizes[0] != sizes[1]:
        found.append("the folds' tests differ in size")
    return found


def compare(
    first: Measured, others: Sequence[Measured], plan: FoldPlan | None
) -> tuple[list[Comparison], list[str]]:
    """The first run against each other one on the same folds, and what could not be tested.

    Args:
        first: the run that the others are held against.
        others: runs with no `differences` from it.
        plan: the folds, for the sizes of training and test; `None`: not at hand, so that the
            corrected resampled t-test is not defined.
    """
    notes: list[str] = []
    if plan is None and others:
        notes.append(
            "The folds' sizes are not at hand (no folds.json with these runs), so the corrected "
            "resampled t-test, the one to believe, is missing: no other test here may be believed."
        )
    rows = [_row(first, other, metric, plan, notes) for other in others for metric in METRICS]
    tested = [i for i, row in enumerate(rows) if row.welch is not None]
    adjusted = statistics.holm([row.welch.p for row in rows if row.welch is not None])
    for i, p in zip(tested, adjusted, strict=True):
        rows[i] = rows[i].model_copy(update={"p_holm": p})
    if plan is not None:
        rows = [
            row.model_copy(update={"trust": trust(row, plan, comparisons=len(tested))})
            for row in rows
        ]
    return rows, list(dict.fromkeys(notes))


def _row(
    first: Measured,
    other: Measured,
    metric: Literal["wa", "ua"],
    plan: FoldPlan | None,
    notes: list[str],
) -> Comparison:
    names = (first.label, other.label)
    a, b = (run.scores.of(run.scores.main).clean.values(metric) for run in (first, other))
    label = f"{metric.upper()} of {names[0]} and {names[1]}"
    tries: list[Callable[[], paired.Paired]] = [
        lambda: paired.paired_t(a, b, names),
        lambda: paired.wilcoxon(a, b, names),
    ]
    if plan is not None:
        n_train = sum(len(fold.train) for fold in plan.folds) / len(plan.folds)
        n_test = sum(len(fold.test) for fold in plan.folds) / len(plan.folds)
        tries.insert(0, lambda: paired.corrected_resampled_t(a, b, n_train, n_test, names))
    if len(a) < 2:
        notes.append("One fold only: there is no SD and no test over folds.")
        tries = []
    tests = [_tried(attempt, label, notes) for attempt in tries]
    row = Comparison(
        metric=metric,
        main=names[0],
        other=names[1],
        welch=_tried(lambda: statistics.welch(a, b, names), label, notes) if tries else None,
        p_holm=None,
        paired=tuple(test for test in tests if test is not None),
    )
    return row.model_copy(update=_utterances(first, other, metric, label, notes))


def _utterances(
    first: Measured, other: Measured, metric: Literal["wa", "ua"], label: str, notes: list[str]
) -> dict[str, object]:
    """Bootstrap and McNemar, where both runs' predictions are at hand and of the same clips."""
    if first.told is None or other.told is None:
        return {}
    blocks = [run.told.blocks[run.scores.main, "test", CLEAN] for run in (first, other) if run.told]
    names = [
        [run.told.truth.names[place] for place in block.utterance]
        for run, block in zip((first, other), blocks, strict=True)
        if run.told
    ]
    if names[0] != names[1]:
        notes.append(f"{label}: the tested utterances differ, so there is no test on utterances.")
        return {}
    a, b = first.told, other.told
    counts = [
        told.confusion_by_speaker(block)[1] for told, block in zip((a, b), blocks, strict=True)
    ]
    drawn = _tried(
        lambda: bootstrap.difference_over_speakers(counts[0], counts[1], metric, a.seed),
        label,
        notes,
    )
    if metric == "ua":
        return {"bootstrap": drawn}
    right, wrong = a.right(blocks[0]), ~b.right(blocks[1])
    only = int((right & wrong).sum()), int((~right & ~wrong).sum())
    found = mcnemar.from_counts(*only, len(right), (first.label, other.label))
    return {"bootstrap": drawn, "mcnemar": found}


def _tried(attempt: Callable[[], T], label: str, notes: list[str]) -> T | None:
    """What the test gives; `None` and a note where it is not defined on these folds."""
    try:
        return attempt()
    except MtlserError as error:
        notes.append(f"{label}: {error}.")
        return None
