"""The one scorer: predictions of any system in, every number of the report out; no torch."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mtlser.evaluation import (
    gathering,
    literature,
    noise_facts,
    notes,
    score_checks,
    selection,
)
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.columns import NONE, Block, Columns
from mtlser.evaluation.fact_records import CostRow, NoiseFacts
from mtlser.evaluation.groups import Described, group_scores
from mtlser.evaluation.number_records import Spread
from mtlser.evaluation.numbers import condition_scores, speaker_scores
from mtlser.evaluation.score_records import MAIN_SYSTEM, ConditionScores, Scores, SystemScores
from mtlser.evaluation.significance import comparison
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.significance.statistics import Summary
from mtlser.evaluation.summary import flat
from mtlser.files import write_text
from mtlser.recipe import Recipe, load
from mtlser.records import CLEAN, FoldPlan, Prediction, Split

__all__ = ["Scores", "any_recipe", "measure", "write_summary"]

ANY_RECIPE = """
name = "unknown"
[data]
corpus = "iemocap"
root = "unknown"
[noise]
kinds = []
[baseline]
systems = []
"""


def any_recipe() -> Recipe:
    """For predictions of unknown origin: asks for no system and no condition.

    Its name is empty, which no recipe that is loaded may be, so that no page shows it.
    """
    return load(ANY_RECIPE).model_copy(update={"name": ""})


def measure(
    predictions: Iterable[Prediction] | Columns,
    plan: FoldPlan,
    recipe: Recipe,
    *,
    chosen: SearchResult | None = None,
    noise: NoiseFacts | None = None,
    cost: Sequence[CostRow] = (),
    main: str = MAIN_SYSTEM,
    described: Described | None = None,
) -> Scores:
    """Every score of the predictions on the plan's folds.

    Args:
        predictions: records, read one by one, or the columns that `gathering` made of them.
        plan: the folds that they were made on.
        recipe: the recipe to show; it says which systems and conditions are expected.
        chosen: what the search chose; that it did so on validation is checked.
        noise: how the noisy conditions were made.
        cost: what the systems cost.
        main: the system that is compared with each other one.
        described: groups of utterances, from the manifest; `None`: not at hand.

    Raises:
        MtlserError: the predictions leak, repeat, lack a fold or are no probabilities; see
            `mtlser.evaluation.score_checks`. Or the search did not choose on validation.
    """
    columns = predictions if isinstance(predictions, Columns) else gathering.columns(predictions)
    score_checks.check(columns, plan, recipe, main)
    order = (main, *(name for name in columns.systems if name != main))
    systems = tuple(_system(name, columns, plan, recipe) for name in order)
    sides = [comparison.Side(one.system, one.clean, columns, one.system) for one in systems]
    comparisons, untested = comparison.compare(sides[0], sides[1:], plan)
    tested = np.unique(columns.blocks[main, "test", CLEAN].utterance)
    unknown = int((columns.truth.speaker[tested] == NONE).sum())
    remarks = [
        *notes.plan_notes(plan, recipe, columns.recipe_hash, unknown / len(tested)),
        *notes.class_notes(systems, columns.classes),
        *notes.seed_notes(systems, columns),
        *notes.gap_notes(systems, recipe),
        *notes.speaker_notes(systems, comparisons, unknown),
        *untested,
    ]
    measured = _scores(columns, plan, recipe, systems, comparisons)
    if chosen is not None:
        remarks += selection.check_selection(chosen, measured)
        remarks += selection.undecided(chosen, measured.fold_names)
    groups = group_scores(columns, columns.blocks[main, "test", CLEAN], plan, described)
    facts = {"notes": tuple(remarks), "noise": noise, "cost": tuple(cost), "groups": groups}
    return measured.model_copy(update=facts)


def _scores(
    columns: Columns,
    plan: FoldPlan,
    recipe: Recipe,
    systems: tuple[SystemScores, ...],
    comparisons: tuple[Comparison, ...],
) -> Scores:
    """Everything measured, still without notes."""
    main = systems[0].system
    tested = np.unique(columns.blocks[main, "test", CLEAN].utterance)
    counts = np.bincount(columns.truth.emotion[tested], minlength=len(columns.classes)).tolist()
    wa, ua = (_summary(systems[0].clean.spreads[metric]) for metric in ("wa", "ua"))
    return Scores(
        recipe_name=recipe.name,
        recipe_hash=columns.recipe_hash,
        corpus=recipe.corpus,
        protocol=plan.protocol,
        leaks=plan.leaks,
        manifest_digest=plan.manifest_digest,
        folds_digest=plan.digest,
        seed=recipe.seed if recipe.seed in columns.seeds else columns.seeds[0],
        seeds=columns.seeds,
        classes=columns.classes,
        fold_names=tuple(fold.name for fold in plan.folds),
        utterances=len(tested),
        class_counts=dict(zip(columns.classes, counts, strict=True)),
        without_transcript=int((columns.truth.words[tested] == NONE).sum()),
        main=main,
        systems=systems,
        comparisons=comparisons,
        notes=(),
        literature=literature.against(main, wa, ua, _release(recipe), plan),
    )


def _release(recipe: Recipe) -> str:
    """The reader of the only corpus, or the names of all."""
    return recipe.corpus if recipe.joined else recipe.data.corpus


def write_summary(path: Path, scores: Scores) -> None:
    """Writes the flat `summary.json`, whole; rates are 0-1."""
    write_text(path, json.dumps(flat(scores), indent=1, allow_nan=False) + "\n")


def _system(name: str, columns: Columns, plan: FoldPlan, recipe: Recipe) -> SystemScores:
    planned = list(noise_facts.conditions(recipe.noise))
    seen = {c for system, split, c in columns.blocks if (system, split) == (name, "test")}
    conditions = [CLEAN, *(c for c in planned if c in seen)]
    conditions += sorted(seen - set(conditions))

    def scored(split: Split, condition: str) -> ConditionScores | None:
        block: Block | None = columns.blocks.get((name, split, condition))
        return None if block is None else condition_scores(columns, block, plan, split, condition)

    test = (scored("test", condition) for condition in conditions)
    return SystemScores(
        system=name,
        seeds=columns.seeds_of(name),
        test=tuple(scores for scores in test if scores is not None),
        validation=scored("validation", CLEAN),
        speaker=speaker_scores(columns, columns.blocks.get((name, "speaker_check", CLEAN)), plan),
        bootstrap=comparison.intervals(columns, name),
    )


def _summary(spread: Spread) -> Summary | None:
    """Mean, SD and n; `None` where one fold has no SD or no fold differs."""
    if not spread.sd:
        return None
    return Summary(mean=spread.mean, sd=spread.sd, n=spread.n)
