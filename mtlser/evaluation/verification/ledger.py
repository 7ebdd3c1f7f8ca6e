"""How often the test sets of a fold plan were scored: who, which recipe, when.

The best of many systems is too good by chance, and a report alone cannot show how many there were.
Each report adds its systems to `scorings.jsonl` beside the manifest, and to its run in MLflow.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from filelock import FileLock

from mtlser import runtime
from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.verification.claim_records import Scoring
from mtlser.records import read_jsonl, timestamp, write_jsonl

FILE = "scorings.jsonl"
LOCK_S = 10.0
log = logging.getLogger(__name__)
FOLDS, SYSTEMS, RECIPE = "mtlser.folds", "mtlser.systems", "mtlser.recipe_hash"
SEEDS = "mtlser.seeds"
"""Tags of a parent run."""


def of(scores: Scores, run_id: str | None) -> list[Scoring]:
    """The scorings of one report, now."""
    return [
        Scoring(
            folds=scores.folds_digest,
            system=one.system,
            recipe_hash=scores.recipe_hash,
            seeds=one.seeds,
            when=timestamp(),
            who=runtime.user(),
            run=run_id or "",
        )
        for one in scores.systems
    ]


def earlier(corpus: Path | None, runs: Iterable[Mapping[str, str]], folds: str) -> list[Scoring]:
    """The scorings of the folds that are on record.

    Args:
        corpus: corpus folder; `None`: not at hand.
        runs: tags of the runs in MLflow that scored these folds.
        folds: digest of the fold plan.
    """
    known = []
    if corpus is not None and (corpus / FILE).is_file():
        try:
            known = [each for each in read_jsonl(corpus / FILE, Scoring) if each.folds == folds]
        except (MtlserError, OSError) as error:
            log.warning("earlier scorings are not counted: %s", error)
    for tags in runs:
        known += [
            Scoring(
                folds=folds,
                system=system,
                recipe_hash=tags.get(RECIPE, ""),
                seeds=tuple(int(seed) for seed in tags.get(SEEDS, "").split(",") if seed.isdigit()),
            )
            for system in tags.get(SYSTEMS, "").split(",")
            if system
        ]
    return known


def different(scorings: Iterable[Scoring]) -> tuple[Scoring, ...]:
    """One scoring for each system and recipe, the earliest that says when, with all their seeds."""
    first: dict[tuple[str, str], Scoring] = {}
    seeds: dict[tuple[str, str], set[int]] = defaultdict(set)
    for each in sorted(scorings, key=lambda s: (not s.when, s.when)):
        key = each.system, each.recipe_hash
        first.setdefault(key, each)
        seeds[key].update(each.seeds)
    return tuple(
        each.model_copy(update={"seeds": tuple(sorted(seeds[key]))}) for key, each in first.items()
    )


def add(corpus: Path, scorings: Iterable[Scoring]) -> None:
    """Adds scorings to the corpus folder's record; a folder that may not be written is left."""
    if not os.access(corpus, os.W_OK):
        return
    path = corpus / FILE
    try:
        with FileLock(f"{path}.lock", timeout=LOCK_S):
            known = list(read_jsonl(path, Scoring)) if path.is_file() else []
            seen = {_what(each) for each in known}
            new = [each for each in scorings if _what(each) not in seen]
            if new:
                write_jsonl(path, [*known, *new])
    except (MtlserError, OSError) as error:  # a report is worth more than its count
        log.warning("this scoring is not counted in %s: %s", path, error)


def _what(scoring: Scoring) -> tuple[object, ...]:
    """All but when and by whom."""
    return scoring.folds, scoring.system, scoring.recipe_hash, scoring.seeds


def tags(scores: Scores) -> dict[str, str]:
    """What a parent run says of the test sets that it scored."""
    return {
        FOLDS: scores.folds_digest,
        SYSTEMS: ",".join(one.system for one in scores.systems),
        SEEDS: ",".join(map(str, scores.seeds)),
    }
