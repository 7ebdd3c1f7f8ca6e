"""One cell: a system trained on one fold (or on everything), and its predictions."""

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, median_low

import numpy as np

from mtlser.data import audio, folds
from mtlser.data.batches import examples
from mtlser.errors import MtlserError
from mtlser.evaluation.predictor import Output, System, load_system
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.mtl import CUT_OF
from mtlser.recipe import Recipe
from mtlser.records import (
    CLEAN,
    EMOTIONS,
    Cell,
    CellResult,
    Choice,
    Fold,
    FoldPlan,
    Prediction,
    SearchResult,
    Split,
    Utterance,
    write_json,
    write_jsonl,
)
from mtlser.tracking import Run
from mtlser.training import features, loop
from mtlser.training.loop import Job, Row
from mtlser.training.validate import validator

PREDICTED: tuple[Split, ...] = ("validation", "test", "speaker_check")


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


def run(
    cell: Cell, inputs: Inputs, recipe: Recipe, folder: Path, bench: Path, parent: Run
) -> None:
    """Trains the cell into `folder` and, but for the final fit, predicts its held-out sets.

    Raises:
        MtlserError: the cell names a fold or a system that is not there.
    """
    folds.check(inputs.plan, inputs.utterances)
    if cell.fold is None:
        copy_cell(train_network(final_training(cell, inputs), inputs, recipe, bench, parent), folder)
        return
    if cell.fold >= len(inputs.plan.folds):
        raise MtlserError(
            f"cell {cell.text}: fold {cell.fold} is not among the {len(inputs.plan.folds)} folds; "
            "choose one with `--fold`, or cut them again with `mtlser split`"
        )
    fold = inputs.plan.folds[cell.fold]
    if cell.system == "svm":
        train_svm(cell, fold, inputs, folder)
    elif cell.system == "mtlser":
        copy_cell(chosen_network(cell, fold, inputs, recipe, bench, parent), folder)
    else:
        raise MtlserError(f"system {cell.system!r} is unknown; allowed are mtlser, svm")
    system = load_system(cell.system, folder / "model", EMOTIONS)
    write_jsonl(
        folder / "predictions.jsonl",
        [
            prediction
            for split in PREDICTED
            for prediction in predict_split(system, cell, fold, split, inputs, recipe)
        ],
    )


def chosen_network(
    cell: Cell, fold: Fold, inputs: Inputs, recipe: Recipe, bench: Path, parent: Run
) -> Path:
    """Folder of the fold's network: the search's own checkpoint, or one trained now."""
    choice, folder = inputs.choice(fold.index)
    if choice.run is not None:
        return folder / choice.run
    training = Training(cell, choice.alpha, choice.beta, fold)
    return train_network(training, inputs, recipe, bench, parent)


def predict_split(
    system: System, cell: Cell, fold: Fold, split: Split, inputs: Inputs, recipe: Recipe
) -> list[Prediction]:
    """The system's predictions for one split of its fold, clean."""
    shown = inputs.of(getattr(fold, split))
    wavs = [audio.load(inputs.corpus / utterance.audio) for utterance in shown]
    return [
        prediction_of(utterance, output, cell, split, CLEAN, recipe)
        for utterance, output in zip(shown, system.predict(wavs), strict=True)
    ]


def prediction_of(
    utterance: Utterance, output: Output, cell: Cell, split: Split, condition: str, recipe: Recipe
) -> Prediction:
    """The record of one output: truth beside what the system said."""
    assert cell.fold is not None
    return Prediction(
        utterance_id=utterance.id,
        system=cell.system,
        fold=cell.fold,
        seed=cell.seed,
        split=split,
        condition=condition,
        style=utterance.style,
        emotion_true=utterance.emotion,
        emotion_probabilities=output.emotion_probabilities,
        text_true=utterance.text,
        text_predicted=output.text,
        speaker_true=utterance.speaker,
        speaker_predicted=output.speaker,
        recipe_hash=recipe.hash,
    )


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
    names = ("wa", "ua", "f1", "wer", "speaker_accuracy")
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
        network.mean_d, network.scale_d = features.frame_statistics(read, shown)
    network.to("cuda" if torch.cuda.is_available() else "cpu")

    def parts(ids: Sequence[str]) -> list[loop.Example]:
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
    return f"{training.cell.text.replace(':', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def final_training(cell: Cell, inputs: Inputs) -> Training:
    """The fit on all data: the folds' median alpha, beta and best epoch."""
    assert inputs.chosen is not None
    choices = inputs.chosen.choices
    epochs = [choice.epoch for choice in choices if choice.epoch is not None]
    if not epochs:
        raise MtlserError(
            "the final fit needs each fold's best epoch and none is known; train the folds first "
            "and give the report folder: `mtlser train --final --chosen REPORT_FOLDER`"
        )
    everything = Fold(
        index=0,
        name="all",
        train=tuple(utterance.id for utterance in inputs.utterances),
        validation=(),
        test=(),
        speaker_check=(),
    )
    return Training(
        cell,
        median(choice.alpha for choice in choices),
        median(choice.beta for choice in choices),
        everything,
        epochs=median_low(epochs),
    )


def train_svm(cell: Cell, fold: Fold, inputs: Inputs, folder: Path) -> None:
    """Trains the SVM baseline of one fold into `folder`."""
    from mtlser.models.baselines import svm

    started = time.perf_counter()
    shown = inputs.of(fold.train)
    rows_nd = np.stack([svm.features(audio.load(inputs.corpus / u.audio)) for u in shown])
    model = svm.fit(rows_nd, [u.emotion for u in shown], [u.speaker for u in shown], cell.seed)
    svm.save(model, folder / "model")
    write_json(
        folder / "result.json",
        CellResult(
            cell=cell.text,
            alpha=None,
            beta=None,
            epoch=None,
            epochs_run=None,
            score=None,
            validation={},
            seconds=time.perf_counter() - started,
            weights_sha256=None,
        ),
    )


def copy_cell(source: Path, folder: Path) -> None:
    """Copies a trained cell into a stage's output folder."""
    shutil.copytree(source, folder, dirs_exist_ok=True)

