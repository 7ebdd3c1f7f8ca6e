"""The limits of the scores, one sentence each."""

from collections import Counter
from collections.abc import Iterable, Sequence

from mtlser.evaluation import noise_facts
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.score_records import FoldScores, SystemScores
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.recipe import Recipe
from mtlser.records import FoldPlan

MOST_NAMED = 3
"""Folds or systems that a note names; the others are counted."""
FEWEST_SPEAKERS = 5
"""Below this many test speakers intervals over speakers are named as coarse."""


def plan_notes(plan: FoldPlan, recipe: Recipe, recipe_hash: str, unknown: float) -> list[str]:
    """Violated speaker separation, folds left out, errors reproduced in training, other recipes.

    Args:
        plan: the folds.
        recipe: of the report.
        recipe_hash: of the predictions.
        unknown: share of the test utterances whose speaker nobody knows.
    """
    notes = []
    if plan.leaks and unknown == 1:
        notes.append(
            "No test speaker is known, so test speakers may also be in training, and every score "
            "here may be too high; `mtlser audit` shows what baselines that use no audio reach."
        )
    elif plan.leaks:
        are, too = ("are, or may be,", "may be") if unknown else ("are", "is")
        notes.append(
            f"Protocol {plan.protocol} violates speaker separation: test speakers {are} also in "
            f"training, so every score here {too} too high; `mtlser audit` shows what baselines "
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
    if recipe.name and not recipe.model.pinned:
        notes.append(
            f"The encoder {recipe.model.encoder} is not pinned (model.revision), so another run "
            "may load other weights under its name; `encoder_revision` in `mtlser.json` of each "
            "model names those that were loaded."
        )
    if recipe.name and recipe_hash != recipe.hash:
        notes.append(
            f"The predictions come from recipe {recipe_hash}; the recipe shown here is "
            f"{recipe.hash}."
        )
    return notes


def class_notes(systems: Sequence[SystemScores], classes: Sequence[str]) -> list[str]:
    """Classes that folds do not test, or that a system never predicts: a sentence of each kind."""
    return [*_untested(systems[0].clean.folds, classes), *_never_predicted(systems, classes)]


def _untested(folds: Sequence[FoldScores], classes: Sequence[str]) -> list[str]:
    """What folds without every class cannot show."""
    absent = {
        f"{fold.fold} ({fold.name})": names
        for fold in folds
        if (names := [name for name in classes if name not in fold.numbers.recall])
    }
    if len(absent) < 2:
        return [
            f"Fold {fold} tests no {', '.join(names)}: its UA and macro F1 are means over the "
            "other classes."
            for fold, names in absent.items()
        ]
    notes = [
        f"{len(absent)} of {len(folds)} folds ({few(absent)}) do not test every class "
        f"({_by_class('no', absent.values())}): the UA and macro F1 of each are means over the "
        "classes that it tests."
    ]
    single = [fold for fold, names in absent.items() if len(names) == len(classes) - 1]
    if single:
        notes.append(
            f"{len(single)} of {len(folds)} folds ({few(single)}) test one class only: their UA is "
            "the recall of that class and cannot show whether classes are told apart."
        )
    return notes


def _never_predicted(systems: Sequence[SystemScores], classes: Sequence[str]) -> list[str]:
    """Systems that never predict a class that a fold tests, the worst ones by name."""
    notes = []
    for system in systems:
        folds = system.clean.folds
        missed = {
            f"{fold.fold} ({fold.name})": names
            for fold in folds
            if (names := _missed(fold, classes))
        }
        if len(missed) == 1:
            ((fold, names),) = missed.items()
            notes.append(f"{system.system} never predicts {', '.join(names)} in fold {fold}.")
        elif missed:
            notes.append(
                f"In {len(missed)} of {len(folds)} folds ({few(missed)}) {system.system} never "
                f"predicts a class that is tested ({_by_class('never', missed.values())})."
            )
    if len(notes) <= MOST_NAMED:
        return notes
    return [
        *notes[:MOST_NAMED],
        f"{len(notes) - MOST_NAMED} more systems never predict a class that a fold tests; the "
        "confusion counts of each are in scores.json.",
    ]


def _by_class(word: str, lists: Iterable[Sequence[str]]) -> str:
    """`no angry in 3, no sad in 1`, the most frequent first."""
    counted = Counter(name for names in lists for name in names)
    return ", ".join(f"{word} {name} in {number}" for name, number in counted.most_common())


def few(names: Iterable[str]) -> str:
    """The first names, and how many more there are.

    >>> few(["a", "b"]), few("abcde")
    ('a, b', 'a, b, c and 2 more')
    """
    every = list(names)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return f"{', '.join(every[:MOST_NAMED])}{more}"


def seed_notes(systems: Sequence[SystemScores], columns: Columns) -> list[str]:
    """What one seed, or unlike numbers of seeds, cannot show."""
    numbers = {system.system: len(columns.seeds_of(system.system)) for system in systems}
    if max(numbers.values()) == 1:
        return [
            "One training seed: how much the scores change with another seed is not known; "
            "`--set train.seeds=3` trains three."
        ]
    few_seeds = min(numbers.values())
    if few_seeds == max(numbers.values()):
        return []
    fewest = [name for name, number in numbers.items() if number == few_seeds]
    return [
        f"{few(fewest)} {'has' if len(fewest) == 1 else 'have'} {few_seeds} of the "
        f"{max(numbers.values())} seeds: a mean over fewer seeds is less certain."
    ]


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
    notes += _partial(main)
    wanted = list(noise_facts.conditions(recipe.noise))
    unmeasured: dict[str, list[str]] = {}
    for system in systems:
        seen = {scores.condition for scores in system.test}
        lacking = [name for name in wanted if name not in seen]
        if lacking:
            unmeasured.setdefault(", ".join(lacking), []).append(system.system)
    for lacking_text, names in unmeasured.items():
        were = "was" if len(names) == 1 else "were"
        notes.append(f"{few(names)} {were} not measured under {lacking_text}.")
    return notes


def _partial(main: SystemScores) -> list[str]:
    """Metrics that some folds have and others have not: a mean over fewer folds."""
    names = [fold.name for fold in main.clean.folds]
    measured = {
        "WER and CER cover": (
            [f.name for f in main.clean.folds if f.numbers.wer is not None],
            "transcript",
        ),
        "Speaker accuracy covers": (
            [fold.name for fold in main.speaker.folds] if main.speaker else [],
            "held-out utterance of a training speaker",
        ),
    }
    return [
        f"{subject} {len(known)} of {len(names)} folds: "
        f"there is no {needed} in {few(name for name in names if name not in known)}."
        for subject, (known, needed) in measured.items()
        if 0 < len(known) < len(names)
    ]


def speaker_notes(
    systems: Sequence[SystemScores], comparisons: Sequence[Comparison], unknown: int
) -> list[str]:
    """What a bootstrap over few speakers cannot show.

    Args:
        systems: the main one first.
        comparisons: with other systems.
        unknown: test utterances whose speaker is not known.
    """
    if not systems[0].bootstrap and unknown:
        return [
            f"The speaker of {unknown} test utterances is not known: there is no interval over "
            "speakers."
        ]
    if not systems[0].bootstrap:
        return ["Only one test speaker: there is no interval over speakers."]
    speakers = systems[0].bootstrap["wa"].speakers
    if comparisons and speakers < FEWEST_SPEAKERS:
        return [
            f"Only {speakers} test speakers: intervals over speakers are imprecise and too narrow."
        ]
    return []


def _missed(fold: FoldScores, classes: Sequence[str]) -> list[str]:
    return [
        name
        for column, name in enumerate(classes)
        if name in fold.numbers.recall and not any(row[column] for row in fold.numbers.confusion)
    ]
