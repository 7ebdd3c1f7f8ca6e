"""Advice on which test of a comparison to trust, and why."""

from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.significance.statistics import LEVEL, negligible
from mtlser.records import FoldPlan

FEW_SPEAKERS = 20
"""Below this many drawn speakers a percentile interval is named as too narrow."""


def trust(row: Comparison, plan: FoldPlan) -> str:
    """Some sentences: the test to trust first, then the flaw of each other one.

    Args:
        row: the comparison, with all tests that were defined, adjusted for their number.
        plan: the folds.
    """
    sentences = []
    if plan.leaks:
        sentences.append(
            f"No test says anything about new speakers: under {plan.protocol} the test speakers "
            "are in training, for both systems."
        )
    sentences += [_believe(row), *_folds(row), *_speakers(row), *_disagreement(row)]
    return " ".join(sentences)


def _believe(row: Comparison) -> str:
    if row.corrected is not None:
        return (
            f"Trust the corrected resampled t-test (p = {row.corrected.p:.2g}"
            f"{_by_holm(row.p_adjusted, row.family)}): it compares the systems on the same folds "
            "and accounts for the training data that folds share. "
            f"{_judged(row)}"
        )
    if row.same_gap:
        return _same_gap(row)
    if row.bootstrap is not None:
        return (
            "No test over folds is defined here, which leaves the bootstrap over speakers; it "
            "ignores that training again would give another result."
        )
    return "No test is defined here: one fold with one speaker says nothing about others."


def _judged(row: Comparison) -> str:
    """How many comparisons the verdict allows for."""
    if row.family > 1:
        return (
            f"The verdict is by Holm's p, over all {row.family} systems that are compared with "
            f"{row.main} on {row.metric.upper()}; the interval is for this comparison alone."
        )
    return "It is the only comparison on this metric, so its p needs no adjustment."


def _same_gap(row: Comparison) -> str:
    """What can be said where every fold has the same difference."""
    assert row.gap is not None
    if abs(row.gap) <= negligible(row.gap):
        return "The two score the same on every fold: no t-test is defined, and there is no gap."
    wilcoxon = next((test for test in row.paired if test.kind == "wilcoxon"), None)
    ranks = f", and Wilcoxon's test gives p = {wilcoxon.p:.2g}" if wilcoxon is not None else ""
    return (
        f"Every fold differs by the same {abs(row.gap) * 100:.1f} points, so that no t-test is "
        f"defined{ranks}. There is no verdict."
    )


def _by_holm(p: float | None, family: int) -> str:
    return f", {p:.2g} by Holm over {family}" if p is not None and family > 1 else ""


def _folds(row: Comparison) -> list[str]:
    """The flaws of the tests over folds."""
    sentences = []
    if row.welch is not None:
        holm = _by_holm(row.p_holm, row.family)
        sentences.append(
            f"Welch's test (p = {row.welch.p:.2g}{holm}) is listed because the paper uses it: it "
            "assumes independent folds, but folds share training data, and it ignores that both "
            "systems were tested on the same folds."
        )
    kinds = {test.kind: test for test in row.paired}
    if "paired t" in kinds:
        sentences.append(
            "The paired t-test and Wilcoxon's test use the same folds but ignore the shared "
            "training data: their p-values are too small."
        )
    least = kinds["wilcoxon"].least_p if "wilcoxon" in kinds else None
    if least is not None and least > LEVEL:
        sentences.append(
            f"Wilcoxon's test cannot go below p = {least:.4g} here and cannot reach p = {LEVEL}: "
            "it counts the folds that differ."
        )
    return sentences


def _speakers(row: Comparison) -> list[str]:
    """The flaws of the tests over utterances and speakers."""
    sentences = []
    if row.bootstrap is not None:
        few = row.bootstrap.speakers < FEW_SPEAKERS
        sentences.append(
            f"The bootstrap resamples {row.bootstrap.speakers} speakers and keeps the trained "
            f"systems fixed{'; with so few its interval is too narrow' if few else ''}."
        )
    if row.mcnemar is not None:
        sentences.append(
            "McNemar's test assumes independent utterances; those of one speaker are alike, so its "
            "p-value is too small."
        )
    return sentences


def _disagreement(row: Comparison) -> list[str]:
    """A sentence where Welch's test is significant and the one to trust is not."""
    if row.significant is False and row.p_holm is not None and row.p_holm < LEVEL:
        return [
            "Welch's test is significant and the corrected one is not: do not report a difference."
        ]
    return []
