"""Every test and interval against published or hand-worked examples and a second library."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import contingency_tables

from mtlser.errors import MtlserError
from mtlser.evaluation import counts
from mtlser.evaluation.significance import bootstrap, mcnemar, paired, statistics
from mtlser.evaluation.significance.statistics import Summary
from tests.helpers.worked import examples

WORKED = examples("worked_statistics")
RATES = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=3, max_size=10)


def test_welch_of_a_published_example() -> None:
    sleep = WORKED["sleep"]
    result, printed = statistics.welch(sleep["a"], sleep["b"]), sleep["welch"]
    assert result.t == pytest.approx(printed["t"], abs=5e-5)
    assert result.df == pytest.approx(printed["df"], abs=5e-4)
    assert result.p == pytest.approx(printed["p"], abs=5e-6)
    assert result.interval == pytest.approx(printed["interval"], abs=1e-6)


def test_welch_from_folds_and_from_published_numbers_are_one() -> None:
    a, b = WORKED["sleep"]["a"], WORKED["sleep"]["b"]
    one, other = (Summary(mean=np.mean(v), sd=np.std(v, ddof=1), n=len(v)) for v in (a, b))
    assert statistics.welch_from_summary(one, other).p == pytest.approx(statistics.welch(a, b).p)


def test_paired_t_of_a_published_example() -> None:
    sleep = WORKED["sleep"]
    result, printed = paired.paired_t(sleep["a"], sleep["b"]), sleep["paired"]
    assert result.statistic == pytest.approx(printed["t"], abs=5e-5)
    assert result.df == printed["df"]
    assert result.p == pytest.approx(printed["p"], abs=5e-7)
    assert result.interval == pytest.approx(printed["interval"], abs=1e-6)


def test_wilcoxon_of_a_published_example() -> None:
    result = paired.wilcoxon(WORKED["depression"]["a"], WORKED["depression"]["b"])
    assert result.statistic == WORKED["depression"]["statistic"]
    assert result.p == pytest.approx(WORKED["depression"]["p"])


def test_corrected_resampled_t_by_hand() -> None:
    case = WORKED["corrected"]
    result = paired.corrected_resampled_t(case["a"], case["b"], case["n_train"], case["n_test"])
    assert result.statistic == pytest.approx(case["statistic"])
    assert result.df == case["df"]
    assert result.p == pytest.approx(case["p"], abs=5e-5)


def test_hedges_g_and_holm_of_published_and_worked_examples() -> None:
    case = WORKED["boys_and_girls"]
    g, low, high = statistics.hedges_g(Summary(**case["a"]), Summary(**case["b"]))
    assert g == pytest.approx(case["g"], abs=1e-4)
    assert (high - low) / 2 / 1.96 == pytest.approx(case["standard_error"], abs=1e-4)
    assert statistics.holm(WORKED["holm"]["p"]) == pytest.approx(WORKED["holm"]["adjusted"])


def test_mcnemar_of_published_and_worked_counts() -> None:
    many, few = WORKED["approval"], WORKED["few"]
    result = mcnemar.from_counts(many["only_first"], many["only_second"], many["total"])
    assert result.kind == "chi-square"
    assert result.statistic == pytest.approx(many["statistic"], abs=5e-5)
    assert result.p == pytest.approx(many["p"], rel=1e-3)
    exact = mcnemar.from_counts(few["only_first"], few["only_second"], few["total"])
    assert (exact.kind, exact.statistic) == ("exact", None)
    assert exact.p == few["p"]


@pytest.mark.parametrize(("b", "c"), [(3, 9), (0, 5), (12, 12), (12, 13), (40, 60), (30, 30)])
def test_mcnemar_agrees_with_statsmodels(b: int, c: int) -> None:
    ours = mcnemar.from_counts(b, c, 200)
    theirs = contingency_tables.mcnemar([[50, b], [c, 30]], exact=b + c < 25, correction=True)
    if b == c and b + c >= 25:  # theirs corrects a difference of 0 beyond 0
        assert ours.p == 1.0
    else:
        assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.kind == ("exact" if b + c < 25 else "chi-square")


def test_mcnemar_counts_utterances_and_treats_both_alike() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(300) < 0.7, rng.random(300) < 0.6
    one, other = mcnemar.mcnemar(first, second), mcnemar.mcnemar(second, first)
    assert one.only_first == other.only_second == int(np.sum(first & ~second))
    assert one.p == other.p
    assert mcnemar.mcnemar([True], [True]).p == 1.0
    with pytest.raises(MtlserError, match="2 utterances and b 1"):
        mcnemar.mcnemar([True, True], [True])


@settings(deadline=None, derandomize=True)
@given(RATES, RATES)
def test_welch_is_symmetric(a: list[float], b: list[float]) -> None:
    if len(set(a)) == 1 and len(set(b)) == 1:
        return
    there, back = statistics.welch(a, b), statistics.welch(b, a)
    assert there.p == pytest.approx(back.p)
    assert (there.t, there.hedges_g) == pytest.approx((-back.t, -back.hedges_g))
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_holm_never_lowers_and_does_not_depend_on_order(p: list[float], rng: object) -> None:
    adjusted = statistics.holm(p)
    assert all(0 <= before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    order = list(range(len(p)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    assert statistics.holm([p[i] for i in order]) == pytest.approx([adjusted[i] for i in order])


def speakers(count: int, spread: float, seed: int = 0) -> "bootstrap.Counts":
    """Two-class tables of speakers with 40 utterances each, recognised about as well each."""
    rng = np.random.default_rng(seed)
    tables = np.zeros((count, 2, 2), dtype=np.int64)
    for table in tables:
        level = np.clip(rng.normal(0.7, spread), 0, 1)
        for true, size in ((0, 30), (1, 10)):
            right = rng.binomial(size, level)
            table[true, true], table[true, 1 - true] = right, size - right
    return tables


@pytest.mark.parametrize("metric", ["wa", "ua"])
def test_the_bootstrap_agrees_with_scipys(metric: str) -> None:
    tables = speakers(10, 0.15)
    ours = bootstrap.over_speakers(tables, metric, seed=0)  # type: ignore[arg-type]
    of = {"wa": counts.weighted_accuracy, "ua": counts.unweighted_accuracy}[metric]
    theirs = stats.bootstrap(
        (np.arange(10),),
        lambda drawn: float(of(tables[drawn].sum(axis=0))),
        vectorized=False,
        n_resamples=5000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.008)
    assert ours.estimate == pytest.approx(float(of(tables.sum(axis=0))))


def test_the_bootstrap_of_three_speakers_by_all_27_draws() -> None:
    tables = speakers(3, 0.2)
    every = [
        float(counts.weighted_accuracy(tables[list(drawn)].sum(axis=0)))
        for drawn in itertools.product(range(3), repeat=3)
    ]
    result = bootstrap.over_speakers(tables, "wa", seed=3)
    # 1 draw of 27 is 3.7 %: the 2.5 % and 97.5 % points are the ends.
    assert (result.low, result.high) == pytest.approx((min(every), max(every)))


def test_the_bootstrap_is_seeded_and_sees_speakers_and_not_utterances() -> None:
    alike, unlike = speakers(10, 0.0), speakers(10, 0.25)
    narrow = bootstrap.over_speakers(alike, "wa", seed=0)
    wide = bootstrap.over_speakers(unlike, "wa", seed=0)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert bootstrap.over_speakers(unlike, "wa", seed=0) == wide
    assert bootstrap.over_speakers(unlike, "wa", seed=1) != wide
    with pytest.raises(MtlserError, match="1 test speaker"):
        bootstrap.over_speakers(unlike[:1], "wa", seed=0)


def test_the_bootstrap_of_thousands_of_speakers_draws_block_by_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = speakers(2_000, 0.2)
    monkeypatch.setattr(bootstrap, "RESAMPLES", 3_001)
    tracemalloc.start()
    in_blocks = bootstrap.over_speakers(tables, "wa", seed=0)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 0.5 * 3_001 * len(tables) * 8  # of all draws at once
    monkeypatch.setattr(bootstrap, "BLOCK", 3_001)
    assert bootstrap.over_speakers(tables, "wa", seed=0) == in_blocks


def test_the_bootstrap_of_a_difference_is_paired() -> None:
    a = speakers(10, 0.25)
    b = a.copy()
    b[:, 0, 0] -= 1
    b[:, 0, 1] += 1
    result = bootstrap.difference_over_speakers(a, b, "wa", seed=0)
    # Each speaker has lost exactly one of 40: the difference is the same whoever is drawn.
    assert (result.low, result.estimate, result.high) == pytest.approx((1 / 40,) * 3)
    back = bootstrap.difference_over_speakers(b, a, "wa", seed=0)
    assert (back.low, back.high) == pytest.approx((-result.high, -result.low))
    with pytest.raises(MtlserError, match="same utterances"):
        bootstrap.difference_over_speakers(a, b[:9], "wa", seed=0)
