"""What a report claims of its figures, each with what shows it: yes, no, or not at hand."""

from collections.abc import Mapping, Sequence

from mtlser.evaluation import selection as choosing
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.score_records import MAIN_SYSTEM, Scores
from mtlser.evaluation.selection import NOTED
from mtlser.evaluation.verification import epochs
from mtlser.evaluation.verification.claim_records import Claim, Name, State
from mtlser.evaluation.verification.sharing import Shared
from mtlser.evaluation.verification.sources import MODEL, Source
from mtlser.records import Cell, CellResult, FoldPlan, Utterance


def data(plan: FoldPlan, utterances: Sequence[Utterance] | None, *, recorded: bool) -> Claim:
    """Classes, speakers, transcripts are the manifest's.

    Args:
        plan: the folds.
        utterances: the manifest; `None`: not at hand.
        recorded: whether the manifest's own record was verified, or nothing names one.
    """
    if utterances is not None and not recorded:
        return _claim(
            "data",
            "not at hand",
            "the manifest's own custody record, which the predictions name, is not beside it: "
            "genders, sessions and dialogues may be others",
        )
    if utterances is None:
        return _claim(
            "data",
            "not at hand",
            "the manifest was not given (--manifest): true classes, speakers and transcripts are "
            "as the predictions state them",
        )
    return _claim(
        "data",
        "yes",
        f"class, speaker, style and transcript of every prediction are those of the manifest "
        f"({len(utterances)} utterances, {plan.manifest_digest[:12]})",
    )


def folds(
    plan: FoldPlan,
    utterances: Sequence[Utterance] | None,
    sources: Sequence[Source],
    *,
    cut_anew: bool | None,
) -> Claim:
    """The folds are those of the manifest, and all predictions were made on them.

    Args:
        plan: the folds.
        utterances: the manifest; `None`: not at hand.
        sources: the folders of predictions.
        cut_anew: whether the recipe cuts the same folds; `None`: it is not known.
    """
    unknown = sum(source.record is None for source in sources)
    lacking = []
    if utterances is None:
        lacking.append("the manifest was not given (--manifest)")
    elif cut_anew is False:
        lacking.append("the folds were cut by another recipe than the report's")
    elif cut_anew is None:
        lacking.append("the recipe is not known, so the folds could not be cut again")
    if unknown:
        lacking.append(f"{unknown} of {len(sources)} files of predictions name no folds")
    if lacking:
        return _claim("folds", "not at hand", "; ".join(lacking))
    return _claim(
        "folds",
        "yes",
        f"cut again from the manifest they are the same ({plan.digest[:12]}), each utterance has "
        f"one place in each, and all {len(sources)} folders of predictions name them",
    )


def speakers(plan: FoldPlan, shared: Sequence[Shared] | None, tested: int) -> Claim:
    """No speaker is on two sides of a fold, counted from the manifest.

    Args:
        plan: the folds.
        shared: what the sides share; `None`: the manifest is not at hand.
        tested: number of test speakers.
    """
    if shared is None:
        return _claim(
            "speakers",
            "not at hand",
            "the manifest was not given (--manifest), so the speakers of training are not known",
        )
    bad = {
        each.name
        for each in shared
        if each.speakers or each.unknown or each.audio or each.near_audio
    }
    unknown = any(each.near_audio is None for each in shared)
    lacking = "; near-identical audio not at hand" if unknown else ""
    if bad:
        worst = max(shared, key=lambda e: (e.speakers, e.audio, e.near_audio or 0, e.unknown or 0))
        near = "" if unknown else f", {worst.near_audio} near-identical clips"
        if worst.unknown:
            near += f"; {worst.unknown} utterances by speakers who are not known"
        return _claim(
            "speakers",
            "no",
            f"{len(bad)} of {len(plan.folds)} folds share speakers or audio, or may do so, between "
            f"training, validation and test, most in {worst.name} ({worst.pair}): "
            f"{worst.speakers} speakers, {worst.audio} clips{near}{lacking}",
        )
    return _claim(
        "speakers",
        "yes",
        f"0 of {len(plan.folds)} folds share a speaker or "
        f"{'identical' if unknown else 'identical or near-identical'} audio between training, "
        f"validation and test ({tested} test speakers){lacking}",
    )


def weights(sources: Sequence[Source]) -> Claim:
    """Each set of predictions is tied to the weights that made it."""
    named = [source for source in sources if source.record and source.record.made_from.get(MODEL)]
    there = [s for s in sources if s.model is not None and s.seen is not None]
    hashed = {s.model.digest for s in there if s.model is not None}
    wanted = {s.record.made_from[MODEL] for s in named if s.record is not None}
    if len(named) < len(sources) or wanted - hashed:
        missing = len(sources) - len(named)
        return _claim(
            "weights",
            "not at hand",
            f"{missing} of {len(sources)} folders of predictions name no weights"
            if missing
            else f"{len(wanted - hashed)} of {len(wanted)} model folders with a seen.json are not "
            "beside the predictions",
        )
    return _claim(
        "weights",
        "yes",
        f"all {len(sources)} folders of predictions name their weights by SHA-256, {len(there)} "
        "model folders were hashed, and beyond its pre-trained encoder none has seen what it is "
        "tested on; nothing was predicted again, which mtlser verify does",
    )


def selection(
    scores: Scores,
    results: Mapping[Cell, CellResult],
    search: SearchResult | None,
    notes: Sequence[str],
    recipe_hash: str,
) -> Claim:
    """Epoch and pair were chosen on validation.

    Args:
        scores: of the report.
        results: of the network's trainings that are at hand, by cell; their epochs are checked.
        search: what was chosen; `None`: not at hand.
        notes: what is amiss with the pairs.
        recipe_hash: of the recipe that the report shows; empty: it shows none.
    """
    if search is not None and scores.main != MAIN_SYSTEM:
        detail = f"{scores.main} is not the network whose search and epochs are known here"
        return _claim("selection", "not at hand", f"declared, not verified: {detail}")
    gaps = _gaps(scores, results)
    known = [gap for gap in gaps if gap is not None]
    lacking = []
    if search is None:
        lacking.append("the search was not given (--chosen)")
    elif search.rows and choosing.searched_with(search, scores) not in choosing.seeds(scores):
        lacking.append(f"the search trained with seed {search.seed}, which is not scored here")
    if recipe_hash and recipe_hash != scores.recipe_hash:
        lacking.append(
            f"the predictions are of recipe {scores.recipe_hash}, the recipe shown is {recipe_hash}"
        )
    if len(known) < len(gaps):
        lacking.append(
            f"{len(gaps) - len(known)} of {len(gaps)} trainings have no history or no validation "
            "predictions beside them"
        )
    if lacking:
        return _claim("selection", "not at hand", f"declared, not verified: {'; '.join(lacking)}")
    if notes or max(known) > NOTED:
        amiss = [*notes] or [
            f"validation predictions repeat the chosen epochs' figures only to "
            f"{max(known) * 100:.1f} points"
        ]
        return _claim("selection", "no", amiss[0])
    return _claim(
        "selection",
        "yes",
        f"in all {len(gaps)} trainings pair and epoch are the best of their validation "
        f"figures, which the validation predictions repeat to {max(known) * 100:.2f} points",
    )


def _gaps(scores: Scores, results: Mapping[Cell, CellResult]) -> list[float | None]:
    """How far each training's figures are from its validation predictions."""
    cells = [
        (name, Cell(system=MAIN_SYSTEM, fold=fold, seed=seed))
        for seed in choosing.seeds(scores)
        for fold, name in enumerate(scores.fold_names)
    ]
    return [
        epochs.gap(results[cell], scores, name) if cell in results else None for name, cell in cells
    ]


def _claim(name: Name, state: State, detail: str) -> Claim:
    return Claim(name=name, state=state, detail=detail)
