"""One training: where it is kept, and the network that comes of it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtlser.data import alphabets
from mtlser.data.decoding.channels import Policy
from mtlser.data.labels import classes_of
from mtlser.data.speaker_labels import speaker_label
from mtlser.models import bundle
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.losses import Joint
from mtlser.models.mtl import MtlNetwork, cut_of
from mtlser.recipe import Recipe
from mtlser.records import (
    SAMPLE_RATE_HZ,
    Utterance,
)
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import features, kept, loop, optimisation, precision, processes
from mtlser.training.batches import Example, Read, examples
from mtlser.training.checkpoint import Checkpoint, Row, best_epoch, score
from mtlser.training.inputs import Inputs, Training
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
            result = kept.result_of(training, outcome, trained, time.perf_counter() - started)
            kept.write_cell(folder, trained, outcome, result)

    return once(work, kept.place_of(training, inputs, recipe), make, needs="model")


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
        return fit_network(training, inputs, recipe, work, checkpoint, parent, epochs)[1].rows

    place = kept.place_of(training, inputs, recipe)
    rows = (begun(work, place, train) or kept.history(work.folder / place))[:epochs]
    best = best_epoch(list(rows))
    return Fit(best, score(rows[best - 1]), rows)


def fit_network(
    training: Training,
    inputs: Inputs,
    recipe: Recipe,
    work: WorkFolder,
    checkpoint: Checkpoint,
    parent: Run,
    until: int | None = None,
) -> tuple[TrainedModel, Fit]:
    """The network trained, and how that went; epoch figures go to MLflow as they come.

    With `until` it stops after so many epochs, to go on later.
    """
    trained, job = prepared(training, inputs, recipe, work)
    job = job if until is None else replace(job, epochs=until)
    with logged(training, parent) as log, watched(named(training), job.processes) as watcher:
        known = log.steps("train_loss")
        if trained.network.encoder.exact:
            log.tags({FP32_UNITS: " ".join(sorted(trained.network.encoder.exact))})

        def on_epoch(epoch: int, row: Row) -> None:
            if epoch not in known:
                log_row(log, epoch, row)

        outcome = loop.fit(replace(job, watcher=watcher), checkpoint, on_epoch)
        if until is None:
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
        cut=cut_of(recipe.model.trainable, network.encoder, recipe.train.padding),
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
    cut = cut_of(recipe.model.trainable, network.encoder, recipe.train.padding)
    network.to(team.device)
    read = features.reader(network, cut, inputs.corpus, inputs.utterances, work.folder)
    if recipe.model.standardise:
        spread = features.statistics(read, shown)
        network.mean_d, network.pooled_sd_d = spread.mean_c, spread.pooled_sd_c
        network.frame_sd_d = spread.frame_sd_c
    network.to(team.device)
    dtype = optimisation.activation_dtype(recipe.train.precision, team.device)
    precision.check(network.encoder, dtype, team)
    return read
