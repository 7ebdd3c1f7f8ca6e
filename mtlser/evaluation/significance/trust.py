"""Which test of a comparison may be believed, and why, in words."""

from mtlser.evaluation.score_records import Comparison
from mtlser.evaluation.significance.statistics import LEVEL
from mtlser.records import FoldPlan

FEW_SPEAKERS = 20
"""Below this many drawn speakers a percentile interval is named as too narrow."""
CORRECTED = "corrected resampled t"


def trust(row: Comparison, plan: FoldPlan, comparisons: int) -> str:
    """Some sentences: the test to believe first, then what is wrong with each other one.

    Args:
        row: the comparison, with all tests that were defined.
        plan: the folds.
        comparisons: how many comparisons the Holm correction is over.
    """
    said = []
    if plan.leaks:
        said.append(
            f"Believe none as a statement on new speakers: {plan.protocol} has test speakers in "
            "train, for both systems."
        )
    said += [_believe(row), *_folds(row, comparisons), *_speakers(row), *_disagreement(row)]
    return " ".join(said)


def _believe(row: Comparison) -> str:
    tests = {test.kind: test for test in row.paired}
    if CORRECTED in tests:
        return (
            f"Believe the corrected resampled t (p = {tests[CORRECTED].p:.2g}): it is paired on "
            "the same folds and allows for the training data that folds share; it stands for one "
            "planned comparison, without a correction for several."
        )
    if row.bootstrap is not None:
        return (
            "No test over folds is defined here; the bootstrap over speakers is what remains, and "
            "it knows nothing of another training's outcome."
        )
    return "No test is defined here: with one fold and one speaker nothing can be said of others."


def _folds(row: Comparison, comparisons: int) -> list[str]:
    """What is wrong with the tests over folds."""
    said = []
    if row.welch is not None:
        holm = f", {row.p_holm:.2g} by Holm over {comparisons}" if row.p_holm is not None else ""
        said.append(
            f"Welch (p = {row.welch.p:.2g}{holm}) is there because the paper uses it: it takes "
            "folds as independent, which they are not since they share training data, and it "
            "leaves out that both systems met the same folds."
        )
    kinds = {test.kind: test for test in row.paired}
    if "paired t" in kinds:
        said.append(
            "The paired t-test and Wilcoxon's use the pairing but not the shared training data: "
            "their p are too small."
        )
    if "wilcoxon" in kinds and 2 * 0.5 ** kinds["wilcoxon"].n > LEVEL:
        said.append(
            f"With {kinds['wilcoxon'].n} folds Wilcoxon's test cannot reach {LEVEL} at all."
        )
    return said


def _speakers(row: Comparison) -> list[str]:
    """What is wrong with what is counted on utterances and speakers."""
    said = []
    if row.bootstrap is not None:
        few = row.bootstrap.speakers < FEW_SPEAKERS
        said.append(
            f"The bootstrap draws {row.bootstrap.speakers} speakers and takes the trained systems "
            f"as they are{', so its interval is somewhat too narrow' if few else ''}."
        )
    if row.mcnemar is not None:
        said.append(
            "McNemar takes utterances as independent; those of one speaker are alike, so its p "
            "is too small."
        )
    return said


def _disagreement(row: Comparison) -> list[str]:
    """A sentence where Welch finds a difference that the test to believe does not."""
    for test in row.paired:
        if test.kind == CORRECTED and row.welch is not None:
            adjusted = row.welch.p if row.p_holm is None else row.p_holm
            if adjusted < LEVEL <= test.p:
                return ["Welch shows a difference that the test to believe does not: not shown."]
    return []
