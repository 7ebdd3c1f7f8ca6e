"""How often a report calls one of many equal systems different, and what its intervals cover.

    python -m benchmarks.false_alarms [RUNS]

Each run draws 21 systems of equal quality on the same ten folds and compares the first with the
other 20 as a report does. Last line and `build/bench/false_alarms.json`: `share_with_a_difference`
(runs whose sentences call at least one difference significant: 0.05 or less is right),
`coverage_corrected` (95 % intervals of the corrected resampled t-test that hold the true
difference, 0) and `coverage_welch` (Welch's, on independent folds, which is what it assumes).
"""

import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import plans
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.score_records import ConditionScores, FoldScores
from mtlser.evaluation.significance import comparison, paired, statistics
from mtlser.evaluation.significance.comparison import Side
from mtlser.evaluation.significance.paired import Paired
from mtlser.evaluation.significance.statistics import Welch
from mtlser.records import CLEAN, FoldPlan
from mtlser.reporting import verdict

SYSTEMS, FOLDS, PER_FOLD = 21, 10, 20
QUALITY, FOLD_SD, SYSTEM_SD = 0.7, 0.04, 0.03
RUNS, PAIRS = 400, 25
EACH = 10**9
"""Utterances of each of two classes in a fold, so many that rates are practically free."""


def made_plan() -> FoldPlan:
    """Ten folds; each trains on eight others and validates on one."""
    tests = [tuple(f"s{fold}-{index}" for index in range(PER_FOLD)) for fold in range(FOLDS)]
    return plans.ring(tests, [f"s{fold}" for fold in range(FOLDS)], "loso", check=16)


def drawn_rates(rng: np.random.Generator, shared: float) -> NDArray[np.float64]:
    """Rates of equal systems, (system, fold).

    Folds differ in difficulty, alike for all systems. Of the rest, the share `shared` is the same
    on all folds of a system, because its trainings share data: the model of Nadeau and Bengio
    (2003), in which `shared` is `n_test / (n_train + n_test)`. Over trainings its mean is 0.
    """
    of_fold = FOLD_SD * rng.normal(size=(1, FOLDS))
    of_system = np.sqrt(shared) * rng.normal(size=(SYSTEMS, 1))
    own = np.sqrt(1 - shared) * rng.normal(size=(SYSTEMS, FOLDS))
    return np.asarray(QUALITY + of_fold + SYSTEM_SD * (of_system + own))


def side(name: str, rates: NDArray[np.float64]) -> Side:
    """One system with these rates as WA and UA of its folds."""
    folds = tuple(
        FoldScores(fold=fold, name=f"s{fold}", numbers=_numbers(round(rate * EACH)))
        for fold, rate in enumerate(rates.tolist())
    )
    clean = ConditionScores(
        split="test",
        condition=CLEAN,
        folds=folds,
        spreads={},
        pooled=folds[0].numbers,
        styles={},
    )
    return Side(name=name, clean=clean, columns=None, system=name)


def _numbers(right: int) -> Numbers:
    """So many of each of two classes right: WA, UA and F1 are then the same."""
    rate = right / EACH
    return Numbers(
        utterances=2 * EACH,
        wa=rate,
        ua=rate,
        macro_f1=rate,
        weighted_f1=rate,
        recall={"a": rate, "b": rate},
        wer=None,
        cer=None,
        without_transcript=2 * EACH,
        calibration_error=0.0,
        confusion=((right, EACH - right), (EACH - right, right)),
    )


def measured(runs: int, seed: int = 0) -> dict[str, Any]:
    """The figures over so many runs."""
    plan, rng = made_plan(), np.random.default_rng(seed)
    n_train, n_test = (
        sum(len(getattr(fold, part)) for fold in plan.folds) for part in ("train", "test")
    )
    shared = n_test / (n_train + n_test)
    alarms, corrected, welch = 0, [], []
    for _ in range(runs):
        rates = drawn_rates(rng, shared)
        sides = [side(f"system-{index}", own) for index, own in enumerate(rates)]
        rows, _ = comparison.compare(sides[0], sides[1:], plan)
        rows = tuple(row for row in rows if row.metric == "ua")
        alarms += any(", a significant difference" in verdict.against(row) for row in rows)
        for _ in range(PAIRS):
            a, b = drawn_rates(rng, shared)[:2].tolist()
            corrected.append(_holds_zero(paired.corrected_resampled_t(a, b, n_train, n_test)))
            a, b = (QUALITY + SYSTEM_SD * rng.normal(size=(2, FOLDS))).tolist()
            welch.append(_holds_zero(statistics.welch(a, b)))
    return {
        "runs": runs,
        "systems": SYSTEMS,
        "folds": FOLDS,
        "share_with_a_difference": round(alarms / runs, 4),
        "coverage_corrected": round(float(np.mean(corrected)), 4),
        "coverage_welch": round(float(np.mean(welch)), 4),
    }


def _holds_zero(test: Paired | Welch) -> bool:
    assert test.interval is not None
    return test.interval[0] <= 0 <= test.interval[1]


if __name__ == "__main__":
    start = time.perf_counter()
    figures = measured(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
    figures["seconds"] = round(time.perf_counter() - start, 1)
    from benchmarks.common import report

    report("false_alarms", figures)
