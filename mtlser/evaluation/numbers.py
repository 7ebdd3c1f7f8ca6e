"""All metrics of one system on one split under one condition: by fold, pooled, and by style."""

from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from mtlser.errors import MtlserError
from mtlser.evaluation import counts, metrics, seeds
from mtlser.evaluation.columns import NONE, Block, Columns, Integers
from mtlser.evaluation.number_records import SPREAD_METRICS, Numbers, SeedNumbers, Spread
from mtlser.evaluation.score_records import (
    ConditionScores,
    FoldScores,
    SpeakerFold,
    SpeakerScores,
    means_of_seeds,
)
from mtlser.evaluation.significance import statistics
from mtlser.records import FoldPlan, Split


def numbers(columns: Columns, block: Block) -> Numbers:
    """All metrics of one set of utterances; where several seeds predict it, their means.

    Raises:
        MtlserError: only some predictions have a hypothesis.
    """
    return seeds.mean([of_seed.numbers for of_seed in _by_seed(columns, block)])


def _by_seed(columns: Columns, block: Block) -> list[SeedNumbers]:
    return [
        SeedNumbers(seed=seed, numbers=_of_one_seed(columns, own)) for seed, own in block.by_seed()
    ]


def _of_one_seed(columns: Columns, block: Block) -> Numbers:
    table = columns.confusion(block)
    recalls = counts.recalls(table).tolist()
    words = columns.truth.words[block.utterance]
    _check_hypotheses(block, words)
    return Numbers(
        utterances=len(block),
        wa=float(counts.weighted_accuracy(table)),
        ua=float(counts.unweighted_accuracy(table)),
        macro_f1=float(counts.macro_f1(table)),
        weighted_f1=float(counts.weighted_f1(table)),
        recall={
            name: recall
            for name, recall, size in zip(columns.classes, recalls, table.sum(axis=1), strict=True)
            if size
        },
        wer=_error_rate(block.word_edits, words),
        wer_normalised=_error_rate(
            block.normalised_edits, columns.truth.normalised_words[block.utterance]
        ),
        cer=_error_rate(block.character_edits, columns.truth.characters[block.utterance]),
        without_transcript=int((words == NONE).sum()),
        calibration_error=metrics.expected_calibration_error(
            block.confidence, columns.right(block)
        ),
        brier=float(block.brier.mean()),
        log_loss=float(block.log_loss.mean()),
        confusion=tuple(tuple(row) for row in table.tolist()),
    )


def condition_scores(
    columns: Columns, block: Block, plan: FoldPlan, split: Split, condition: str
) -> ConditionScores:
    """A block's metrics by fold, over folds, pooled, and for each style apart."""
    folds = _folds(columns, block, plan)
    styles, style_spreads = {}, {}
    style_of = columns.truth.style[block.utterance]
    for place, style in enumerate(columns.styles):
        own = block.where(style_of == place)
        if len(own):
            styles[style] = numbers(columns, own)
            style_spreads[style] = _spreads(_folds(columns, own, plan))
    recalls = {name: [fold.numbers.recall.get(name) for fold in folds] for name in columns.classes}
    return ConditionScores(
        split=split,
        condition=condition,
        folds=folds,
        spreads=_spreads(folds),
        recalls={n: spread for n, rates in recalls.items() if (spread := spread_of(rates))},
        pooled=numbers(columns, block),
        styles=styles,
        style_spreads=style_spreads,
        seed_spreads=_seed_spreads(folds),
    )


def spread_of(values: Iterable[float | None]) -> Spread | None:
    """Mean, SD and interval over the folds that have a value; `None` where none has."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) == 1:
        return Spread(mean=known[0], sd=None, n=1)
    summary = statistics.summarise(known)
    low, high = statistics.mean_interval(summary)
    return Spread(mean=summary.mean, sd=summary.sd, n=summary.n, low=low, high=high)


def seed_sd(fold: FoldScores, metric: str) -> float | None:
    """SD over seeds of one fold's metric; `None` where there is one seed, or no such metric."""
    over_seeds = spread_of(getattr(each.numbers, metric) for each in fold.seeds)
    return over_seeds.sd if over_seeds else None


def speaker_scores(columns: Columns, block: Block | None, plan: FoldPlan) -> SpeakerScores | None:
    """Speaker accuracy on held-out utterances of training speakers; `None`: no speaker is named.

    Raises:
        MtlserError: only some predictions of a fold name a speaker.
    """
    folds = [] if block is None else _speaker_folds(columns, block, plan)
    spread = spread_of(fold.accuracy for fold in folds)
    if block is None or spread is None:
        return None
    total = sum(fold.utterances for fold in folds)
    pooled = sum(fold.accuracy * fold.utterances for fold in folds) / total
    means = [
        fmean(fold.accuracy for fold in _speaker_folds(columns, own, plan))
        for _, own in block.by_seed()
    ]
    of_seeds = spread_of(means) if len(means) > 1 else None
    return SpeakerScores(folds=tuple(folds), spread=spread, pooled=pooled, seed_spread=of_seeds)


def _speaker_folds(columns: Columns, block: Block, plan: FoldPlan) -> list[SpeakerFold]:
    """The speaker accuracy of each fold, of several seeds their mean."""
    folds = []
    for index, own in _by_fold(block, plan):
        named = own.speaker != NONE
        if not named.any():
            continue
        if not named.all():
            raise MtlserError(
                f"{int((~named).sum())} of {len(own)} utterances have no predicted speaker; "
                "expected all or none; predict them again"
            )
        right = own.speaker == columns.truth.speaker[own.utterance]
        name = next(fold.name for fold in plan.folds if fold.index == index)
        shown, accuracy = len(np.unique(own.utterance)), float(right.mean())
        folds.append(SpeakerFold(fold=index, name=name, utterances=shown, accuracy=accuracy))
    return folds


def _by_fold(block: Block, plan: FoldPlan) -> Iterable[tuple[int, Block]]:
    return block.by_fold([fold.index for fold in plan.folds])


def _folds(columns: Columns, block: Block, plan: FoldPlan) -> tuple[FoldScores, ...]:
    names = {fold.index: fold.name for fold in plan.folds}
    scores = []
    for index, own in _by_fold(block, plan):
        each = _by_seed(columns, own)
        scores.append(
            FoldScores(
                fold=index,
                name=names[index],
                numbers=seeds.mean([of_seed.numbers for of_seed in each]),
                seeds=tuple(each) if len(each) > 1 else (),
            )
        )
    return tuple(scores)


def _spreads(folds: Sequence[FoldScores]) -> dict[str, Spread]:
    values = {m: [getattr(fold.numbers, m) for fold in folds] for m in SPREAD_METRICS}
    return {m: spread for m, rates in values.items() if (spread := spread_of(rates))}


def _seed_spreads(folds: Sequence[FoldScores]) -> dict[str, Spread]:
    """Over seeds, of each seed's mean over folds; empty where there is one seed."""
    means = {metric: means_of_seeds(folds, metric) for metric in SPREAD_METRICS}
    return {m: spread for m, of in means.items() if (spread := spread_of(of.values()))}


def _check_hypotheses(block: Block, words: Integers) -> None:
    """Of the utterances that have a transcript, all or none are transcribed."""
    asked = words != NONE
    lacking = int((asked & ~block.transcribed).sum())
    if 0 < lacking < asked.sum():
        raise MtlserError(
            f"{lacking} of {asked.sum()} utterances have no hypothesis; expected all or none; "
            "predict them again"
        )


def _error_rate(edits: Integers, units: Integers) -> float | None:
    """All edits over all reference units of the utterances that have both texts."""
    both = edits != NONE
    total = int(units[both].sum())
    return int(edits[both].sum()) / total if total else None
