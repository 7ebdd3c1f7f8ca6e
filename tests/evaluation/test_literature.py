"""The published rows: as printed, with what follows from them and what is doubtful."""

import pytest
from scipy import stats

from mtlser.evaluation import literature, scores
from mtlser.evaluation.significance.statistics import Summary
from mtlser.reporting import fact_tables
from mtlser.reporting.formats import p_value
from tests.helpers.factories import make_plan, make_prediction, make_predictions, make_recipe

ROWS = {row.key: row for row in literature.table_4()}
OURS = Summary(mean=0.72, sd=0.03, n=10)


def test_nine_rows_and_five_noise_levels_ship_with_what_is_doubtful() -> None:
    assert len(ROWS) == 9
    assert [row.snr_db for row in literature.table_5()] == [0, 5, 10, 15, 20]
    assert literature.source().doubtful
    assert all(row.doubtful and row.publication for row in ROWS.values())
    assert ROWS["mmer"].wa == Summary(mean=0.789, sd=0.007, n=10)
    assert ROWS["svm"].ua is None
    assert [key for key, row in ROWS.items() if row.checked] == ["cai", "mtlser"]
    assert literature.table_5()[0].f1.mean == pytest.approx(0.5617)


@pytest.mark.parametrize("key", [key for key in ROWS if key != "mtlser"])
def test_printed_p_that_cannot_be_reproduced_has_a_warning(key: str) -> None:
    row, paper = ROWS[key], ROWS["mtlser"]
    theirs = stats.ttest_ind_from_stats(
        paper.wa.mean, paper.wa.sd, 10, row.wa.mean, row.wa.sd, 10, equal_var=False
    )
    assert row.p_recomputed == pytest.approx(theirs.pvalue)
    assert row.warning is not None
    assert row.p_printed is not None
    assert f"{row.p_printed:.3g}" in row.warning
    assert f"{row.p_recomputed:.3g} with n = 10" in row.warning


def test_a_p_that_agrees_brings_no_warning() -> None:
    assert literature.p_warning("X", 0.010, 0.0109) is None
    assert literature.p_warning("X", 0.00178, 0.0109) is not None
    assert ROWS["mtlser"].warning is None
    assert ROWS["mtlser"].p_recomputed is None


def test_our_folds_are_tested_against_each_row() -> None:
    plan = make_plan(protocol="session")
    for row in literature.against("mtlser", OURS, OURS, "iemocap", plan):
        theirs = stats.ttest_ind_from_stats(
            0.72, 0.03, 10, row.wa.mean, row.wa.sd, 10, equal_var=False
        )
        assert row.welch_wa is not None
        assert row.welch_wa.p == pytest.approx(theirs.pvalue)
        assert "as published" in row.welch_wa.reading
        assert (row.welch_ua is None) == (row.ua is None)


def test_rows_are_comparable_only_on_their_own_corpus_and_folds() -> None:
    def comparable(corpus: str, protocol: str) -> list[str]:
        plan = make_plan().model_copy(update={"protocol": protocol})
        rows = literature.against("mtlser", OURS, OURS, corpus, plan)
        assert all((row.why_not is None) == row.comparable for row in rows)
        return [row.key for row in rows if row.comparable]

    assert comparable("iemocap", "session") == []
    assert comparable("iemocap", "recording") == ["cai"]
    assert comparable("iemocap", "random") == ["mtlser"]
    assert comparable("emodb", "random") == []


def test_scores_carry_the_rows() -> None:
    plan = make_plan(folds=3)
    recipe = make_recipe("baseline.systems=[]")
    result = scores.measure(make_predictions(plan), plan, recipe).literature
    assert [row.key for row in result] == list(ROWS)
    assert all(row.welch_wa is not None and row.why_not for row in result)
    single = make_plan(folds=1)
    alone = [make_prediction(name) for name in single.folds[0].test]
    assert all(row.welch_wa is None for row in scores.measure(alone, single, recipe).literature)


def test_the_page_shows_the_rows_in_percent() -> None:
    shown = {row[0]: row for row in fact_tables.published(literature.table_4()).rows}
    for row in ROWS.values():
        printed = f"{row.wa.mean * 100:.2f} ± {row.wa.sd * 100:.2f}"
        assert shown[row.method][2] == printed
        assert shown[row.method][6] == p_value(row.p_recomputed)
    assert shown["STRL-SER (Chen 2023b)"][1:3] == ("79.32 ± 0.50", "81.60 ± 0.85")
    assert shown["SVM (Kurpukdee 2017)"][1] == "–"
    assert fact_tables.published_noise().rows[0][:2] == ("0", "64.34 ± 0.83")
