"""Verdicts over many systems: Holm's family, equal gaps, and each p beside its own interval."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmarks import false_alarms
from mtlser.evaluation.significance import comparison
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.reporting import significance, verdict

PLAN = false_alarms.made_plan()


def compared(*rates: list[float]) -> list[Comparison]:
    """The UA rows of the first system against the others."""
    sides = [
        false_alarms.side(f"s{place}", np.asarray(own, dtype=np.float64))
        for place, own in enumerate(rates)
    ]
    rows, _ = comparison.compare(sides[0], sides[1:], PLAN)
    return [row for row in rows if row.metric == "ua"]


def drawn(systems: int, seed: int = 3) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    return [rng.normal(0.7 - 0.02 * place, 0.03, 10).round(4).tolist() for place in range(systems)]


def test_equal_systems_are_rarely_called_different() -> None:
    figures = false_alarms.measured(runs=30, seed=1)
    assert figures["share_with_a_difference"] <= 0.1
    assert figures["coverage_corrected"] == pytest.approx(0.95, abs=0.025)
    assert figures["coverage_welch"] == pytest.approx(0.95, abs=0.025)


def test_the_verdict_is_by_holm_over_all_systems_of_a_metric() -> None:
    rates = drawn(6)
    rows = compared(*rates)
    n_train, n_test = (np.mean([len(getattr(f, p)) for f in PLAN.folds]) for p in ("train", "test"))
    gaps = np.asarray(rates[0]) - np.asarray(rates[1:])
    error = np.sqrt((1 / 10 + n_test / n_train) * gaps.var(axis=1, ddof=1))
    p = 2 * stats.t.sf(abs(gaps.mean(axis=1) / error), 9)
    reject, adjusted, *_ = multipletests(p, 0.05, method="holm")
    assert [row.p_adjusted for row in rows] == pytest.approx(adjusted.tolist())
    assert [row.significant for row in rows] == reject.tolist()
    assert [row.family for row in rows] == [5] * 5
    welch = [row.welch.p for row in rows if row.welch is not None]
    assert [row.p_holm for row in rows] == pytest.approx(multipletests(welch, method="holm")[1])
    assert 0 < sum(reject) < np.sum(p < 0.05), "the example has to tell the two rules apart"
    for row, shown in zip(rows, reject, strict=True):
        assert (", a significant difference" in verdict.against(row)) == shown
        assert "by Holm over 5 systems" in verdict.against(row)
        assert f"{row.p_adjusted:.2g} by Holm over 5" in row.trust


def test_one_comparison_needs_no_adjustment() -> None:
    (row,) = compared(*drawn(2))
    assert row.corrected is not None
    assert row.p_adjusted == row.corrected.p
    assert "Holm" not in verdict.against(row)
    assert "only comparison" in row.trust


def test_a_system_without_a_test_stays_in_the_family() -> None:
    rates = drawn(3)
    alone = compared(*rates)
    more = compared(*rates, rates[0])
    assert [row.family for row in more] == [3] * 3
    assert more[2].p_adjusted is None
    assert alone[0].corrected == more[0].corrected
    pair = [row.corrected.p for row in more if row.corrected is not None]
    assert [row.p_adjusted for row in more[:2]] == pytest.approx(
        multipletests([*pair, 1.0], method="holm")[1][:2]
    )


def test_equal_gaps_on_every_fold_are_said_and_not_judged() -> None:
    first = np.linspace(0.6, 0.9, 10)
    same, lower, other = compared(
        first.tolist(), first.tolist(), (first - 0.02).tolist(), drawn(1)[0]
    )
    assert (same.same_gap, lower.same_gap, other.same_gap) == (True, True, False)
    assert lower.gap == pytest.approx(0.02)
    assert lower.significant is None
    assert verdict.against(same) == "equal to s1 in UA on every fold"
    # Ten folds in one direction: the sign test and the rank test both have p = 2 / 2^10.
    p = stats.binomtest(10, 10).pvalue
    text = verdict.against(lower)
    assert text.startswith("2.0 points above s2 in UA on every fold, so that no t-test is defined")
    assert f"p = {p:.2g})" in text
    assert "every fold differs by the same 2.0 points" in lower.trust.lower()
    assert "the same on every fold" in same.trust
    table = significance.recommended([same, lower, other])
    assert table is not None
    assert [row[6] for row in table.rows][:2] == ["none", "none"]


def test_each_p_stands_beside_the_interval_of_its_own_test() -> None:
    rows = compared(*drawn(3))
    table = significance.recommended(rows)
    assert table is not None
    place = {name: index for index, name in enumerate(table.columns)}
    for row, cells in zip(rows, table.rows, strict=True):
        for test, name in ((row.corrected, "corrected"), (row.welch, "Welch")):
            assert test is not None
            assert test.interval is not None
            low, high = (f"{value * 100:+.1f}".replace("-", "−") for value in test.interval)
            assert cells[place[f"Interval {name}"]] == f"{low} to {high}"
            assert place[f"Interval {name}"] == place[f"p {name}"] + 1
            assert (test.interval[0] <= 0 <= test.interval[1]) == (test.p >= 0.05)
