"""The limits of the scores, one sentence each."""

from collections.abc import Sequence

from mtlser.evaluation.score_records import Comparison, FoldScores, SystemScores
from mtlser.recipe import Recipe
from mtlser.records import FoldPlan

FEWEST_SPEAKERS = 5
"""Below this many test speakers intervals over speakers are named as coarse."""


def plan_notes(plan: FoldPlan, recipe: Recipe, recipe_hash: str) -> list[str]:
    """Violated speaker separation, folds left out, errors reproduced in training, other recipes."""
    notes = []
    if plan.leaks:
        notes.append(
            f"Protocol {plan.protocol} violates speaker separation: test speakers are also in "
            "training, so every score here is too high; `mtlser audit` shows what baselines "
            "that use no audio reach."
        )
    if recipe.split.max_folds is not None and recipe.split.max_folds <= len(plan.folds):
        notes.append(
            f"Only the first {len(plan.folds)} folds were run (split.max_folds): the speakers of "
            "the others are not tested."
        )
    if recipe.train.speaker_label == "prefix":
        notes.append(
            "The speaker head was trained on file-name prefixes, which name the actor with motion "
            "markers and not the one who speaks; scores by speaker and speaker accuracy are those "
            "of prefixes."
        )
    if recipe.train.padding == "seen":
        notes.append(
            "Training treated padding as speech, as the published code does; predictions here are "
            "made without padding."
        )
    if recipe.name and recipe_hash != recipe.hash:
        notes.append(
            f"The predictions come from recipe {recipe_hash}; the recipe shown here is "
            f"{recipe.hash}."
        )
    return notes


def class_notes(systems: Sequence[SystemScores], classes: Sequence[str]) -> list[str]:
    """Classes that a fold's test lacks, or that a system never predicts in a fold."""
    notes = []
    for fold in systems[0].clean.folds:
        absent = [name for name in classes if name not in fold.numbers.recall]
        if absent:
            notes.append(
                f"Fold {fold.fold} ({fold.name}) tests no {', '.join(absent)}: its UA is the mean "
                "recall over the other classes."
            )
    for system in systems:
        for fold in system.clean.folds:
            missed = _never_predicted(fold, classes)
            if missed:
                notes.append(
                    f"{system.system} never predicts {', '.join(missed)} in fold {fold.fold} "
                    f"({fold.name})."
                )
    return notes


def gap_notes(systems: Sequence[SystemScores], recipe: Recipe) -> list[str]:
    """What was not measured: transcripts, speakers, noise conditions."""
    main, notes = systems[0], []
    missing = main.clean.pooled.without_transcript
    if missing:
        notes.append(
            f"{missing} of {main.clean.pooled.utterances} test utterances have no transcript "
            "and do not count in WER and CER."
        )
    if main.speaker is None:
        notes.append("Speaker accuracy was not measured: no prediction names a speaker.")
    wanted = [f"{kind}@{snr:g}dB" for kind in recipe.noise.kinds for snr in recipe.noise.snr_db]
    for system in systems:
        seen = {scores.condition for scores in system.test}
        lacking = [name for name in wanted if name not in seen]
        if lacking:
            notes.append(f"{system.system} was not measured under {', '.join(lacking)}.")
    return notes


def speaker_notes(systems: Sequence[SystemScores], comparisons: Sequence[Comparison]) -> list[str]:
    """What a bootstrap over few speakers cannot show."""
    if not systems[0].bootstrap:
        return ["Only one test speaker: there is no interval over speakers."]
    speakers = systems[0].bootstrap["wa"].speakers
    if comparisons and speakers < FEWEST_SPEAKERS:
        return [
            f"Only {speakers} test speakers: intervals over speakers are imprecise and too narrow."
        ]
    return []


def _never_predicted(fold: FoldScores, classes: Sequence[str]) -> list[str]:
    return [
        name
        for column, name in enumerate(classes)
        if name in fold.numbers.recall and not any(row[column] for row in fold.numbers.confusion)
    ]
