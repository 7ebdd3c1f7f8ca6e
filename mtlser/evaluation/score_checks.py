"""Refuses predictions that would give a wrong score: leaked, doubled, missing, or no numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.evaluation.columns import NONE, Block, Columns, Group
from mtlser.evaluation.score_records import MAIN_SYSTEM
from mtlser.recipe import Recipe
from mtlser.records import CLEAN, Cell, Fold, FoldPlan, Prediction, Split

TOLERANCE = 1e-3
"""How far probabilities may sum from 1."""
Mask = NDArray[np.bool_]
"""Which utterances, by their place in `Truth.names`."""


def check(columns: Columns, plan: FoldPlan, recipe: Recipe, main: str = MAIN_SYSTEM) -> None:
    """Refuses predictions that cannot be scored on this plan.

    Raises:
        MtlserError: a plan that trains on what it tests or tests an utterance in two folds; an
            utterance that does not belong to its fold's split, or whose truth changes; under
            `loso` and `session` a test speaker who is also trained on; a fold, a system or part
            of a test set that is missing.
    """
    _check_plan(plan)
    wanted = _Wanted(columns, plan)
    _check_membership(columns, plan, wanted)
    if columns.contradiction is not None:
        raise MtlserError(columns.contradiction)
    _check_systems(columns.systems, plan, recipe, main)
    _check_complete(columns, plan, wanted)
    if not plan.leaks and recipe.train.speaker_label == "actor":
        _check_speakers(columns, plan, wanted)


def _check_plan(plan: FoldPlan) -> None:
    """A plan's folds are disjoint inside, and test each utterance once."""
    for fold in plan.folds:
        lists = [getattr(fold, split) for split in get_args(Split)]
        if len(set().union(*lists)) < sum(map(len, lists)):
            _refuse_overlap(fold)
    tested: dict[str, int] = {}
    for fold in plan.folds:
        for name in fold.test:
            if tested.setdefault(name, fold.index) != fold.index:
                raise MtlserError(
                    f"{name} is tested in fold {tested[name]} and in fold {fold.index}, so it "
                    "would count twice; cut the folds again with `mtlser split`"
                )


def _refuse_overlap(fold: Fold) -> None:
    place: dict[str, Split] = {}
    for split in get_args(Split):
        for name in getattr(fold, split):
            if name in place:
                raise MtlserError(
                    f"fold {fold.index} ({fold.name}) has {name} in {place[name]} and in {split}, "
                    "so it leaks; cut the folds again with `mtlser split`"
                )
            place[name] = split


@dataclass(frozen=True)
class _Lacking:
    """A split's utterances: those that some prediction names, and the names that none does."""

    known: Mask
    unknown: tuple[str, ...]


class _Wanted:
    """What each fold's split asks for, as masks over the predicted utterances."""

    def __init__(self, columns: Columns, plan: FoldPlan) -> None:
        self._place = {name: index for index, name in enumerate(columns.truth.names)}
        self._folds = {fold.index: fold for fold in plan.folds}
        self._lacking: dict[tuple[int, Split], _Lacking] = {}

    def of(self, fold: int, split: Split) -> _Lacking:
        """The split of a fold of the plan."""
        if (fold, split) not in self._lacking:
            known = np.zeros(len(self._place), dtype=np.bool_)
            names: tuple[str, ...] = getattr(self._folds[fold], split)
            places = np.fromiter(map(self._place.get, names, repeat(NONE)), np.int64, len(names))
            known[places[places != NONE]] = True
            unknown = tuple(names[i] for i in np.flatnonzero(places == NONE))
            self._lacking[fold, split] = _Lacking(known, unknown)
        return self._lacking[fold, split]


def _check_membership(columns: Columns, plan: FoldPlan, wanted: _Wanted) -> None:
    folds = {fold.index for fold in plan.folds}
    for (system, split, condition), block in sorted(columns.blocks.items()):
        strange_folds = sorted(set(np.unique(block.fold).tolist()) - folds)
        if strange_folds:
            raise MtlserError(
                f"{system} predicts fold {strange_folds[0]}; the plan has folds "
                f"{', '.join(map(str, sorted(folds)))}; give the plan it was trained on with "
                "`--folds`"
            )
        for fold, own in block.by_fold(sorted(folds)):
            outside = own.utterance[~wanted.of(fold, split).known[own.utterance]]
            if len(outside):
                raise MtlserError(
                    f"{system}, fold {fold}, {condition}: {len(outside)} utterances, for example "
                    f"{min(columns.truth.names[i] for i in outside)!r}, are not in this fold's "
                    f"{split} split, so training may have seen them; give the plan it was trained "
                    "on with `--folds`"
                )


def _check_systems(seen: Iterable[str], plan: FoldPlan, recipe: Recipe, main: str) -> None:
    for system in (main, *recipe.baseline.systems):
        if system not in seen:
            cell = Cell(system=system, fold=plan.folds[0].index, seed=recipe.seed)
            raise MtlserError(
                f"no prediction by {system}; seen are {', '.join(sorted(seen))}; run "
                f"`mtlser train {cell.flags}` and the other folds"
            )


def _check_complete(columns: Columns, plan: FoldPlan, wanted: _Wanted) -> None:
    """Every seed of a system predicts all of each fold's split, under each of its conditions."""
    groups: set[Group] = {(system, "test", CLEAN) for system in columns.systems}
    groups |= columns.blocks.keys()
    for group in sorted(groups):
        block = columns.blocks.get(group)
        by_seed: dict[int, Block] = dict(block.by_seed()) if block else {}
        for seed in columns.seeds_of(group[0]):
            _check_seed(columns, group, seed, by_seed.get(seed), plan, wanted)


def _check_seed(
    columns: Columns, group: Group, seed: int, block: Block | None, plan: FoldPlan, wanted: _Wanted
) -> None:
    """One seed's predictions of a group are there for every fold, and whole."""
    (system, split, condition), named = group, f", seed {seed}" if len(columns.seeds) > 1 else ""
    again = "mtlser train" if condition == CLEAN else "mtlser noise-eval"
    by_fold = dict(block.by_fold([fold.index for fold in plan.folds])) if block else {}
    absent = [f.index for f in plan.folds if f.index not in by_fold and getattr(f, split)]
    if absent:
        raise MtlserError(
            f"{system}, {split}, {condition}{named}: no prediction for fold "
            f"{', '.join(map(str, absent))} of {len(plan.folds)}; run "
            f"`{again} {Cell(system=system, fold=absent[0], seed=seed).flags}`"
        )
    for fold in plan.folds:
        if fold.index not in by_fold:
            continue
        missing = _missing(columns, by_fold[fold.index], wanted.of(fold.index, split))
        if missing:
            raise MtlserError(
                f"{system}, fold {fold.index}, {split}, {condition}{named}: {len(missing)} of "
                f"{len(getattr(fold, split))} utterances have no prediction, for example "
                f"{min(missing)!r}; run "
                f"`{again} {Cell(system=system, fold=fold.index, seed=seed).flags}`"
            )


def _missing(columns: Columns, block: Block, wanted: _Lacking) -> list[str]:
    """Names that a split asks for and the block has not."""
    left = wanted.known.copy()
    left[block.utterance] = False
    return [*wanted.unknown, *(columns.truth.names[i] for i in np.flatnonzero(left))]


def _check_speakers(columns: Columns, plan: FoldPlan, wanted: _Wanted) -> None:
    """No speaker is on both sides of a fold, by the true speakers of the predictions."""
    for fold in plan.folds:
        speakers = columns.truth.speaker
        tested = set(speakers[wanted.of(fold.index, "test").known].tolist()) - {NONE}
        trained = _trained(fold, wanted)
        shared = tested & set(speakers[trained].tolist())
        if shared:
            who = min(columns.speakers[speaker] for speaker in shared)
            seen = trained & (speakers == columns.speakers.index(who))
            raise MtlserError(
                f"fold {fold.index} ({fold.name}) tests {who}, who also speaks "
                f"{columns.truth.names[int(np.flatnonzero(seen)[0])]} of its training side: a leak "
                f"under {plan.protocol}; cut the folds again with `mtlser split`"
            )


def _trained(fold: Fold, wanted: _Wanted) -> Mask:
    sides: tuple[Split, ...] = ("train", "validation", "speaker_check")
    return np.logical_or.reduce([wanted.of(fold.index, side).known for side in sides])


def label(prediction: Prediction) -> str:
    """The prediction by utterance, system, fold, split and condition, for an error."""
    return (
        f"{prediction.utterance_id} ({prediction.system}, fold {prediction.fold}, "
        f"{prediction.split}, {prediction.condition})"
    )


def check_recipe(first: str, this: str) -> None:
    """Refuses predictions of two recipes together."""
    if first != this:
        raise MtlserError(
            f"predictions of more than one recipe hash ({first}, {this}); expected one; "
            "report each by itself with `mtlser report`"
        )


def check_probabilities(prediction: Prediction, classes: Sequence[str]) -> None:
    """Refuses probabilities of other classes, or that are no distribution."""
    values = prediction.emotion_probabilities
    if list(values) != list(classes) or prediction.emotion_true not in values:
        raise MtlserError(
            f"{label(prediction)}: classes {', '.join(values)} with true class "
            f"{prediction.emotion_true!r}; expected {', '.join(classes)}; predict it again"
        )
    inside = min(values.values()) >= 0 and max(values.values()) <= 1
    if not (inside and math.isclose(sum(values.values()), 1.0, abs_tol=TOLERANCE)):
        seen = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        raise MtlserError(
            f"{label(prediction)}: probabilities {seen}; expected each in 0-1 and a sum of 1; "
            "train the cell again with `mtlser train`"
        )


def check_repeats(columns: Columns) -> None:
    """Refuses an utterance that one system predicts twice in one fold, split and condition."""
    for (system, split, condition), block in columns.blocks.items():
        each = (block.utterance, block.fold, block.seed)
        same = np.logical_and.reduce([np.diff(column) == 0 for column in each])
        if same.any():
            at = int(np.argmax(same))
            raise MtlserError(
                f"{columns.truth.names[block.utterance[at]]} ({system}, fold {block.fold[at]}, "
                f"{split}, {condition}): predicted twice (seed {block.seed[at]}); give each result "
                "folder once to `mtlser report`"
            )
