"""Whether the metrics that decide something have a value on these folds, asked before training."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mtlser.errors import MtlserError
from mtlser.evaluation.notes import few
from mtlser.recipe import Recipe
from mtlser.records import Fold, FoldPlan, Utterance

Side = Literal["validation", "test", "speaker_check"]
TRANSCRIPT_METRICS = {"wer", "cer"}
"""Those that need a reference transcript; a metric of classes has a value wherever a side does."""


def check(recipe: Recipe, plan: FoldPlan, utterances: Sequence[Utterance]) -> None:
    """Returns if `search.metric` and `registry.metrics` have a value on every fold.

    A metric without a value is neither perfect nor 0: nothing can be chosen by it.

    Raises:
        MtlserError: a fold has no transcript, or no utterance, to measure a metric on.
    """
    by_id = {utterance.id: utterance for utterance in utterances}
    _refuse("search.metric", recipe.search.metric, "validation", plan, by_id)
    for metric in recipe.registry.metrics:
        side: Side = "speaker_check" if metric == "speaker_accuracy" else "test"
        _refuse("registry.metrics", metric, side, plan, by_id)


def _refuse(
    key: str, metric: str, side: Side, plan: FoldPlan, by_id: Mapping[str, Utterance]
) -> None:
    lacking = [fold for fold in plan.folds if not _has_value(metric, side, fold, by_id)]
    if not lacking:
        return
    needed = "transcript" if metric in TRANSCRIPT_METRICS else "utterance"
    where = f"every one of {len(plan.folds)} folds"
    if len(lacking) < len(plan.folds):
        where = f"fold {few(fold.name for fold in lacking)}"
    shown = "ua" if key == "search.metric" else '["ua"]'
    raise MtlserError(
        f"{key} = {metric!r}: there is no {needed} in {side} of {where}, so this metric has no "
        f"value there and nothing can be chosen by it; use `--set {key}={shown}`, or ingest a "
        "corpus that has them"
    )


def _has_value(metric: str, side: Side, fold: Fold, by_id: Mapping[str, Utterance]) -> bool:
    shown = [by_id[name] for name in getattr(fold, side)]
    if metric in TRANSCRIPT_METRICS:
        return any((utterance.text or "").split() for utterance in shown)
    return bool(shown)
