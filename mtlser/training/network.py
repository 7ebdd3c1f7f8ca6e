"""One training: where it is kept, and the network that comes of it."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtlser.data import alphabets
from mtlser.data.decoding.channels import Policy
from mtlser.data.labels import classes_of
from mtlser.data.speaker_labels import speaker_label
from mtlser.files import atomic_folder, write_text
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.losses import Joint
from mtlser.models.mtl import CUT_OF, MtlNetwork
from mtlser.recipe import Recipe
from mtlser.records import (
    SAMPLE_RATE_HZ,
    CellResult,
    Utterance,
    write_json,
)
from mtlser.storage import checked
from mtlser.storage.links import link, link_tree
from mtlser.storage.marker import DIGESTS
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import features, loop, optimisation, precision, processes
from mtlser.training.batches import Example, Read, examples
from mtlser.training.checkpoint import Checkpoint, Row, best_epoch, score
from mtlser.training.inputs import Inputs, Training, cell_key
from mtlser.training.job import Fit, Job
from mtlser.training.logs import logged, named, watched
from mtlser.training.once import begun, once
from mtlser.training.processes import Processes
from mtlser.training.validate import validator

FP32_UNITS = "mtlser.fp32_units"
"""Tag of a fold's run: parts of the encoder that this machine computes wrongly in 16 bits."""


def train_network(
    training: Training, inputs: Inputs, recipe: Recipe, work: WorkFolder, parent: Run
) -> Path:
    """Folder of the trained network, in `work`; one that was trained before is not trained again.

    The folder is named by everything that decides the result, so a killed search or pipeline
    picks its own trainings up, and another recipe never does.
    """

    def make(folder: Path, checkpoint: Checkpoint) -> None:
        started = time.perf_counter()
        trained, outcome = fit_network(training, inputs, recipe, work, checkpoint, parent)
        if processes.current().main:
            result = result_of(training, outcome, trained, time.perf_counter() - started)
            write_cell(folder, trained, outcome, result)

    return once(work, place_of(training, inputs, recipe), make, needs="model")


def advance(
    training: Training,
    inputs: Inputs,
    recipe: Recipe,
    work: WorkFolder,
    parent: Run,
    epochs: int,
) -> Fit:
    """How a network stands after so many epochs; what `train_network` goes on from.

    One that is further is not trained, and its later epochs are left aside.
    """

    def train(checkpoint: Checkpoint) -> tuple[Row, ...]:
        _, job = prepared(training, inputs, recipe, work)
        job = replace(job, epochs=epochs)
        with logged(training, parent) as log, watched(named(training), job.processes) as watcher:
            known = log.steps("train_loss")

            def on_epoch(epoch: int, row: Row) -> None:
                if epoch not in known:
                    log_row(log, epoch, row)

            return loop.fit(replace(job, watcher=watcher), checkpoint, on_epoch).rows

    place = place_of(training, inputs, recipe)
    rows = (begun(work, place, train) or history(work.folder / place))[:epochs]
    best = best_epoch(list(rows))
    return Fit(best, score(rows[best - 1]), rows)


def finished(training: Training, inputs: Inputs, recipe: Recipe, work: WorkFolder) -> Path | None:
    """Folder of a training that has ended, of which the weights may be gone; else `None`."""
    place = place_of(training, inputs, recipe)
    return work.folder / place if work.restore_folder(place) else None


def shed(training: Training, inputs: Inputs, recipe: Recipe, work: WorkFolder) -> None:
    """Removes the weights of a training that is not chosen; its figures and curves stay."""
    place = place_of(training, inputs, recipe)
    folder = work.folder / place
    checkpoint = Checkpoint(work, f"{place}.part")
    if checkpoint.folder.is_dir():
        checkpoint.remove()
    if not (folder / "model").is_dir():
        return
    with atomic_folder(folder) as small:
        for name in ("history.jsonl", "result.json"):
            link(folder / name, small / name)
        checked.seal_folder(small)
    work.store_folder(place)


def history(folder: Path) -> tuple[Row, ...]:
    """The figures of each epoch of a finished training."""
    lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return tuple({name: row[name] for name in row if name != "epoch"} for row in rows)


def place_of(training: Training, inputs: Inputs, recipe: Recipe) -> str:
    """Where a training is kept, below a work folder."""
    return f"cells/{cell_key(training, inputs, recipe)}"


def result_of(
    training: Training, outcome: Fit, trained: TrainedModel, seconds: float
) -> CellResult:
    """How the training ended."""
    return CellResult(
        cell=training.cell.text,
        alpha=training.alpha,
        beta=training.beta,
        epoch=outcome.best_epoch,
        epochs_run=len(outcome.rows),
        score=outcome.score,
        validation=validation_of(outcome.rows[outcome.best_epoch - 1]),
        seconds=seconds,
        weights_sha256=bundle.weights_digest(trained.network.state_dict()),
    )


def validation_of(row: Row) -> dict[str, float | None]:
    """The figures on validation of one epoch, by metric."""
    names = ("loss", "wa", "ua", "f1", "wer", "speaker_accuracy")
    return {name: row.get(f"validation_{name}") for name in names}


def write_cell(folder: Path, trained: TrainedModel, outcome: Fit, result: CellResult) -> None:
    """Writes the cell's folder, whole."""
    rows = [json.dumps({"epoch": i, **row}) + "\n" for i, row in enumerate(outcome.rows, 1)]
    with atomic_folder(folder) as temporary:
        bundle.save(trained, temporary / "model")
        write_text(temporary / "history.jsonl", "".join(rows))
        write_json(temporary / "result.json", result)
        checked.seal_folder(temporary)


def fit_network(
    training: Training,
    inputs: Inputs,
    recipe: Recipe,
    work: WorkFolder,
    checkpoint: Checkpoint,
    parent: Run,
) -> tuple[TrainedModel, Fit]:
    """The network trained, and how that went; epoch figures go to MLflow as they come."""
    trained, job = prepared(training, inputs, recipe, work)
    with logged(training, parent) as log, watched(named(training), job.processes) as watcher:
        known = log.steps("train_loss")
        if trained.network.encoder.exact:
            log.tags({FP32_UNITS: " ".join(sorted(trained.network.encoder.exact))})

        def on_epoch(epoch: int, row: Row) -> None:
            if epoch not in known:
                log_row(log, epoch, row)

        outcome = loop.fit(replace(job, watcher=watcher), checkpoint, on_epoch)
        log_best(log, outcome)
    return trained, outcome


def log_rows(log: Run, outcome: Fit) -> None:
    """Logs the epochs of a training that has ended."""
    known = log.steps("train_loss")
    for epoch, row in enumerate(outcome.rows, 1):
        if epoch not in known:
            log_row(log, epoch, row)
    log_best(log, outcome)


def log_row(log: Run, epoch: int, row: Row) -> None:
    """Logs the figures of one epoch."""
    log.metrics({name: value for name, value in row.items() if value is not None}, step=epoch)


def log_best(log: Run, outcome: Fit) -> None:
    """Logs which epoch was chosen, once."""
    if not log.steps("best_epoch"):
        log.metrics({"best_epoch": float(outcome.best_epoch)})


def _channels(recipe: Recipe) -> Policy:
    """What becomes of channels in all corpora alike; their mean where they differ."""
    policies = {data.channels for data in recipe.corpora}
    return policies.pop() if len(policies) == 1 else "mix"


def prepared(
    training: Training, inputs: Inputs, recipe: Recipe, work: WorkFolder
) -> tuple[TrainedModel, Job]:
    """The network before its first step, and the job that trains it."""
    import torch

    shown = inputs.of(training.fold.train)
    label = recipe.train.speaker_label
    emotions = classes_of(recipe.labels, inputs.utterances)
    named = {speaker_label(utterance, label) for utterance in shown}
    speakers = tuple(sorted(name for name in named if name is not None))
    spelt = alphabets.of(u.text for u in inputs.utterances)
    alphabet = spelt if any(u.text is not None for u in shown) else ()
    torch.manual_seed(training.cell.seed)
    network = bundle.build(recipe.model, len(emotions), len(speakers), alphabet)
    description = Description(
        emotions=emotions,
        speakers=speakers,
        language=shown[0].language,
        model=recipe.model,
        recipe_hash=recipe.hash,
        encoder_digest=bundle.encoder_digest(network.encoder),
        encoder_revision=network.encoder.revision,
        channels=_channels(recipe),
        alphabet=alphabet,
        whole=recipe.model.trainable != "heads" or training.cell.fold is None,
    )
    team = processes.current()
    read = _made_ready(network, recipe, inputs, shown, work, team)

    def frames(utterance: Utterance) -> int:
        samples = round(utterance.duration_s * SAMPLE_RATE_HZ)
        return network.encoder.frames(network.encoder.local_frames(samples))

    def parts(ids: Sequence[str]) -> list[Example]:
        return examples(inputs.of(ids), emotions, speakers, frames, label, alphabet)

    validate = validator(description, recipe.search.metric)
    job = Job(
        network=network,
        cut=CUT_OF[recipe.model.trainable],
        read=read,
        examples=parts(training.fold.train),
        recipe=recipe.train,
        objective=Joint(training.alpha, training.beta, recipe.train.ctc == "symbol"),
        seed=training.cell.seed,
        validate=None if training.epochs is not None else validate,
        epochs=training.epochs or recipe.train.epochs,
        processes=team,
        validation=parts(training.fold.validation),
        speaker_check=parts(training.fold.speaker_check),
    )
    return TrainedModel(network, description), job


def _made_ready(
    network: MtlNetwork,
    recipe: Recipe,
    inputs: Inputs,
    shown: Sequence[Utterance],
    work: WorkFolder,
    team: Processes,
) -> Read:
    """Readies the network for its first step, on its device; what training reads of an utterance.

    Args:
        network: new.
        recipe: says what of it is trained and in which precision.
        inputs: utterances that training and validation read.
        shown: training utterances, by whose features it standardises.
        work: keeps the features.
        team: processes of the training.
    """
    cut = CUT_OF[recipe.model.trainable]
    read = features.reader(network, cut, inputs.corpus, inputs.utterances, work.folder)
    if recipe.model.standardise:
        spread = features.statistics(read, shown)
        network.mean_d, network.pooled_sd_d = spread.mean_c, spread.pooled_sd_c
        network.frame_sd_d = spread.frame_sd_c
    network.to(team.device)
    dtype = optimisation.activation_dtype(recipe.train.precision, team.device)
    precision.check(network.encoder, dtype, team)
    return read


def copy_cell(source: Path, folder: Path, recipe: Recipe, *, sealed: bool = False) -> None:
    """Puts a trained cell into a stage's output folder; its weights stay once on a disk.

    Args:
        source: the cell.
        folder: where it goes.
        recipe: whose it is; the cell may be of one with another grid, and says then whose it was.
        sealed: with its digests, for a folder that nothing is added to.
    """
    link_tree(source, folder)
    description = bundle.describe(folder / "model")
    if description.recipe_hash != recipe.hash:
        restated = description.model_copy(update={"recipe_hash": recipe.hash})
        write_json(folder / "model" / bundle.DESCRIPTION, restated)
        if sealed:
            checked.seal_folder(folder)
    elif sealed and (source / DIGESTS).is_file():
        link(source / DIGESTS, folder / DIGESTS)
