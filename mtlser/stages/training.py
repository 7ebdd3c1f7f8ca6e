"""Stages that train: search, train, pretrain."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser import storage, tracking
from mtlser.errors import MtlserError, TooManyCellsError
from mtlser.files import write_text
from mtlser.recipe import Recipe
from mtlser.records import Cell, write_json
from mtlser.stages.data import cells
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_chosen, load_folds, load_manifest, records
from mtlser.storage import custody, work_folder
from mtlser.storage.layout import CHOSEN, WORKED
from mtlser.storage.shards import fetch_corpus

if TYPE_CHECKING:
    from mtlser.training.inputs import Inputs

NETWORK = "mtlser"
"""Name of the network among the systems."""


def read(corpus: str, folds: str) -> tuple["Inputs", Path]:
    """What every training of a run shares, and the folds folder."""
    from mtlser.training.inputs import Inputs

    source, plan_folder = fetch_corpus(corpus), storage.fetch(folds)
    return Inputs(source, load_manifest(source), load_folds(plan_folder)), plan_folder


@stage
def search(  # noqa: PLR0913, PLR0917 - what a search needs
    corpus: str,
    folds: str,
    recipe: Recipe,
    out: str,
    work: str = "",
    run: str = "",
    most: int = 0,
    workers: int = 0,
    store: str = "",
) -> list[str]:
    """Chooses alpha, beta and epoch on validation, never on test; the network's cells.

    Args:
        corpus: corpus folder.
        folds: folds folder.
        recipe: the resolved recipe.
        out: chosen folder to write.
        work: folder or `s3://` address that outlives a killed step; trainings in it are resumed
            and reused.
        run: key of the parent run in MLflow; empty: a run of its own.
        most: the number of cells that there is room for; 0: any number.
        workers: processes of this machine that train side by side; 0: the recipe's `search.jobs`.
        store: address of the database in which other machines find the list of trainings, see
            `search_worker`; empty: a journal in the work folder.

    Raises:
        TooManyCellsError: the folds make more cells; nothing is trained then.
        MtlserError: the database is away; nothing is trained then.
    """
    from mtlser.training.search import search as alpha_beta

    inputs, plan_folder = read(corpus, folds)
    plan = inputs.plan
    networks = [cell for cell in cells(plan, recipe) if Cell.parse(cell).system == NETWORK]
    if most and len(networks) > most:
        made = f"{len(plan.folds)} folds x {recipe.train.seeds} seeds"
        raise TooManyCellsError(f"{len(networks)} cells ({made})", most)
    with (
        tracking.parent(recipe, run) as parent,
        work_folder.opened(work, out) as resumable,
        storage.output(out) as folder,
    ):
        tracking.dataset(parent, recipe, plan)
        side_by_side = alpha_beta.Workers(workers, store)
        result = alpha_beta.search(inputs, recipe, folder, resumable, parent, side_by_side)
        write_json(folder / CHOSEN, result)
        custody.seal(
            folder,
            "search",
            (CHOSEN,),
            made_from=records(inputs.corpus, plan_folder),
            recipe_hash=recipe.hash,
            manifest=plan.manifest_digest,
            folds=plan.digest,
        )
    return networks


@stage
def search_worker(  # noqa: PLR0913, PLR0917 - as the search
    corpus: str,
    folds: str,
    recipe: Recipe,
    work: str,
    store: str,
    run: str = "",
    workers: int = 0,
    first: int = 0,
    out: str = "",
) -> int:
    """Takes trainings of a search that other machines work on too, until none is left to take.

    `search` with the same data, recipe, work and store finds them all done, and chooses.

    Args:
        corpus: corpus folder.
        folds: folds folder.
        recipe: the resolved recipe.
        work: folder or `s3://` address that all of them share, where trainings are kept.
        store: address of the database that holds the list.
        run: key of the parent run in MLflow; empty: a run of its own.
        workers: processes of this machine that train side by side; 0: the recipe's `search.jobs`.
        first: place of this machine among them, from 0: it begins with another fold.
        out: folder to write `worked.json` to; empty: none.

    Returns:
        How many trainings have ended so far, of all machines.

    Raises:
        MtlserError: there is no work or store, or the database is away.
    """
    from mtlser.training.search import search as alpha_beta

    if not (work and store):
        raise MtlserError(
            "a worker of a search shares its list (--store postgresql+psycopg2://...) and its "
            "trainings (--work s3://..., or a folder that all machines have) with the others; give "
            "both, and the same to `mtlser search`"
        )
    inputs, _ = read(corpus, folds)
    with (
        tracking.parent(recipe, run) as parent,
        work_folder.opened(work, work) as resumable,
    ):
        side_by_side = alpha_beta.Workers(workers, store, first)
        ended = len(alpha_beta.help_out(inputs, recipe, resumable, parent, side_by_side))
    if out:
        with storage.output(out) as folder:
            write_text(folder / WORKED, json.dumps({"trainings": ended}) + "\n")
    return ended


@stage
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
    from mtlser.training import team
    from mtlser.training.search import search as alpha_beta

    wanted = Cell.parse(cell)
    if processes > 1 and wanted.system == NETWORK and not team.started():
        team.train(processes, (corpus, folds, chosen), wanted, recipe, out, work, run)
        return
    inputs, plan_folder = read(corpus, folds)
    choices = storage.fetch(chosen or folds)
    pairs = load_chosen(choices) if chosen else alpha_beta.passed_through(inputs, recipe)
    inputs = replace(inputs, chosen=pairs, chosen_folder=choices)
    main = together.current().main
    with (
        tracking.parent(recipe, run) as parent,
        work_folder.opened(work, out, main=main) as resumable,
        storage.output(out) if main else work_folder.temporary() as folder,
    ):
        trainings.run(wanted, inputs, recipe, folder, resumable, parent)
        if main:
            made_from = records(inputs.corpus, plan_folder)
            if chosen:
                made_from["chosen"] = custody.verified(choices)
            trainings.seal(wanted, inputs.plan, recipe, folder, made_from)


@stage
def pretrain(corpus: str, folds: str, recipe: Recipe, out: str, work: str = "") -> None:
    """Pre-trains the backbone that ships with the package, on the first fold of its own corpus."""
    from mtlser.training import pretrain as backbone

    inputs, _ = read(corpus, folds)
    with (
        tracking.parent(recipe, "") as parent,
        work_folder.opened(work, out) as resumable,
        storage.output(out) as folder,
    ):
        backbone.pretrain(inputs, recipe, folder, resumable, parent)
