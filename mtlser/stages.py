"""Every step from wav to registry as one function: places in, places out.

The command line, the Kubeflow components and the tests call these same functions. A place is a
local path or an `s3://` address. A stage reads its inputs through `storage.fetch` and writes its
output folder through `storage.output`, which appears whole or not at all. Heavy packages are
imported inside the stages, so that a step pays only for what it uses.

Folders that pass between stages:

| folder | holds | written by |
|---|---|---|
| corpus | `manifest.jsonl`, `ingest.json`, `audio/` | `ingest` |
| folds | `folds.json`, `audit.json` | `split` |
| chosen | `chosen.json`, `study.journal`, `cells/fold-K/` | `search` |
| cell | `model/`, `history.jsonl`, `result.json`, `predictions.jsonl` | `train` |
| noisy | `predictions.jsonl`, `noise.json`, `cost.json` of the first fold | `noise_eval` |
| cost | `cost.json` | `profile` |
| report | `report.html`, `tables.{md,tex}`, `{scores,summary,chosen}.json` ... | `report` |
| registered | `registered.json` | `register`, `promote` |
| checked | `drift.json` | `check_data` |
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

from mtlser import bench, collector, storage, tracking
from mtlser.recipe import Recipe
from mtlser.records import Cell, FoldPlan, write_json
from mtlser.stage_inputs import (
    CHOSEN,
    FOLDS,
    MANIFEST,
    load_chosen,
    load_folds,
    load_manifest,
    resolved,
)
from mtlser.stages_retraining import check_data, close_run, promote, report_outcome

__all__ = [
    "cells", "check_data", "close_run", "compare", "ingest", "load_chosen", "load_folds",
    "load_manifest", "noise_eval", "pretrain", "profile", "promote", "register", "report",
    "report_outcome", "resolved", "search", "split", "synth", "train",
]  # fmt: skip

# Before the heavy imports: every step and command comes through here first.
collector.relax()


def synth(out: str, seed: int, pretraining: int = 0) -> None:
    """Writes the synthetic IEMOCAP-shaped release to `out`; byte-identical for a seed.

    Args:
        out: folder or `s3://` address to write.
        seed: 0 or more.
        pretraining: this many utterances of the backbone's own corpus instead (other voices and
            sentences); 0: the demo's release.
    """
    from mtlser.data import synthetic

    with storage.output(out) as folder:
        if pretraining:
            synthetic.write_pretraining(folder, seed, pretraining)
        else:
            synthetic.write_release(folder, seed)


def ingest(recipe: Recipe, out: str) -> None:
    """Reads the recipe's corpus, decodes it to 16 kHz mono and writes the corpus folder."""
    from mtlser.data import manifest

    root = storage.fetch(recipe.data.root)
    with storage.output(out) as folder:
        manifest.build(recipe, root, folder)


def split(corpus: str, recipe: Recipe, out: str) -> list[str]:
    """Cuts the folds and audits their leaks; the text of every cell that is to be trained.

    Raises:
        MtlserError: folds that leak under a protocol that is not named as leaking.
    """
    from mtlser.data import audit, folds

    source = storage.fetch(corpus)
    utterances = load_manifest(source)
    with storage.output(out) as folder:
        plan = folds.plan(utterances, recipe)
        found = audit.audit(utterances, plan)
        audit.gate(found, plan)
        write_json(folder / FOLDS, plan)
        write_json(folder / "audit.json", found)
    return cells(plan, recipe)


def cells(plan: FoldPlan, recipe: Recipe) -> list[str]:
    """The text of every cell that the recipe has to be trained on these folds."""
    return [
        Cell(system=system, fold=fold.index, seed=recipe.seed).text
        for system in ("mtlser", *recipe.baseline.systems)
        for fold in plan.folds
    ]


def search(
    corpus: str, folds: str, recipe: Recipe, out: str, work: str = "", run: str = ""
) -> list[str]:
    """Chooses alpha, beta and epoch on validation, never on test; the cells to be trained.

    Args:
        corpus: corpus folder.
        folds: folds folder.
        recipe: the resolved recipe.
        out: chosen folder to write.
        work: folder or `s3://` address that outlives a killed step; trainings in it are resumed
            and reused.
        run: key of the parent run in MLflow; empty: a run of its own.
    """
    from mtlser.training import search as alpha_beta
    from mtlser.training.inputs import Inputs

    source, plan_folder = storage.fetch(corpus), storage.fetch(folds)
    utterances, plan = load_manifest(source), load_folds(plan_folder)
    inputs = Inputs(source, utterances, plan)
    with (
        tracking.parent(recipe, run) as parent,
        bench.bench(work, out) as kept,
        storage.output(out) as folder,
    ):
        tracking.dataset(parent, recipe, plan)
        result = alpha_beta.search(inputs, recipe, folder, kept, parent)
        write_json(folder / CHOSEN, result)
    return cells(plan, recipe)


def train(  # noqa: PLR0913, PLR0917 - what a training needs
    corpus: str,
    folds: str,
    chosen: str,
    cell: str,
    recipe: Recipe,
    out: str,
    work: str = "",
    run: str = "",
    processes: int = 1,
) -> None:
    """Trains one cell, or takes the search's checkpoint of it, and scores its test set once.

    The final cell (`mtlser:final:s0`) is fitted on all data with the folds' median alpha, beta
    and best epoch, and predicts nothing; its `chosen` is the report folder, where each fold's
    epoch is known. Without `chosen` a fold is trained with the recipe's own pair. Started by
    `torchrun`, all its processes train together and the first one writes; `processes` above 1
    starts it for a network, on this machine.
    """
    from mtlser.training import cells as trainings
    from mtlser.training import processes as together
    from mtlser.training import search as alpha_beta
    from mtlser.training import team
    from mtlser.training.inputs import Inputs

    wanted = Cell.parse(cell)
    if processes > 1 and wanted.system == "mtlser" and not team.started():
        team.train(processes, (corpus, folds, chosen), wanted, recipe, out, work, run)
        return
    source, plan_folder = storage.fetch(corpus), storage.fetch(folds)
    inputs = Inputs(source, load_manifest(source), load_folds(plan_folder))
    choices = storage.fetch(chosen or folds)
    found = load_chosen(choices) if chosen else alpha_beta.passed_through(inputs, recipe)
    inputs = replace(inputs, chosen=found, chosen_folder=choices)
    main = together.current().main
    with (
        tracking.parent(recipe, run) as parent,
        bench.bench(work, out, main=main) as kept,
        storage.output(out) if main else bench.temporary() as folder,
    ):
        trainings.run(wanted, inputs, recipe, folder, kept, parent)


def pretrain(corpus: str, folds: str, recipe: Recipe, out: str, work: str = "") -> None:
    """Pre-trains the backbone that ships with the package, on the first fold of its own corpus."""
    from mtlser.training import pretrain as backbone
    from mtlser.training.inputs import Inputs

    source, plan_folder = storage.fetch(corpus), storage.fetch(folds)
    inputs = Inputs(source, load_manifest(source), load_folds(plan_folder))
    with (
        tracking.parent(recipe, "") as parent,
        bench.bench(work, out) as kept,
        storage.output(out) as folder,
    ):
        backbone.pretrain(inputs, recipe, folder, kept, parent)


def noise_eval(
    corpus: str, folds: str, cell_folder: str, cell: str, recipe: Recipe, out: str
) -> None:
    """Predicts the cell's test set under every noise and SNR; costs the first fold's system."""
    from mtlser.evaluation import noise_sweep

    source, plan_folder = storage.fetch(corpus), storage.fetch(folds)
    inputs = (source, load_manifest(source), load_folds(plan_folder))
    trained = storage.fetch(cell_folder)
    with storage.output(out) as folder:
        noise_sweep.run(*inputs, trained, Cell.parse(cell), recipe, folder)


def profile(model: str, out: str, clip_s: float, device: str) -> None:
    """Measures what a trained system costs.

    Args:
        model: run, cell or model folder, or an MLflow URI.
        out: folder or `s3://` address to write.
        clip_s: seconds of the clip that times are measured on.
        device: `cpu` or `cuda`.
    """
    from mtlser.evaluation import cost_records, profiling
    from mtlser.serving import load

    name, system = load.system(model, device)
    with storage.output(out) as folder:
        cost = profiling.profile(system, name, "alone", clip_s)
        write_json(folder / cost_records.COST, cost)


def report(
    corpus: str,
    folds: str,
    chosen: str,
    results: Sequence[str],
    recipe: Recipe | None,
    out: str,
    run: str = "",
    main: str = "",
) -> None:
    """Scores all predictions and writes the page; the same numbers go to MLflow.

    Args:
        corpus: corpus folder; empty: the page goes without what ingest counted.
        folds: folds folder, or a file like its `folds.json`.
        chosen: chosen folder of the search; empty: the page goes without the search.
        results: cell, noisy, cost and run folders or files of predictions, in any
            order.
        recipe: the resolved recipe; `None`: predictions of unknown origin, which are not tracked.
        out: report folder to write.
        run: key of the parent run in MLflow.
        main: the system that the page is about; empty: `mtlser`.
    """
    from mtlser.reporting import stage

    source = storage.fetch(corpus) if corpus else None
    plan_folder, gathered = storage.fetch(folds), [storage.fetch(place) for place in results]
    search = resolved(load_chosen(storage.fetch(chosen)), gathered) if chosen else None
    plan = load_folds(plan_folder)
    folder_of = plan_folder if plan_folder.is_dir() else plan_folder.parent
    given = stage.Given(plan, folder_of, gathered, source, search, recipe, main)
    tracked = tracking.parent(recipe, run) if recipe else nullcontext(tracking.NullRun())
    with tracked as parent, storage.output(out) as folder:
        measured = stage.write(folder, given, parent)
        tracking.log_scores(parent, measured, folder)
        if source is not None:
            parent.artifact(source / MANIFEST)
        tracking.finish(parent)


def compare(runs: Sequence[str], out: str) -> None:
    """Writes one page that sets finished runs side by side.

    Args:
        runs: run or report folders, `s3://` addresses of these, MLflow run ids, `models:/` URIs.
        out: folder to write.
    """
    from mtlser.reporting import comparison_page
    from mtlser.reporting import runs as finished

    with finished.opened(runs) as found, storage.output(out) as folder:
        comparison_page.write(folder, found)


def register(model: str, report_folder: str, recipe: Recipe, out: str, run: str = "") -> None:
    """Registers the final model as challenger, and as champion where the recipe's gate allows.

    It is weighed against the report that the champion was registered with, where that is of the
    same folds of the same data; `promote` weighs it against a report made anew.
    """
    from mtlser.serving import promotion

    trained, reported = storage.fetch(model), storage.fetch(report_folder)
    with tracking.parent(recipe, run) as parent, storage.output(out) as folder:
        outcome = promotion.promote(trained / "model", reported, None, recipe, parent)
        write_json(folder / "registered.json", outcome)
        tracking.finish(parent)
