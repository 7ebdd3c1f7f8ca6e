"""Whether a challenger may become champion: two recipes measured on the same folds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import MAIN_SYSTEM, Scores
from mtlser.evaluation.significance import comparison, noninferiority, statistics
from mtlser.evaluation.verification import recheck
from mtlser.recipe import RegistryRecipe
from mtlser.records import Fold, FoldPlan, read_json
from mtlser.registry.gate_records import Gate, MetricTest
from mtlser.storage.layout import FOLDS, PREDICTIONS, SCORES

REPORT_FILES = (SCORES, FOLDS, PREDICTIONS)
"""What a report needs to have, so that its figures can be derived again."""
LOWER_IS_BETTER = {"wer", "cer"}
FIELDS = {"f1": "macro_f1"}
"""Names in the scores, where they are not the recipe's."""


@dataclass(frozen=True)
class Reported:
    """A report folder, as far as the gate needs it."""

    scores: Scores
    plan: FoldPlan


def reported(folder: Path) -> Reported:
    """The scores and the folds of a report folder, derived again from its predictions.

    Raises:
        MtlserError: a file is missing or is something else, so that the figures cannot be derived
            again, or they are not those of the predictions.
    """
    for name in REPORT_FILES:
        if not (folder / name).is_file():
            raise MtlserError(
                f"{folder / name}: no such file, so the figures of this report cannot be derived "
                f"again and decide no promotion; expected {', '.join(REPORT_FILES)} in one folder; "
                "write the report again with `mtlser report`"
            )
    recheck.check(folder)
    return Reported(read_json(folder / SCORES, Scores), read_json(folder / FOLDS, FoldPlan))


def weigh(challenger: Reported, champion: Reported, rules: RegistryRecipe) -> Gate:
    """Whether the challenger passes the recipe's rule against the champion's recipe.

    `not_worse` asks every metric to pass on its own: for a wrong promotion each has to err, so the
    level needs no adjusting. `better` asks for a gain that Welch's test with Holm's adjustment
    shows on the first metric, and for no loss that it shows on any.
    """
    folds = len(challenger.plan.folds)
    refusal = incomparable(challenger, champion, rules.metrics)
    if refusal is not None:
        return decided(rules, folds, passes=False, reason=refusal)
    judge = _not_worse if rules.rule == "not_worse" else _better
    tests = judge(challenger, champion, rules)
    passes = all(test.passes for test in tests)
    shown = [test.reading for test in tests if test.passes == passes]
    if rules.rule == "not_worse":
        words = "not worse" if passes else "not shown to be not worse"
        words = f"{words} by the margin {rules.margin:g} on {folds} folds"
    else:
        words = f"{'better' if passes else 'not shown to be better'} on {folds} folds"
    reason = f"{words}: {'; '.join(shown)}"
    return decided(rules, folds, passes=passes, reason=reason, tests=tests)


def decided(
    rules: RegistryRecipe,
    folds: int,
    *,
    passes: bool,
    reason: str,
    tests: tuple[MetricTest, ...] = (),
) -> Gate:
    """The record of a decision under the recipe's rules."""
    return Gate(
        rule=rules.rule,
        margin=rules.margin,
        level=rules.level,
        folds=folds,
        passes=passes,
        reason=reason,
        tests=tests,
    )


def incomparable(challenger: Reported, champion: Reported, metrics: Sequence[str]) -> str | None:
    """Why the two reports decide nothing; `None` where they may be compared."""
    for name, side in (("challenger", challenger), ("champion", champion)):
        reason = unsound(side, name)
        if reason is not None:
            return reason
    different = comparison.differences(challenger.scores, champion.scores)
    if not different and challenger.plan.digest != champion.plan.digest:
        different = ["the folds' utterances differ"]
    if different:
        return f"the reports are not of the same folds of the same data: {'; '.join(different)}"
    if len(challenger.plan.folds) < 2:
        return "one fold only: there is no test over folds"
    for name, side in (("challenger", challenger), ("champion", champion)):
        for metric in metrics:
            missing = _missing(side, metric)
            if missing:
                return f"the {name} has no {metric} on {missing}"
    return None


def unsound(side: Reported, name: str) -> str | None:
    """Why a report is evidence of nothing; `None` where it is of some."""
    if side.scores.leaks or side.plan.leaks:
        return (
            f"the {name}'s protocol {side.scores.protocol} leaks test speakers into train, so "
            "its scores are no evidence"
        )
    if side.scores.main != MAIN_SYSTEM:
        about = f"the {name}'s report is about {side.scores.main}"
        return f"{about}, and a model of {MAIN_SYSTEM} is registered; report it without `--main`"
    for claim in side.scores.claims:
        if (claim.name, claim.state) == ("speakers", "no"):
            return f"the {name}'s scores are no evidence: {claim.detail}"
    if side.scores.folds_digest != side.plan.digest:
        return (
            f"the {name}'s scores do not say that they are of the folds beside them; write its "
            "report again with `mtlser report`"
        )
    return None


def values(side: Reported, metric: str) -> dict[int, float | None]:
    """The main system's metric by fold; `None` where the fold has none."""
    scores = side.scores.of(side.scores.main)
    if metric == "speaker_accuracy":
        speaker_folds = scores.speaker.folds if scores.speaker else ()
        return {fold.fold: fold.accuracy for fold in speaker_folds}
    field = FIELDS.get(metric, metric)
    return {fold.fold: getattr(fold.numbers, field) for fold in scores.clean.folds}


def _missing(side: Reported, metric: str) -> str:
    """The folds that lack the metric; empty where none does."""
    result = values(side, metric)
    lacking = []
    for fold in side.plan.folds:
        value = result.get(fold.index)
        if value is None or not math.isfinite(value):
            lacking.append(fold.name)
    if len(lacking) == len(side.plan.folds):
        return "any fold"
    return f"fold {', '.join(lacking)}" if lacking else ""


def _by_fold(side: Reported, metric: str) -> list[float]:
    result = values(side, metric)
    ordered = [result[fold.index] for fold in side.plan.folds]
    return [float(value) for value in ordered if value is not None]


def _sizes(plan: FoldPlan, metric: str) -> tuple[float, float]:
    """Mean number of utterances that a fold trains on, and that the metric is measured on."""

    def measured(fold: Fold) -> int:
        return len(fold.speaker_check if metric == "speaker_accuracy" else fold.test)

    folds = plan.folds
    return sum(len(f.train) for f in folds) / len(folds), sum(map(measured, folds)) / len(folds)


def _not_worse(
    challenger: Reported, champion: Reported, rules: RegistryRecipe
) -> tuple[MetricTest, ...]:
    tests = []
    for metric in rules.metrics:
        ours, theirs = _by_fold(challenger, metric), _by_fold(champion, metric)
        gains = _gains(metric, ours, theirs)
        sizes = _sizes(challenger.plan, metric)
        result = noninferiority.not_worse(gains, *sizes, rules.margin, rules.level)
        start = _start(metric, ours, theirs, result.gain)
        if result.p is None:
            reading = f"{start} on every fold"
        else:
            sure = f"{100 * (1 - rules.level):g} %"
            reading = (
                f"{start}, above {result.bound:+.4f} with {sure} confidence, p = {result.p:.2g}"
            )
        tests.append(
            MetricTest(
                metric=metric,
                better="lower" if metric in LOWER_IS_BETTER else "higher",
                challenger=_mean(ours),
                champion=_mean(theirs),
                gains=tuple(gains),
                gain=result.gain,
                low=result.bound,
                high=None,
                t=result.t,
                df=result.df,
                p=result.p,
                p_holm=None,
                passes=result.passes,
                reading=reading,
            )
        )
    return tuple(tests)


def _better(
    challenger: Reported, champion: Reported, rules: RegistryRecipe
) -> tuple[MetricTest, ...]:
    tests = [_welch(challenger, champion, metric, rules.level) for metric in rules.metrics]
    tested = [index for index, test in enumerate(tests) if test.p is not None]
    adjusted = statistics.holm([test.p for test in tests if test.p is not None])
    for index, p_holm in zip(tested, adjusted, strict=True):
        tests[index] = tests[index].model_copy(update={"p_holm": p_holm})
    return tuple(
        test.model_copy(
            update={
                "passes": _gained(test, rules.level)
                if index == 0
                else not _lost(test, rules.level),
                "reading": f"{test.reading}, {_p_in_words(test)}",
            }
        )
        for index, test in enumerate(tests)
    )


def _welch(challenger: Reported, champion: Reported, metric: str, level: float) -> MetricTest:
    """Welch's test of one metric, not yet judged; without spread on both sides there is none."""
    ours, theirs = _by_fold(challenger, metric), _by_fold(champion, metric)
    gains = _gains(metric, ours, theirs)
    gain = _mean(gains)
    low, high = gain, gain
    t: float | None = None
    df: float | None = None
    p: float | None = None
    try:
        result = statistics.welch(
            *((theirs, ours) if metric in LOWER_IS_BETTER else (ours, theirs))
        )
    except MtlserError:
        if abs(gain) <= statistics.negligible(*ours, *theirs):
            p = 1.0
    else:
        from scipy import stats

        error = math.hypot(result.a.sd / math.sqrt(result.a.n), result.b.sd / math.sqrt(result.b.n))
        half = float(stats.t.ppf(1 - level / 2, result.df)) * error
        low, high, t, df, p = gain - half, gain + half, result.t, result.df, result.p
    return MetricTest(
        metric=metric,
        better="lower" if metric in LOWER_IS_BETTER else "higher",
        challenger=_mean(ours),
        champion=_mean(theirs),
        gains=tuple(gains),
        gain=gain,
        low=low,
        high=high,
        t=t,
        df=df,
        p=p,
        p_holm=None,
        passes=False,
        reading=_start(metric, ours, theirs, gain),
    )


def _gained(test: MetricTest, level: float) -> bool:
    return test.gain > 0 and test.p_holm is not None and test.p_holm < level


def _lost(test: MetricTest, level: float) -> bool:
    """True where the loss is shown, and where it is there and cannot be tested."""
    return test.gain < 0 and (test.p_holm is None or test.p_holm < level)


def _p_in_words(test: MetricTest) -> str:
    if test.p_holm is None:
        return "without spread over folds, so no test is defined"
    return f"Welch p = {test.p_holm:.2g} after Holm"


def _gains(metric: str, ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    return [sign * (one - other) for one, other in zip(ours, theirs, strict=True)]


def _start(metric: str, ours: Sequence[float], theirs: Sequence[float], gain: float) -> str:
    return f"{metric} {_mean(ours):.4f} against {_mean(theirs):.4f}, a gain of {gain:+.4f}"


def _mean(given: Sequence[float]) -> float:
    return math.fsum(given) / len(given)
