"""Tables of the tests between systems: the recommended one, then every other one."""

from collections.abc import Sequence

from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.reporting.formats import ABSENT, decimal, p_value, points, signed
from mtlser.reporting.tables import Table


def recommended(comparisons: Sequence[Comparison]) -> Table | None:
    """The recommended test of each comparison and the verdict, beside Welch's and the effect size.

    `None` where no comparison has the recommended test; one on which every fold has the same
    difference is listed without.
    """
    judged = [row for row in comparisons if row.corrected is not None or row.same_gap]
    if not judged:
        return None
    return Table(
        id="recommended",
        caption="Recommended test: corrected resampled t-test on clean test; differences in "
        "points, 95 % intervals",
        columns=(
            *("Comparison", "Metric", "Difference", "p corrected", "Interval corrected"),
            *("p corrected, Holm", "Significant at .05"),
            *("p Welch", "Interval Welch", "p Welch, Holm", "Hedges' g"),
        ),
        rows=tuple(_recommended(row) for row in judged),
        note="Corrected: the variance of the differences times 1/folds + n test / n train, where n "
        "train counts what weights are fitted to, without validation. Significant: by p "
        "corrected, Holm, which is adjusted for all systems compared with the main one on the "
        "metric. Each interval is its own test's, for one comparison alone: with several it can "
        "leave out 0 where the difference is not significant. None: every fold has the same "
        "difference, so that no t-test of differences is defined. Welch's test, which the paper "
        "uses, assumes independent folds: do not rely on it alone.",
    )


def _recommended(row: Comparison) -> tuple[str, ...]:
    test, welch = row.corrected, row.welch
    verdicts = {True: "yes", False: "no", None: "none"}
    return (
        f"{row.main} − {row.other}",
        row.metric.upper(),
        signed(row.gap),
        p_value(test.p if test else None),
        points(test.interval if test else None),
        p_value(row.p_adjusted),
        verdicts[row.significant],
        p_value(welch.p if welch else None),
        points(welch.interval if welch else None),
        p_value(row.p_holm),
        signed(welch.hedges_g if welch else None, 1),
    )


def tests(comparisons: Sequence[Comparison]) -> Table | None:
    """Every test between systems; `None` where there is none."""
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for row in comparisons:
        label = (f"{row.main} − {row.other}", row.metric.upper())
        for texts in _tests(row):
            if texts[0].startswith("Corrected"):
                strong.append(len(rows))
            rows.append((*label, *texts))
    if not rows:
        return None
    return Table(
        id="tests",
        caption="Two-tailed tests on clean test; differences in points, 95 % intervals; the "
        "recommended test in bold",
        columns=(
            *("Comparison", "Metric", "Test", "Difference", "Interval"),
            *("Statistic", "df", "p", "p Holm"),
        ),
        rows=tuple(rows),
        strong=tuple(strong),
    )


def _tests(row: Comparison) -> list[tuple[str, ...]]:
    """Test, difference, interval, statistic, df, p, p Holm."""
    rows: list[tuple[str, ...]] = [
        (
            test.kind.capitalize(),
            signed(test.difference),
            points(test.interval),
            decimal(test.statistic),
            ABSENT if test.df is None else str(test.df),
            p_value(test.p),
            p_value(row.p_adjusted if test is row.corrected else None),
        )
        for test in row.paired
    ]
    if row.welch is not None:
        w = row.welch
        values = (signed(w.difference), points(w.interval), decimal(w.t), f"{w.df:.1f}")
        rows.append(("Welch t", *values, p_value(w.p), p_value(row.p_holm)))
    if row.bootstrap is not None:
        b = row.bootstrap
        rest = (ABSENT,) * 4
        name = f"Bootstrap over {b.speakers} speakers"
        rows.append((name, signed(b.estimate), points((b.low, b.high)), *rest))
    if row.mcnemar is not None:
        m = row.mcnemar
        difference = signed((m.only_first - m.only_second) / m.utterances)
        statistic = ABSENT if m.statistic is None else decimal(m.statistic)
        name = f"McNemar ({m.kind}, {m.only_first} : {m.only_second})"
        rows.append((name, difference, ABSENT, statistic, ABSENT, p_value(m.p), ABSENT))
    return rows


def effects(comparisons: Sequence[Comparison]) -> Table | None:
    """Hedges' g of every comparison; `None` where there is none."""
    rows = [
        (
            f"{row.main} − {row.other}",
            row.metric.upper(),
            signed(row.welch.hedges_g, 1),
            " to ".join(signed(value, 1) for value in row.welch.hedges_interval),
        )
        for row in comparisons
        if row.welch is not None
    ]
    if not rows:
        return None
    return Table(
        id="effects",
        caption="Effect sizes, in standard deviations between folds",
        columns=("Comparison", "Metric", "Hedges' g", "95 % interval"),
        rows=tuple(rows),
    )
