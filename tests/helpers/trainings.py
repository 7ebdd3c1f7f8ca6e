"""Small trainings for tests: recipes, inputs and jobs."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mtlser import recipe as recipes
from mtlser.data.speaker_labels import speaker_label
from mtlser.models import bundle
from mtlser.models.losses import Joint
from mtlser.models.mtl import CUT_OF
from mtlser.recipe import Recipe
from mtlser.records import FOUR, SAMPLE_RATE_HZ, Cell, Utterance
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import features, network
from mtlser.training.batches import Example, examples
from mtlser.training.inputs import Inputs, Training
from mtlser.training.job import Job
from mtlser.training.processes import Processes
from mtlser.training.step import Stepper
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.networks import write_encoder

ALONE = Processes(0, 1, torch.device("cpu"))
TIMED = ("train_seconds", "audio_s_per_s")


def small_recipe(folder: Path, *overrides: str, norm: str = "layer") -> Recipe:
    """A recipe that clips no gradient, on a small encoder without dropout."""
    encoder = Path(write_encoder(folder / f"encoder-{norm}", norm=norm))
    config = json.loads((encoder / "config.json").read_text())
    quiet = {k: 0.0 for k in config if k.endswith("dropout")}
    (encoder / "config.json").write_text(json.dumps(config | quiet))
    given = (f"model.encoder={encoder}", "train.epochs=2", "train.learning_rate=1e-3")
    return recipes.load("paper", (*given, *overrides))


def make_inputs(folder: Path, speakers: int = 4, each: int = 8) -> Inputs:
    """A made-up corpus with its one fold."""
    corpus = folder / "corpus"
    corpus.mkdir()
    utterances = write_corpus(corpus, speakers, each)
    return Inputs(corpus, utterances, one_fold(utterances))


def training(inputs: Inputs, epochs: int | None = None) -> Training:
    """The training of the fold, or of so many epochs without validation."""
    cell = Cell(system="mtlser", fold=0, seed=0)
    return Training(cell, 0.1, 0.8, inputs.plan.folds[0], epochs)


def train(inputs: Inputs, recipe: Recipe, work: Path | WorkFolder) -> Path:
    """The folder of the trained cell."""
    work = work if isinstance(work, WorkFolder) else WorkFolder(work)
    return network.train_network(training(inputs), inputs, recipe, work, NullRun())


def history(folder: Path) -> list[dict[str, float]]:
    """A cell's rows, without what a clock told."""
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMED} for line in lines]


def make_job(inputs: Inputs, recipe: Recipe, work: Path, processes: Processes = ALONE) -> Job:
    """A job without validation, whose weights are the same each time."""
    shown = inputs.of(inputs.plan.folds[0].train)
    label = recipe.train.speaker_label
    speakers = tuple(sorted({speaker_label(utterance, label) or "" for utterance in shown}))
    torch.manual_seed(0)
    built = bundle.build(recipe.model, len(FOUR), len(speakers))
    cut = CUT_OF[recipe.model.trainable]
    read = features.reader(built, cut, inputs.corpus, inputs.utterances, work)

    def frames(utterance: Utterance) -> int:
        samples = round(utterance.duration_s * SAMPLE_RATE_HZ)
        return built.encoder.frames(built.encoder.local_frames(samples))

    parts = examples(shown, FOUR, speakers, frames, label)
    train = recipe.train
    built.train()
    return Job(
        built,
        cut,
        read,
        parts,
        train,
        Joint(train.alpha, train.beta),
        0,
        None,
        train.epochs,
        processes,
    )


def one_step(job: Job, group: Sequence[Example] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """Losses and gradients of one step of a new stepper, on the first 8 examples."""
    return step_of(Stepper(job), group)


def step_of(
    stepper: Stepper, group: Sequence[Example] | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Losses and gradients of one step."""
    job = stepper.job
    figures = stepper.step(group or job.examples[:8], seed=1)
    named = job.network.named_parameters()
    return figures, {name: p.grad.clone() for name, p in named if p.grad is not None}


def assert_same(
    one: tuple[Tensor, dict[str, Tensor]], other: tuple[Tensor, dict[str, Tensor]]
) -> None:
    """Losses and gradients are the same but for rounding."""
    assert one[1].keys() == other[1].keys()
    torch.testing.assert_close(one[0], other[0], rtol=1e-5, atol=1e-6)
    for name, grad in one[1].items():
        scale = float(grad.abs().max())
        same = torch.allclose(other[1][name], grad, rtol=1e-4, atol=1e-5 * scale + 1e-8)
        assert same, f"{name}: {float((other[1][name] - grad).abs().max())} of {scale}"
