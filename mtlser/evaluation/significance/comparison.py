"""Tests of one system against others on clean test: within one report, or between runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import Block, Columns
from mtlser.evaluation.score_records import ConditionScores, Scores
from mtlser.evaluation.significance import bootstrap, family, mcnemar, paired, statistics
from mtlser.evaluation.significance.bootstrap import Interval
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.significance.mcnemar import McNemar
from mtlser.evaluation.significance.paired import Paired
from mtlser.evaluation.significance.trust import trust
from mtlser.records import CLEAN, FoldPlan

T = TypeVar("T")
Metric = Literal["wa", "ua"]
METRICS: tuple[Metric, ...] = ("wa", "ua")
Untested = dict[str, dict[str, str]]
"""Why a test is not defined, by the kind of test and what was to be compared."""
PAIRED_T = "paired or corrected t-test"


@dataclass(frozen=True)
class Side:
    """One system of a comparison."""

    name: str
    """What the comparison calls it: the system's own name, or its run's."""
    clean: ConditionScores
    columns: Columns | None
    """Where its predictions are; `None`: not at hand, so that no test on utterances is made."""
    system: str
    """Its name in `columns`."""

    @property
    def block(self) -> Block | None:
        """Its predictions of clean test."""
        return None if self.columns is None else self.columns.blocks[self.system, "test", CLEAN]


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
    reasons = [f"{name} differ ({a}; {b})" for name, (a, b) in named.items() if a != b]
    sizes = [
        [fold.numbers.utterances for fold in scores.of(scores.main).clean.folds]
        for scores in (first, other)
    ]
    if not reasons and sizes[0] != sizes[1]:
        reasons.append("the folds' tests differ in size")
    return reasons


def compare(
    first: Side, others: Sequence[Side], plan: FoldPlan | None
) -> tuple[tuple[Comparison, ...], list[str]]:
    """The first side against each other one on the same folds, and what could not be tested.

    Args:
        first: the system that the others are held against.
        others: systems with scores on the same folds.
        plan: the folds, for the sizes of training and test; `None`: not at hand, so that the
            corrected resampled t-test is not defined.
    """
    notes: list[str] = []
    untested: Untested = {}
    if plan is None and others:
        notes.append(
            "The folds' sizes are not at hand (no folds.json with these runs), so the corrected "
            "resampled t-test, the one to trust, is missing: do not rely on another test here."
        )
    rows = [_row(first, other, metric, plan, untested) for other in others for metric in METRICS]
    rows = family.adjusted(rows)
    if plan is not None:
        rows = [row.model_copy(update={"trust": trust(row, plan)}) for row in rows]
    if others and len(first.clean.values(METRICS[0])) < 2:
        notes.append("One fold only: there is no SD and no test between systems over folds.")
    return tuple(rows), [*notes, *_untested_notes(untested)]


def intervals(columns: Columns, system: str) -> dict[str, Interval]:
    """The bootstrap intervals of a system's pooled WA and UA; empty for one test speaker."""
    _, counts_scc = columns.confusion_by_speaker(columns.blocks[system, "test", CLEAN])
    if len(counts_scc) < 2:
        return {}
    seed = columns.seeds[0]
    return {metric: bootstrap.over_speakers(counts_scc, metric, seed) for metric in METRICS}


def _row(
    first: Side, other: Side, metric: Metric, plan: FoldPlan | None, untested: Untested
) -> Comparison:
    names = (first.name, other.name)
    label = f"{metric.upper()} of {names[0]} and {names[1]}"
    a, b = first.clean.values(metric), other.clean.values(metric)
    welch = None
    over_folds: tuple[Paired, ...] = ()
    if len(a) > 1:
        welch = _tried(lambda: statistics.welch(a, b, names), "Welch's test", label, untested)
        over_folds = _over_folds(a, b, names, plan, label, untested)
    drawn, discordant = _over_utterances(first, other, metric, label, untested)
    gaps = paired.differences(a, b, names) if len(a) > 1 else None
    return Comparison(
        metric=metric,
        main=names[0],
        other=names[1],
        welch=welch,
        p_holm=None,
        paired=over_folds,
        difference=None if gaps is None else float(gaps.mean()),
        same_gap=gaps is not None and paired.no_spread(gaps),
        bootstrap=drawn,
        mcnemar=discordant,
    )


def _over_folds(
    a: Sequence[float],
    b: Sequence[float],
    names: tuple[str, str],
    plan: FoldPlan | None,
    label: str,
    untested: Untested,
) -> tuple[Paired, ...]:
    """The paired tests that are defined on these folds, the one to trust first."""
    tests: list[tuple[str, Callable[[], Paired]]] = [
        (PAIRED_T, lambda: paired.paired_t(a, b, names)),
        ("Wilcoxon's test", lambda: paired.wilcoxon(a, b, names)),
    ]
    if plan is not None:
        n_train = sum(len(fold.train) for fold in plan.folds) / len(plan.folds)
        n_test = sum(len(fold.test) for fold in plan.folds) / len(plan.folds)
        corrected = (
            PAIRED_T,
            lambda: paired.corrected_resampled_t(a, b, n_train, n_test, names),
        )
        tests.insert(0, corrected)
    outcomes = [_tried(test, kind, label, untested) for kind, test in tests]
    return tuple(outcome for outcome in outcomes if outcome is not None)


def _over_utterances(
    first: Side, other: Side, metric: Metric, label: str, untested: Untested
) -> tuple[Interval | None, McNemar | None]:
    """Bootstrap over speakers and (WA only) McNemar, where both sides predict the same clips.

    McNemar's test is of one prediction an utterance on each side: with several seeds there is none.
    """
    if first.columns is None or other.columns is None:
        return None, None
    one, two = first.block, other.block
    assert one is not None and two is not None
    if _utterances(first.columns, one) != _utterances(other.columns, two):
        missing = untested.setdefault("test on utterances", {})
        missing[label] = "the tested utterances differ"
        return None, None
    _, a_scc = first.columns.confusion_by_speaker(one)
    _, b_scc = other.columns.confusion_by_speaker(two)
    seed, drawn, discordant = first.columns.seeds[0], None, None
    if len(a_scc) > 1:
        drawn = _tried(
            lambda: bootstrap.difference_over_speakers(a_scc, b_scc, metric, seed),
            "bootstrap over speakers",
            label,
            untested,
        )
    if metric == "wa":
        right = first.columns.right(one), other.columns.right(two)
        if max(len(np.unique(block.seed)) for block in (one, two)) == 1:
            discordant = mcnemar.mcnemar(*right, (first.name, other.name))
        else:
            missing = untested.setdefault("McNemar's test", {})
            missing[label] = "it takes one prediction an utterance, and there are several seeds"
    return drawn, discordant


def _utterances(columns: Columns, block: Block) -> list[str]:
    """The utterances, each once, in the order of folds."""
    places = block.utterance[np.sort(np.unique(block.utterance, return_index=True)[1])]
    return [columns.truth.names[place] for place in places]


def _tried(attempt: Callable[[], T], kind: str, label: str, untested: Untested) -> T | None:
    """What the test gives; `None`, and remembered, where it is not defined on these folds."""
    try:
        return attempt()
    except MtlserError as error:
        untested.setdefault(kind, {})[label] = str(error)
        return None


def _untested_notes(untested: Untested) -> list[str]:
    """One sentence for each kind of test that some comparisons lack, with the first reason."""
    notes = []
    for kind, reasons in untested.items():
        (label, reason), more = next(iter(reasons.items())), len(reasons) - 1
        others = f" The same holds for {more} more of the comparisons." if more else ""
        notes.append(f"{label}: no {kind}: {reason}.{others}")
    return notes
