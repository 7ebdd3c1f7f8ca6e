"""One training: what decides it, where it is kept, and the network that comes of it."""

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.data.batches import Example, examples
from mtlser.errors import MtlserError
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.mtl import CUT_OF
from mtlser.recipe import Recipe
from mtlser.records import (
    EMOTIONS,
    Cell,
    CellResult,
    Choice,
    Fold,
    FoldPlan,
    SearchResult,
    Utterance,
    write_json,
)
from mtlser.tracking import Run
from mtlser.training import features, loop
from mtlser.training.loop import Job, Row
from mtlser.training.validate import validator


@dataclass(frozen=True)
class Inputs:
    """What every cell of a run shares."""

    corpus: Path
    utterances: Sequence[Utterance]
    plan: FoldPlan
    chosen: SearchResult | None = None
    chosen_folder: Path | None = None

    def of(self, ids: Sequence[str]) -> list[Utterance]:
        """The utterances with these ids, in that order."""
        by_id = {utterance.id: utterance for utterance in self.utterances}
        return [by_id[name] for name in ids]

    def choice(self, fold: int) -> tuple[Choice, Path]:
        """What the search chose for a fold, and the folder that its checkpoint is below."""
        assert self.chosen is not None
        assert self.chosen_folder is not None
        for choice in self.chosen.choices:
            if choice.fold == fold:
                return choice, self.chosen_folder
        raise MtlserError(
            f"{self.chosen_folder}: nothing was chosen for fold {fold}; run `mtlser search` on "
            "these folds"
        )


@dataclass(frozen=True)
class Training:
    """One network to be trained: what on, with which pair, for how long."""

    cell: Cell
    alpha: float
    beta: float
    fold: Fold
    epochs: int | None = None
    """`None`: early stopping on validation; else all epochs, without validation."""


def train_network(
    training: Training, inputs: Inputs, recipe: Recipe, bench: Path, parent: Run
) -> Path:
    """Folder of the trained network, in `bench`; one that was trained before is not trained again.

    The folder is named by everything that decides the result, so a killed search or pipeline
    picks its own trainings up, and another recipe never does.
    """
    done = bench / "cells" / cell_key(training, inputs, recipe)
    if (done / "result.json").is_file():
        return done
    part = done.with_name(done.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    trained, outcome = fit_network(training, inputs, recipe, bench, part, parent)
    bundle.save(trained, part / "model")
    last = outcome.rows[outcome.best_epoch - 1]
    names = ("loss", "wa", "ua", "f1", "wer", "speaker_accuracy")
    (part / "history.jsonl").write_text(
        "".join(json.dumps({"epoch": i, **row}) + "\n" for i, row in enumerate(outcome.rows, 1)),
        encoding="utf-8",
    )
    write_json(
        part / "result.json",
        CellResult(
            cell=training.cell.text,
            alpha=training.alpha,
            beta=training.beta,
            epoch=outcome.best_epoch,
            epochs_run=len(outcome.rows),
            score=outcome.score,
            validation={name: last.get(f"validation_{name}") for name in names},
            seconds=time.perf_counter() - started,
            weights_sha256=bundle.weights_digest(trained.network.state_dict()),
        ),
    )
    (part / "state.safetensors").unlink(missing_ok=True)
    part.rename(done)
    return done


def fit_network(
    training: Training, inputs: Inputs, recipe: Recipe, bench: Path, part: Path, parent: Run
) -> tuple[TrainedModel, loop.Fit]:
    """The network trained, and how that went; epoch figures go to MLflow as they come."""
    import torch

    shown = inputs.of(training.fold.train)
    speakers = tuple(sorted({utterance.speaker for utterance in shown}))
    torch.manual_seed(training.cell.seed)
    network = bundle.build(recipe.model, len(EMOTIONS), len(speakers))
    description = Description(
        emotions=EMOTIONS,
        speakers=speakers,
        language=shown[0].language,
        model=recipe.model,
        recipe_hash=recipe.hash,
        encoder_digest=bundle.encoder_digest(network.encoder),
        whole=recipe.model.trainable != "heads" or training.cell.fold is None,
    )
    cut = CUT_OF[recipe.model.trainable]
    read = features.reader(network, cut, inputs.corpus, inputs.utterances, bench)
    if recipe.model.standardise:
        spread = features.statistics(read, shown)
        network.mean_d, network.pooled_sd_d = spread.mean_c, spread.pooled_sd_c
        network.frame_sd_d = spread.frame_sd_c
    network.to("cuda" if torch.cuda.is_available() else "cpu")

    def parts(ids: Sequence[str]) -> list[Example]:
        return examples(inputs.of(ids), EMOTIONS, speakers)

    validate = validator(
        lambda: job,
        description,
        parts(training.fold.validation),
        parts(training.fold.speaker_check),
        recipe.search.metric,
    )
    job = Job(
        network,
        cut,
        read,
        parts(training.fold.train),
        recipe.train,
        training.alpha,
        training.beta,
        training.cell.seed,
        None if training.epochs is not None else validate,
        training.epochs or recipe.train.epochs,
    )
    log = fold_run(training, parent)

    def on_epoch(epoch: int, row: Row) -> None:
        log.metrics({name: value for name, value in row.items() if value is not None}, step=epoch)

    outcome = loop.fit(job, part, on_epoch)
    log.metrics({"best_epoch": float(outcome.best_epoch)})
    log.close()
    return TrainedModel(network, description), outcome


def fold_run(training: Training, parent: Run) -> Run:
    """The MLflow run of one training, below the run of its (alpha, beta) pair."""
    if training.cell.fold is None:
        run_of_pair = parent.child("final", "final fit on all data")
        run_of_pair.params({"alpha": training.alpha, "beta": training.beta})
        return run_of_pair
    run_of_pair = pair_run(parent, training.alpha, training.beta)
    return run_of_pair.child(f"f{training.cell.fold}", f"fold {training.cell.fold}")


def pair_run(parent: Run, alpha: float, beta: float) -> Run:
    """The MLflow run of one (alpha, beta) pair, found or made."""
    made = parent.child(f"a{alpha:g}-b{beta:g}", f"alpha {alpha:g} beta {beta:g}")
    made.params({"hp.alpha": alpha, "hp.beta": beta})
    return made


def cell_key(training: Training, inputs: Inputs, recipe: Recipe) -> str:
    """Name of a training: a hash over all that decides its result."""
    fold = training.fold
    decides = {
        "cell": training.cell.text,
        "pair": [training.alpha, training.beta],
        "epochs": training.epochs,
        "manifest": inputs.plan.manifest_digest,
        "fold": [fold.train, fold.validation, fold.speaker_check],
        "model": recipe.model.model_dump(),
        "train": recipe.train.model_dump(exclude={"alpha", "beta"}),
        "metric": recipe.search.metric,
    }
    text = json.dumps(decides, sort_keys=True)
    return (
        f"{training.cell.text.replace(':', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    )


def copy_cell(source: Path, folder: Path) -> None:
    """Copies a trained cell into a stage's output folder."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
