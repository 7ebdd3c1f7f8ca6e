"""Stages that measure what was trained: noise_eval, profile, score, report, compare."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from mtlser import runtime, storage, tracking
from mtlser.recipe import Recipe
from mtlser.records import Cell, write_json, write_jsonl
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_chosen, load_folds, load_manifest, records, resolved
from mtlser.storage import custody
from mtlser.storage.layout import CORPUS_PAGE, MANIFEST, PREDICTIONS, UNSEEN
from mtlser.storage.shards import fetch_corpus
from mtlser.tracking.tolerant import TolerantRun

if TYPE_CHECKING:
    from mtlser.evaluation.unseen import UnseenScores
    from mtlser.reporting.stage import Inputs

log = logging.getLogger(__name__)


@stage
def noise_eval(
    corpus: str, folds: str, cell_folder: str, cell: str, recipe: Recipe, out: str
) -> None:
    """Predicts the cell's test set under every noise and SNR; costs the first fold's system."""
    from mtlser.evaluation import noise_sweep
    from mtlser.evaluation.verification import sources

    source, plan_folder = fetch_corpus(corpus), storage.fetch(folds)
    utterances, plan = load_manifest(source), load_folds(plan_folder)
    trained, wanted = storage.fetch(cell_folder), Cell.parse(cell)
    model = sources.checked_model(trained, wanted, plan, utterances)
    with storage.output(out) as folder:
        noise_sweep.run(source, utterances, plan, trained, wanted, recipe, folder)
        custody.seal(
            folder,
            "noise_eval",
            ("predictions.jsonl", "noise.json", "cost.json"),
            made_from={sources.MODEL: model} | records(source, plan_folder),
            cell=wanted.text,
            recipe_hash=recipe.hash,
            manifest=plan.manifest_digest,
            folds=plan.digest,
        )


@stage
def profile(model: str, out: str, clip_s: float, device: str) -> None:
    """Measures what a trained system costs.

    Args:
        model: run, cell or model folder, or an MLflow URI.
        out: folder or `s3://` address to write.
        clip_s: seconds of the clip that times are measured on.
        device: `cpu` or `cuda`.
    """
    from mtlser.evaluation.cost import cost_records, profiling
    from mtlser.serving import load

    name, system = load.system(model, device)
    with storage.output(out) as folder:
        cost = profiling.profile(system, name, "alone", clip_s)
        write_json(folder / cost_records.COST, cost)


@stage
def score(model: str, corpus: str, out: str = "") -> "UnseenScores":
    """Scores a trained system on every utterance of a corpus that it has not seen.

    Args:
        model: run, cell or model folder, or an MLflow URI.
        corpus: corpus folder.
        out: folder to write `unseen.json` and `predictions.jsonl` to; empty: none.

    Raises:
        MtlserError: the model has seen an utterance, a speaker, a dialogue, a recording or a clip
            of the corpus.
    """
    from mtlser.evaluation import unseen
    from mtlser.serving import load

    source, folder = fetch_corpus(corpus), load.system_folder(model)
    custody.verified(source)
    utterances = load_manifest(source)
    known = unseen.check(folder, utterances)  # before anything is predicted
    name, system = load.system(str(folder))
    progress = runtime.Progress(f"predict {name}", log.info)
    count = runtime.Count(progress, len(utterances), "utterances")
    predicted = unseen.predictions(system, folder, name, source, utterances, count)
    scored = unseen.score(folder, predicted, utterances, known)
    if out:
        with storage.output(out) as target:
            write_jsonl(target / PREDICTIONS, predicted)
            write_json(target / UNSEEN, scored)
    return scored


@stage
def report(  # noqa: PLR0913 - one parameter for each flag
    corpus: str,
    folds: str,
    chosen: str,
    results: Sequence[str],
    recipe: Recipe | None,
    out: str,
    run: str = "",
    main: str = "",
    *,
    listen: int = 0,
) -> None:
    """Scores all predictions and writes the page; the same numbers go to MLflow.

    Args:
        corpus: corpus folder; empty: the page goes without what ingest counted, and without
            scores by gender.
        folds: folds folder, or a file like its `folds.json`.
        chosen: chosen folder of the search; empty: the page goes without the search.
        results: cell, noisy, cost and run folders or files of predictions, in any
            order.
        recipe: the resolved recipe; `None`: predictions of unknown origin, which are not tracked.
        out: report folder to write.
        run: key of the parent run in MLflow.
        main: the system that the page is about; empty: `mtlser`.
        listen: the number of misclassified test clips to put into the page as audio.

    Raises:
        MtlserError: no report can be written; or it is, and MLflow was away or refused it.
    """
    from mtlser.reporting import logged_scores, stage

    read = _read_for_report(corpus, folds, chosen, results, recipe)
    inputs = replace(read, main=main, listen=listen)
    tracked = tracking.parent(recipe, run) if recipe else nullcontext(tracking.NullRun())
    with tracked as parent:
        told = TolerantRun(parent)
        with storage.output(out) as folder:
            measured = stage.write(folder, inputs, told)
        logged_scores.log_scores(told, measured, storage.fetch(out))
        if inputs.corpus is not None:
            told.artifact(inputs.corpus / MANIFEST)
            if (inputs.corpus / CORPUS_PAGE).is_file():
                told.artifact(inputs.corpus / CORPUS_PAGE)
        tracking.finish(told)
        told.failure.raise_after(f"the report is written to {out}")


def _read_for_report(
    corpus: str, folds: str, chosen: str, results: Sequence[str], recipe: Recipe | None
) -> "Inputs":
    """What a report is made of, from the places that `report` was given."""
    from mtlser.reporting.stage import Inputs

    source = fetch_corpus(corpus) if corpus else None
    plan_folder, gathered = storage.fetch(folds), [storage.fetch(place) for place in results]
    chosen_folder = storage.fetch(chosen) if chosen else None
    ingested = source if source is not None and (source / MANIFEST).is_file() else None
    return Inputs(
        load_folds(plan_folder),
        plan_folder if plan_folder.is_dir() else plan_folder.parent,
        gathered,
        source,
        resolved(load_chosen(chosen_folder), gathered) if chosen_folder else None,
        recipe,
        manifest=load_manifest(ingested) if ingested else None,
        chosen_folder=chosen_folder,
        ledger=None if storage.is_s3(corpus) else source,
    )


@stage
def compare(runs: Sequence[str], out: str) -> None:
    """Writes one page that sets finished runs side by side.

    Args:
        runs: run or report folders, `s3://` addresses of these, MLflow run ids, `models:/` URIs.
        out: folder to write.
    """
    from mtlser.reporting import comparison_page
    from mtlser.reporting import runs as finished

    with finished.opened(runs) as reports, storage.output(out) as folder:
        comparison_page.write(folder, reports)
