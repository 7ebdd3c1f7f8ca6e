"""The main system's scores on the utterances of each speaker, of each gender and corpus."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from mtlser.evaluation.columns import Block, Columns
from mtlser.evaluation.numbers import numbers
from mtlser.evaluation.score_records import UNKNOWN, GroupKind, GroupScores
from mtlser.records import FoldPlan, Utterance

Described = Mapping[GroupKind, Mapping[str, str | None]]
"""For each kind of group, the group of each utterance by its id; `None` where it is not known."""


def described(utterances: Iterable[Utterance]) -> Described:
    """What the manifest tells of utterances: genders, and corpora where several are joined."""
    genders: dict[str, str | None] = {}
    corpora: dict[str, str | None] = {}
    for utterance in utterances:
        genders[utterance.id], corpora[utterance.id] = utterance.gender, utterance.corpus
    return {"gender": genders, **({"corpus": corpora} if len(set(corpora.values())) > 1 else {})}


def group_scores(
    columns: Columns, block: Block, plan: FoldPlan, kinds: Described | None = None
) -> tuple[GroupScores, ...]:
    """Speakers, then genders, then corpora, each from the lowest UA to the highest.

    All folds are taken together.

    Args:
        columns: where the block's utterances are described.
        block: predictions of one system on one split under one condition.
        plan: the folds, for their names.
        kinds: further kinds of groups, as `described` reads them of a manifest.
    """
    truth = columns.truth
    names = (*columns.speakers, UNKNOWN)  # place -1 is the last
    speakers = [names[place] for place in truth.speaker[block.utterance].tolist()]
    scores = _of_kind("speaker", speakers, columns, block, plan)
    for kind, groups in (kinds or {}).items():
        named = [groups.get(truth.names[i]) or UNKNOWN for i in block.utterance.tolist()]
        scores += _of_kind(kind, named, columns, block, plan)
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
