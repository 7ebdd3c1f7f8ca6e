"""The main system's scores on the utterances of each speaker and of each gender."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mtlser.evaluation.columns import Block, Columns
from mtlser.evaluation.numbers import numbers
from mtlser.evaluation.score_records import UNKNOWN, GroupKind, GroupScores
from mtlser.records import FoldPlan


def group_scores(
    columns: Columns, block: Block, plan: FoldPlan, genders: Mapping[str, str | None] | None = None
) -> tuple[GroupScores, ...]:
    """Speakers, then genders, each from the lowest UA to the highest; all folds together.

    Args:
        columns: where the block's utterances are described.
        block: predictions of one system on one split under one condition.
        plan: the folds, for their names.
        genders: gender by utterance id, `None` where it is not known; without the mapping no
            gender is scored.
    """
    truth = columns.truth
    names = (*columns.speakers, UNKNOWN)  # place -1 is the last
    speakers = [names[place] for place in truth.speaker[block.utterance].tolist()]
    scores = _of_kind("speaker", speakers, columns, block, plan)
    if genders is not None:
        named = [genders.get(truth.names[i]) or UNKNOWN for i in block.utterance.tolist()]
        scores += _of_kind("gender", named, columns, block, plan)
    return tuple(scores)


def _of_kind(
    kind: GroupKind, labels: Sequence[str], columns: Columns, block: Block, plan: FoldPlan
) -> list[GroupScores]:
    fold_names = {fold.index: fold.name for fold in plan.folds}
    scores = []
    for name, own in _parts(labels, block):
        measured = numbers(columns, own)
        scores.append(
            GroupScores(
                kind=kind,
                name=name,
                utterances=measured.utterances,
                wa=measured.wa,
                ua=measured.ua,
                wer=measured.wer,
                folds=tuple(fold_names[index] for index in np.unique(own.fold).tolist()),
            )
        )
    return sorted(scores, key=lambda group: (group.ua, group.wa, group.name))


def _parts(labels: Sequence[str], block: Block) -> Iterator[tuple[str, Block]]:
    """Yields each label with the entries of the block that have it, in alphabetical order."""
    names, place = np.unique(np.asarray(labels), return_inverse=True)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(len(names) + 1))
    for index, name in enumerate(names.tolist()):
        yield name, block.where(order[bounds[index] : bounds[index + 1]])
