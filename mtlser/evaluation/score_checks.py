"""Refuses predictions that would give a wrong score: leaked, doubled, missing, or no numbers."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import MAIN_SYSTEM
from mtlser.recipe import Recipe
from mtlser.records import CLEAN, FoldPlan, Prediction, Split

TOLERANCE = 1e-3
"""How far probabilities may sum from 1."""

Group = tuple[str, Split, str, int]
"""System, split, condition, fold."""


def check(predictions: Sequence[Prediction], plan: FoldPlan, recipe: Recipe) -> None:
    """Refuses predictions that cannot be scored on this plan.

    Raises:
        MtlserError: probabilities that are no distribution, an utterance that is predicted twice,
            that does not belong to its fold's split, or whose truth changes; a fold, a system or
            part of a test set that is missing; several seeds or recipes in one heap.
    """
    if not predictions:
        raise MtlserError("no predictions to score; run `mtlser train` for each cell first")
    _check_one("seed", {str(p.seed) for p in predictions})
    _check_one("recipe hash", {p.recipe_hash for p in predictions})
    _check_probabilities(predictions)
    groups = _grouped(predictions)
    _check_membership(groups, plan)
    _check_truth(predictions)
    _check_systems({p.system for p in predictions}, plan, recipe)
    _check_complete(groups, plan, predictions[0].seed)


def _check_one(what: str, seen: set[str]) -> None:
    if len(seen) > 1:
        raise MtlserError(
            f"predictions of more than one {what} ({', '.join(sorted(seen))}); expected one; "
            "report each by itself with `mtlser report`"
        )


def _check_probabilities(predictions: Iterable[Prediction]) -> None:
    classes: list[str] | None = None
    for prediction in predictions:
        values = prediction.emotion_probabilities
        classes = classes or list(values)
        if list(values) != classes or prediction.emotion_true not in values:
            raise MtlserError(
                f"{_name(prediction)}: classes {', '.join(values)} with true class "
                f"{prediction.emotion_true!r}; expected {', '.join(classes)}; predict it again"
            )
        total = sum(values.values())
        inside = all(0 <= value <= 1 for value in values.values())
        if not (inside and math.isclose(total, 1.0, abs_tol=TOLERANCE)):
            seen = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            raise MtlserError(
                f"{_name(prediction)}: probabilities {seen}; expected each in 0-1 and a sum of 1; "
                "train the cell again with `mtlser train`"
            )


def _check_truth(predictions: Iterable[Prediction]) -> None:
    known: dict[str, tuple[str, str | None]] = {}
    for prediction in predictions:
        truth = (prediction.emotion_true, prediction.text_true)
        before = known.setdefault(prediction.utterance_id, truth)
        if before != truth:
            raise MtlserError(
                f"{_name(prediction)}: true class and transcript are {truth} here but {before} "
                "elsewhere; expected one corpus; run all cells again from `mtlser ingest` on"
            )


def _grouped(predictions: Iterable[Prediction]) -> dict[Group, set[str]]:
    """Utterance ids by group; refuses an id that is there twice."""
    groups: dict[Group, set[str]] = defaultdict(set)
    for prediction in predictions:
        group = (prediction.system, prediction.split, prediction.condition, prediction.fold)
        if prediction.utterance_id in groups[group]:
            raise MtlserError(
                f"{_name(prediction)}: predicted twice (seed {prediction.seed}); give each result "
                "folder once to `mtlser report`"
            )
        groups[group].add(prediction.utterance_id)
    return groups


def _check_membership(groups: dict[Group, set[str]], plan: FoldPlan) -> None:
    folds = {fold.index: fold for fold in plan.folds}
    for (system, split, condition, index), ids in sorted(groups.items()):
        if index not in folds:
            raise MtlserError(
                f"{system} predicts fold {index}; the plan has folds "
                f"{', '.join(map(str, folds))}; give the plan it was trained on with `--folds`"
            )
        strange = ids - set(getattr(folds[index], split))
        if strange:
            raise MtlserError(
                f"{system}, fold {index}, {condition}: {len(strange)} utterances, for example "
                f"{min(strange)!r}, are not in this fold's {split} split, so training may have "
                "seen them; give the plan it was trained on with `--folds`"
            )


def _check_systems(seen: set[str], plan: FoldPlan, recipe: Recipe) -> None:
    for system in (MAIN_SYSTEM, *recipe.baseline.systems):
        if system not in seen:
            raise MtlserError(
                f"no prediction by {system}; seen are {', '.join(sorted(seen))}; run "
                f"`mtlser train --cell {system}:f{plan.folds[0].index}:s{recipe.seed}` and the "
                "other folds"
            )


def _check_complete(groups: dict[Group, set[str]], plan: FoldPlan, seed: int) -> None:
    """Each (system, split, condition) covers every fold, and all of each fold's split."""
    systems = {system for system, *_ in groups}
    wanted: set[tuple[str, Split, str]] = {(system, "test", CLEAN) for system in systems}
    wanted |= {(system, split, condition) for system, split, condition, _ in groups}
    for system, split, condition in sorted(wanted):
        stage = "train" if condition == CLEAN else "noise-eval"
        absent = [
            f.index for f in plan.folds if not groups.get((system, split, condition, f.index))
        ]
        absent = [i for i in absent if _size(plan, i, split)]
        if absent:
            raise MtlserError(
                f"{system}, {split}, {condition}: no prediction for fold "
                f"{', '.join(map(str, absent))} of {len(plan.folds)}; run "
                f"`mtlser {stage} --cell {system}:f{absent[0]}:s{seed}`"
            )
        for fold in plan.folds:
            given = groups.get((system, split, condition, fold.index), set())
            missing = set(getattr(fold, split)) - given
            if missing:
                raise MtlserError(
                    f"{system}, fold {fold.index}, {split}, {condition}: {len(missing)} of "
                    f"{_size(plan, fold.index, split)} utterances have no prediction, for example "
                    f"{min(missing)!r}; run `mtlser {stage} --cell {system}:f{fold.index}:s{seed}`"
                )


def _size(plan: FoldPlan, index: int, split: Split) -> int:
    return next(len(getattr(fold, split)) for fold in plan.folds if fold.index == index)


def _name(prediction: Prediction) -> str:
    return (
        f"{prediction.utterance_id} ({prediction.system}, fold {prediction.fold}, "
        f"{prediction.split}, {prediction.condition})"
    )
