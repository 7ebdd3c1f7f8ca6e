"""The one scorer: predictions of any system in, every number of the report out; no torch."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtlser.evaluation import comparison, metrics, notes, score_checks, statistics
from mtlser.evaluation.score_records import (
    MAIN_SYSTEM,
    SPREAD_METRICS,
    ConditionScores,
    FoldScores,
    Numbers,
    Scores,
    SpeakerFold,
    SpeakerScores,
    Spread,
    SystemScores,
)
from mtlser.evaluation.summary import flat
from mtlser.recipe import Recipe
from mtlser.records import CLEAN, FoldPlan, Prediction, Split

__all__ = ["Scores", "fold_metrics", "measure", "numbers", "write_summary"]

Heap = dict[tuple[Split, str], list[Prediction]]
"""One system's predictions by split and condition."""


def measure(predictions: Sequence[Prediction], plan: FoldPlan, recipe: Recipe) -> Scores:
    """Every score of the predictions on the plan's folds.

    Raises:
        MtlserError: the predictions leak, repeat, lack a fold or are no probabilities; see
            `mtlser.evaluation.score_checks`.
    """
    score_checks.check(predictions, plan, recipe)
    classes = tuple(predictions[0].emotion_probabilities)
    heaps: dict[str, Heap] = defaultdict(lambda: defaultdict(list))
    for prediction in predictions:
        heaps[prediction.system][prediction.split, prediction.condition].append(prediction)
    order = (MAIN_SYSTEM, *sorted(heaps.keys() - {MAIN_SYSTEM}))
    systems = tuple(_system(name, heaps[name], plan, recipe, classes) for name in order)
    comparisons, untested = comparison.compare(systems, plan)
    tested = {p.utterance_id: p for p in heaps[MAIN_SYSTEM]["test", CLEAN]}
    counts = {name: sum(p.emotion_true == name for p in tested.values()) for name in classes}
    remarks = [
        *notes.plan_notes(plan, recipe, predictions[0].recipe_hash),
        *notes.class_notes(systems, classes),
        *notes.gap_notes(systems, recipe),
        *untested,
    ]
    return Scores(
        recipe_name=recipe.name,
        recipe_hash=predictions[0].recipe_hash,
        corpus=recipe.data.corpus,
        protocol=plan.protocol,
        leaks=plan.leaks,
        manifest_digest=plan.manifest_digest,
        seed=predictions[0].seed,
        classes=classes,
        fold_names=tuple(fold.name for fold in plan.folds),
        utterances=len(tested),
        class_counts=counts,
        without_transcript=metrics.without_reference([p.text_true for p in tested.values()]),
        main=MAIN_SYSTEM,
        systems=systems,
        comparisons=comparisons,
        notes=tuple(remarks),
    )


def fold_metrics(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """WA, UA and macro F1 of one fold by the names that recipes use: `wa`, `ua`, `f1`.

    >>> fold_metrics(["sad", "sad", "angry"], ["sad", "angry", "angry"])["ua"]
    0.75

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    return {
        "wa": metrics.weighted_accuracy(truth, predicted),
        "ua": metrics.unweighted_accuracy(truth, predicted),
        "f1": metrics.macro_f1(truth, predicted),
    }


def numbers(predictions: Sequence[Prediction], classes: Sequence[str]) -> Numbers:
    """All metrics of one set of predictions.

    Raises:
        MtlserError: there is none, or only some have a hypothesis.
    """
    truth = [p.emotion_true for p in predictions]
    predicted = [p.emotion_predicted for p in predictions]
    confidences = [min(1.0, p.emotion_probabilities[p.emotion_predicted]) for p in predictions]
    references = [p.text_true for p in predictions]
    hypotheses = [p.text_predicted for p in predictions]
    counts = metrics.confusion(truth, predicted, classes)
    return Numbers(
        utterances=len(predictions),
        wa=metrics.weighted_accuracy(truth, predicted),
        ua=metrics.unweighted_accuracy(truth, predicted),
        macro_f1=metrics.macro_f1(truth, predicted),
        weighted_f1=metrics.weighted_f1(truth, predicted),
        recall=metrics.per_class_recall(truth, predicted),
        wer=metrics.word_error_rate(references, hypotheses),
        cer=metrics.character_error_rate(references, hypotheses),
        without_transcript=metrics.without_reference(references),
        calibration_error=metrics.expected_calibration_error(
            confidences, [t == p for t, p in zip(truth, predicted, strict=True)]
        ),
        confusion=tuple(tuple(row) for row in counts.tolist()),
    )


def write_summary(path: Path, scores: Scores) -> None:
    """Writes the flat `summary.json`, through a temporary name; rates are 0-1."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(flat(scores), indent=1, allow_nan=False) + "\n", "utf-8")
    temporary.replace(path)


def _system(
    name: str, heap: Heap, plan: FoldPlan, recipe: Recipe, classes: Sequence[str]
) -> SystemScores:
    planned = [f"{kind}@{snr:g}dB" for kind in recipe.noise.kinds for snr in recipe.noise.snr_db]
    seen = {condition for split, condition in heap if split == "test"}
    conditions = [CLEAN, *(c for c in planned if c in seen)]
    conditions += sorted(seen - set(conditions))
    validation = heap.get(("validation", CLEAN))
    return SystemScores(
        system=name,
        test=tuple(_condition("test", c, heap["test", c], plan, classes) for c in conditions),
        validation=_condition("validation", CLEAN, validation, plan, classes)
        if validation
        else None,
        speaker=_speaker(heap.get(("speaker_check", CLEAN), []), plan),
    )


def _condition(
    split: Split,
    condition: str,
    predictions: Sequence[Prediction],
    plan: FoldPlan,
    classes: Sequence[str],
) -> ConditionScores:
    of_fold, of_style = _by_fold(predictions), defaultdict(list)
    for prediction in predictions:
        if prediction.style is not None:
            of_style[prediction.style].append(prediction)
    folds = tuple(
        FoldScores(fold=f.index, name=f.name, numbers=numbers(of_fold[f.index], classes))
        for f in plan.folds
        if of_fold[f.index]
    )
    values = {m: [getattr(fold.numbers, m) for fold in folds] for m in SPREAD_METRICS}
    return ConditionScores(
        split=split,
        condition=condition,
        folds=folds,
        spreads={m: spread for m, found in values.items() if (spread := _spread(found))},
        pooled=numbers(predictions, classes),
        styles={style: numbers(of_style[style], classes) for style in sorted(of_style)},
    )


def _by_fold(predictions: Iterable[Prediction]) -> dict[int, list[Prediction]]:
    found: dict[int, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        found[prediction.fold].append(prediction)
    return found


def _spread(values: Iterable[float | None]) -> Spread | None:
    found = [value for value in values if value is not None]
    if not found:
        return None
    if len(found) == 1:
        return Spread(mean=found[0], sd=None, n=1)
    summary = statistics.summarise(found)
    low, high = statistics.mean_interval(summary)
    return Spread(mean=summary.mean, sd=summary.sd, n=summary.n, low=low, high=high)


def _speaker(predictions: Sequence[Prediction], plan: FoldPlan) -> SpeakerScores | None:
    of_fold, folds = _by_fold(predictions), []
    for fold in plan.folds:
        truth = [p.speaker_true for p in of_fold[fold.index]]
        named = [p.speaker_predicted for p in of_fold[fold.index]]
        accuracy = metrics.speaker_accuracy(truth, named)
        if accuracy is not None:
            folds.append(
                SpeakerFold(
                    fold=fold.index, name=fold.name, utterances=len(truth), accuracy=accuracy
                )
            )
    spread = _spread(fold.accuracy for fold in folds)
    if spread is None:
        return None
    right = sum(p.speaker_true == p.speaker_predicted for p in predictions)
    total = sum(fold.utterances for fold in folds)
    return SpeakerScores(folds=tuple(folds), spread=spread, pooled=right / total)
