"""All that a report can verify of what it is given: gathered before scoring, claimed after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.data import audit, fingerprints, manifest
from mtlser.data.audit import Audit
from mtlser.data.ingest_report import IngestReport
from mtlser.errors import MtlserError
from mtlser.evaluation import selection
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.verification import chain, claims, epochs, plans, sharing, sources, truth
from mtlser.evaluation.verification.sharing import Shared
from mtlser.evaluation.verification.sources import Source
from mtlser.evaluation.verification.truth import Check
from mtlser.recipe import Recipe
from mtlser.records import Cell, CellResult, FoldPlan, Utterance, read_json
from mtlser.storage import custody
from mtlser.storage.custody import Custody
from mtlser.storage.layout import AUDIT, PARENTS


@dataclass(frozen=True)
class Given:
    """What a report is given."""

    plan: FoldPlan
    folds_folder: Path
    predicted: Sequence[Path]
    """Folders or files of predictions."""
    manifest: Sequence[Utterance] | None = None
    corpus: Path | None = None
    recipe: Recipe | None = None
    search: SearchResult | None = None
    chosen_folder: Path | None = None


@dataclass(frozen=True)
class Evidence:
    """What was verified before any prediction is read."""

    given: Given
    sources: tuple[Source, ...]
    checks: tuple[tuple[Check, ...], ...]
    """Of each source's predictions."""
    shared: tuple[Shared, ...] | None
    """What the sides of each fold share; `None` where the manifest is not at hand."""
    audit: Audit | None
    """Made anew; `None` where the manifest is not at hand."""
    epochs: dict[Cell, CellResult]
    """The network's trainings at hand."""
    parents: dict[str, Custody]
    """Records of the folders that the report rests on, by what they are."""
    cut_anew: bool | None
    """Whether the recipe cuts these folds; `None` where it is not known."""


def gather(given: Given) -> Evidence:
    """Verifies every file, digest and training set at hand.

    Raises:
        MtlserError: two of them contradict each other; the sentence names both.
    """
    utterances, same, now, shared = given.manifest, False, None, None
    records = _records(given)
    if utterances is not None:
        same = plans.check(given.plan, utterances, given.recipe, recorded="folds" in records)
        _check_ingest(given.corpus, given.plan, len(utterances))
        near = fingerprints.at_hand(given.corpus, utterances)
        now = audit.audit(utterances, given.plan, near)
        shared = sharing.counted(given.plan, utterances, near)
        audited(given.folds_folder, now)
    every = sources.opened(given.predicted)
    sources.check(every, given.plan, utterances)
    of_truth = [] if utterances is None else [truth.against(utterances, given.recipe)]
    metric = given.search.metric if given.search else _metric(given.recipe)
    trained = {} if metric is None else epochs.check(given.predicted, metric)
    if given.search is not None:
        _check_search(given)
        epochs.check_choices(given.search, trained)
    return Evidence(
        given=given,
        sources=tuple(every),
        checks=tuple((sources.belongs(source), *of_truth) for source in every),
        shared=shared,
        audit=now,
        epochs=trained,
        parents=_parents(given, records, every),
        cut_anew=None if given.recipe is None else same,
    )


def claimed(evidence: Evidence, measured: Scores) -> Scores:
    """The scores with what is claimed of them."""
    given, utterances = evidence.given, evidence.given.manifest
    search = given.search
    tested = 0 if utterances is None else sharing.test_speakers(given.plan, utterances)
    found = (
        claims.data(given.plan, utterances, recorded=_recorded(evidence, "corpus")),
        claims.folds(given.plan, utterances, evidence.sources, cut_anew=evidence.cut_anew),
        claims.speakers(given.plan, evidence.shared, tested),
        claims.weights(evidence.sources),
        claims.selection(
            measured,
            evidence.epochs,
            search,
            [] if search is None else selection.check_selection(search, measured),
            given.recipe.hash if given.recipe else "",
        ),
    )
    return measured.model_copy(update={"claims": found, "sharing": evidence.shared or ()})


def _check_search(given: Given) -> None:
    """Every fold has a choice; where there were pairs to choose from, it has their rows."""
    assert given.search is not None
    chosen = {choice.fold for choice in given.search.choices}
    searched = {row.fold for row in given.search.rows}
    pairs = 1
    if given.recipe is not None:
        pairs = len(given.recipe.search.alphas) * len(given.recipe.search.betas)
    sizes = {size.fold: sum(size.classes) for size in given.search.sizes}
    for fold in given.plan.folds:
        if sizes and sizes.get(fold.index) != len(fold.validation):
            raise MtlserError(
                f"{given.chosen_folder}: standard errors of fold {fold.index} ({fold.name}) over "
                f"{sizes.get(fold.index)} utterances, and its validation has "
                f"{len(fold.validation)}; run `mtlser search` on these folds"
            )
        if fold.index not in chosen or (pairs > 1 and fold.index not in searched):
            raise MtlserError(
                f"{given.chosen_folder}: no {'rows' if fold.index in chosen else 'choice'} for "
                f"fold {fold.index} ({fold.name}); run `mtlser search` on these folds"
            )


def _metric(recipe: Recipe | None) -> str | None:
    return None if recipe is None else recipe.search.metric


def _check_ingest(corpus: Path | None, plan: FoldPlan, count: int) -> None:
    """What ingest counted is of this manifest."""
    path = corpus / manifest.REPORT if corpus is not None else None
    if path is None or not path.is_file():
        return
    counted = read_json(path, IngestReport)
    if (counted.digest, counted.kept) != (plan.manifest_digest, count):
        raise MtlserError(
            f"{path} is of manifest {counted.digest[: custody.SHORT]} with {counted.kept} "
            f"utterances, the manifest beside it is {plan.manifest_digest[: custody.SHORT]} with "
            f"{count}; run `mtlser ingest` again"
        )


def audited(folder: Path, now: Audit) -> bool:
    """True where a folder has this audit, False where it has none.

    Raises:
        MtlserError: it is another one.
    """
    path = folder / AUDIT
    if path.is_file() and not _agree(read_json(path, Audit), now):
        raise MtlserError(
            f"{path} is not the audit of these folds and this manifest: it is of others, or was "
            "edited; cut and audit the folds again with `mtlser split`"
        )
    return path.is_file()


def _agree(there: Audit, now: Audit) -> bool:
    """Whether two audits count alike; near-identical audio where both counted it."""
    if there.overall.shared.near_audio_in_train is None:
        now = audit.without_near(now)
    elif now.overall.shared.near_audio_in_train is None:
        if there.verdict != audit.verdict(there.overall):
            return False
        there = audit.without_near(there)
    return _counts(there) == _counts(now)


def _counts(audit: Audit) -> Audit:
    """An audit without its sentences, which are in the words of their version."""
    return audit.model_copy(update={"reasons": (), "findings": ()})


def _records(given: Given) -> dict[str, Custody]:
    """The records of corpus, folds and choices that are at hand."""
    folders = {"corpus": given.corpus, "folds": given.folds_folder, "chosen": given.chosen_folder}
    found = {name: _record(folder, name) for name, folder in folders.items()}
    return {name: record for name, record in found.items() if record is not None}


def _parents(
    given: Given, folders: Mapping[str, Custody], every: Sequence[Source]
) -> dict[str, Custody]:
    """All records that the report rests on, none of which contradicts the folds or another."""
    records = dict(folders)
    for name, record in records.items():
        other = sources.other_data(record, given.plan)
        if other is not None:
            what, there, here = other
            raise MtlserError(
                f"the {name} folder is of {what} {there[: custody.SHORT]}, the folds given are "
                f"of {what} {here[: custody.SHORT]}; give the {name} that belongs to them"
            )
    for source in every:
        if source.record is not None:
            step, cell = source.record.step, source.record.cell.replace(":", "-")
            name = f"{step}-{cell}" if cell else f"{step}-{source.record.digest[:8]}"
            if name in records and records[name] != source.record:
                name = f"{name}-{source.record.digest[:8]}"
            records[name] = source.record
            if source.model is not None:
                records[f"model-{cell}"] = source.model
    chain.links(records)
    return records


STEP_OF: dict[str, custody.Step] = {"corpus": "ingest", "folds": "split", "chosen": "search"}


def _record(folder: Path | None, name: str) -> Custody | None:
    """The record of the step that wrote corpus, folds or choices, found in a run folder too."""
    record = custody.verified(folder) if folder is not None else None
    if folder is None or record is None or record.step == STEP_OF[name]:
        return record
    copy = folder / PARENTS / f"{name}.json"
    return custody.read_file(copy) if record.step == "report" and copy.is_file() else None


def _recorded(evidence: "Evidence", name: str) -> bool:
    """False where records name a corpus, folds or choices that have no record here."""
    named = any(s.record is not None and name in s.record.made_from for s in evidence.sources)
    return name in evidence.parents or not named
