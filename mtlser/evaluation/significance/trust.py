"""Advice on which test of a comparison to trust, and why."""

from mtlser.evaluation.score_records import Comparison
from mtlser.evaluation.significance.statistics import LEVEL
from mtlser.records import FoldPlan

FEW_SPEAKERS = 20
"""Below this many drawn speakers a percentile interval is named as too narrow."""
CORRECTED = "corrected resampled t"


def trust(row: Comparison, plan: FoldPlan, comparisons: int) -> str:
    """Some sentences: the test to trust first, then the flaw of each other one.

    Args:
        row: the comparison, with all tests that were defined.
        plan: the folds.
        comparisons: how many comparisons the Holm correction is over.
    """
    sentences = []
    if plan.leaks:
        sentences.append(
            f"No test says anything about new speakers: under {plan.protocol} the test speakers "
            "are in training, for both systems."
        )
    sentences += [_believe(row), *_folds(row, comparisons), *_speakers(row), *_disagreement(row)]
    return " ".join(sentences)


def _believe(row: Comparison) -> str:
    tests = {test.kind: test for test in row.paired}
    if CORRECTED in tests:
        return (
            f"Trust the corrected resampled t-test (p = {tests[CORRECTED].p:.2g}): it compares the "
            "systems on the same folds and accounts for the training data that folds share. It is "
            "for one planned comparison, without a correction for several."
        )
    if row.bootstrap is not None:
        return (
            "No test over folds is defined here, which leaves the bootstrap over speakers; it "
            "ignores that training again would give another result."
        )
    return "No test is defined here: one fold with one speaker says nothing about others."


def _folds(row: Comparison, comparisons: int) -> list[str]:
    """The flaws of the tests over folds."""
    sentences = []
    if row.welch is not None:
        holm = f", {row.p_holm:.2g} by Holm over {comparisons}" if row.p_holm is not None else ""
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
    if "wilcoxon" in kinds and 2 * 0.5 ** kinds["wilcoxon"].n > LEVEL:
        sentences.append(
            f"With {kinds['wilcoxon'].n} folds Wilcoxon's test cannot reach p = {LEVEL}."
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
    for test in row.paired:
        if test.kind == CORRECTED and row.welch is not None:
            adjusted = row.welch.p if row.p_holm is None else row.p_holm
            if adjusted < LEVEL <= test.p:
                return [
                    "Welch's test is significant and the corrected one is not: do not report a "
                    "difference."
                ]
    return []
