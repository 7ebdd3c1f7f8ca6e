"""All pairs of a fold's grid in one training, where the encoder is frozen; the rows of one by one.

What a pair changes is told in `mtlser.models.stacked`. The emotion head, and so the epoch that is
chosen by it, is the same for all pairs; a head for words is trained for each alpha, a speaker head
for each beta, and only a chosen pair's are written as a cell.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.torch import load_file, save_file

from mtlser.evaluation.predictor import Output, outputs
from mtlser.evaluation.selection import selection_score
from mtlser.files import atomic_folder, write_text
from mtlser.models.bundle import Description, TrainedModel
from mtlser.models.mtl import Logits
from mtlser.models.stacked import GridObjective, StackedLogits, StackedNetwork
from mtlser.recipe import Recipe
from mtlser.records import Record, read_json, write_json
from mtlser.storage import checked
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import kept, loop, network, validate
from mtlser.training.batches import Example
from mtlser.training.checkpoint import Checkpoint, Row, trained_weights
from mtlser.training.inputs import Inputs, Training, cell_key
from mtlser.training.job import Fit, Job
from mtlser.training.logs import logged, watched
from mtlser.training.once import once
from mtlser.training.search.cells import alphas, betas

HEADS, HISTORY, RESULT = "heads.safetensors", "history.jsonl", "grid.json"
OF_EMOTION = frozenset({"wa", "ua", "f1", "loss"})
"""Metrics of the emotion head alone, by which all pairs choose the same epoch."""


class GridResult(Record):
    """How the training of a grid ended (`grid.json`)."""

    epoch: int
    """Whose weights were kept."""
    score: float
    seconds: float
    pairs: int


def separable(recipe: Recipe) -> bool:
    """Whether one pair's heads are trained as if the others were not there.

    They are not where anything ties the heads together: a trained encoder, shares of its layers,
    a limit on the norm of the whole gradient, or fp16, which leaves a whole step out.
    """
    return (
        recipe.search.sampler == "grid"
        and recipe.search.metric in OF_EMOTION
        and recipe.model.trainable == "heads"
        and recipe.model.layers != "weighted"
        and recipe.train.clip_norm is None
        and recipe.train.precision != "fp16"
    )


@dataclass(frozen=True)
class Grid:
    """The grid of one fold."""

    any_pair: Training
    """A training of the fold, of any pair."""
    inputs: Inputs
    recipe: Recipe
    work: WorkFolder

    @property
    def alphas(self) -> tuple[float, ...]:
        """Of the recipe."""
        return alphas(self.recipe)

    @property
    def betas(self) -> tuple[float, ...]:
        """Of the recipe."""
        return betas(self.recipe)

    def trained(self) -> Path:
        """Folder of the grid's heads and figures; one that was trained before is not again."""
        first = replace(self.any_pair, alpha=self.alphas[0], beta=self.betas[0])
        values = json.dumps([self.alphas, self.betas]).encode()
        key = (
            f"{cell_key(first, self.inputs, self.recipe)}-{hashlib.sha256(values).hexdigest()[:8]}"
        )
        return once(
            self.work, f"grids/{key}", lambda to, checkpoint: self._fit(first, to, checkpoint)
        )

    def results(self) -> Iterator[tuple[float, float, GridResult, dict[str, float | None]]]:
        """Yields alpha, beta, how the training ended, and the figures on validation."""
        folder = self.trained()
        result = read_json(folder / RESULT, GridResult)
        best = _history(folder)[result.epoch - 1]
        for alpha in self.alphas:
            for beta in self.betas:
                yield alpha, beta, result, kept.validation_of(self._row(best, alpha, beta))

    def cell(self, training: Training, parent: Run) -> Path:
        """Folder of a pair's network, as a training of that pair alone would leave it."""
        folder = self.trained()
        result = read_json(folder / RESULT, GridResult)

        def make(to: Path, _: Checkpoint) -> None:
            trained = network.prepared(training, self.inputs, self.recipe, self.work)[0]
            stack = self._stack(trained)
            stack.load_state_dict(load_file(folder / HEADS), strict=False)
            pair = self.alphas.index(training.alpha), self.betas.index(training.beta)
            stack.give(trained.network, *pair)
            history = _history(folder)
            rows = tuple(self._row(row, training.alpha, training.beta) for row in history)
            outcome = Fit(result.epoch, result.score, rows)
            share_s = result.seconds / result.pairs
            ended = kept.result_of(training, outcome, trained, share_s)
            kept.write_cell(to, trained, outcome, ended)
            with logged(training, parent) as log:
                network.log_rows(log, outcome)

        place = kept.place_of(training, self.inputs, self.recipe)
        return once(self.work, place, make, needs="model")

    def history(self, training: Training) -> tuple[Row, ...]:
        """The figures of each epoch of a pair, as a training of that pair alone would have them."""
        rows = _history(self.trained())
        return tuple(self._row(row, training.alpha, training.beta) for row in rows)

    def _stack(self, trained: TrainedModel) -> StackedNetwork:
        counts = len(self.alphas), len(self.betas)
        return StackedNetwork(trained.network, self.recipe.model, *counts)

    def _fit(self, first: Training, folder: Path, checkpoint: Checkpoint) -> None:
        started = time.perf_counter()
        trained, job = network.prepared(first, self.inputs, self.recipe, self.work)
        stack = self._stack(trained)
        name = f"{first.cell.text} {len(self.alphas)} x {len(self.betas)} pairs"
        with watched(name, job.processes) as watcher:
            job = replace(
                job,
                network=stack,
                objective=GridObjective(
                    self.alphas, self.betas, per_symbol=self.recipe.train.ctc == "symbol"
                ),
                validate=validator(trained.description, self.recipe.search.metric),
                watcher=watcher,
            )
            outcome = loop.fit(job, checkpoint, lambda epoch, row: None)
        assert outcome.score is not None
        result = GridResult(
            epoch=outcome.best_epoch,
            score=outcome.score,
            seconds=time.perf_counter() - started,
            pairs=len(self.alphas) * len(self.betas),
        )
        with atomic_folder(folder) as temporary:
            save_file(trained_weights(stack), temporary / HEADS)
            lines = [json.dumps(row) + "\n" for row in outcome.rows]
            write_text(temporary / HISTORY, "".join(lines))
            write_json(temporary / RESULT, result)
            checked.seal_folder(temporary)

    def _row(self, row: Row, alpha: float, beta: float) -> Row:
        """The figures of one pair out of those of all heads."""
        places = {
            "train_loss_ctc": self.alphas.index(alpha),
            "validation_wer": self.alphas.index(alpha),
            "train_loss_speaker": self.betas.index(beta),
            "validation_speaker_accuracy": self.betas.index(beta),
        }
        own = {name: value for name, value in row.items() if "." not in name}
        own |= {name: row[f"{name}.{place}"] for name, place in places.items()}
        terms = (own["train_loss_emotion"], own["train_loss_ctc"], own["train_loss_speaker"])
        weights = (1.0, alpha, beta)
        own["train_loss"] = sum(w * (term or 0.0) for w, term in zip(weights, terms, strict=True))
        return own


def validator(description: Description, metric: str) -> Callable[[Job], tuple[float, Row]]:
    """A function that scores all heads of a grid as they stand; see `validate.validator`."""

    def validated(job: Job) -> tuple[float, Row]:
        assert isinstance(job.objective, GridObjective)
        alphas, betas = range(len(job.objective.alphas)), range(len(job.objective.betas))
        said = _answers(job, job.validation, description, [(i, None) for i in alphas])
        spoken = job.speaker_check if description.speakers else ()
        named = _answers(job, spoken, description, [(None, i) for i in betas])
        figures = validate.emotion(job.validation, said[0])
        row: Row = {f"validation_{name}": value for name, value in figures.items()}
        for place, answers in enumerate(said):
            row[f"validation_wer.{place}"] = validate.word_errors(job.validation, answers)
        for place, answers in enumerate(named):
            right = validate.speakers_right(spoken, answers, job.recipe.speaker_label)
            row[f"validation_speaker_accuracy.{place}"] = right
        return selection_score(figures, metric), row

    return validated


def _answers(
    job: Job,
    shown: Sequence[Example],
    description: Description,
    heads: Sequence[tuple[int | None, int | None]],
) -> list[list[Output]]:
    """The outputs for all examples, for each of the places in alphas and betas."""

    def decode(logits: Logits) -> list[tuple[Output, ...]]:
        assert isinstance(logits, StackedLogits)
        return list(zip(*(outputs(logits.of(*each), description) for each in heads), strict=True))

    answers = validate.decoded(job, shown, decode)
    return [[each[i] for each in answers] for i in range(len(heads))]


def _history(folder: Path) -> list[Row]:
    lines = (folder / HISTORY).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
