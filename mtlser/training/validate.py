"""Figures that choose: emotion and WER on validation, speakers on `speaker_check`."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TypeVar

import torch

from mtlser.data.speaker_labels import speaker_label
from mtlser.evaluation import metrics
from mtlser.evaluation.predictor import Output, batch_s, length_batches, outputs
from mtlser.evaluation.selection import selection_score
from mtlser.models.bundle import Description
from mtlser.models.mtl import Logits
from mtlser.records import most_probable
from mtlser.training.batches import Example
from mtlser.training.checkpoint import Row
from mtlser.training.job import Job
from mtlser.training.step import forward, load_batch

AnswerT = TypeVar("AnswerT")


def validator(description: Description, metric: str) -> Callable[[Job], tuple[float, Row]]:
    """A function that scores a job's network as it stands: (selection score, figures).

    Emotion and transcripts are scored on the job's validation, the speaker head on its
    `speaker_check`; it has no accuracy where that is empty.

    Args:
        description: what the network's outputs mean.
        metric: `wa`, `ua`, `f1`, `wer` (score 1 - WER), `loss` (score -loss) or `joint`.
    """

    def validate(job: Job) -> tuple[float, Row]:
        figures = emotion_and_text(job.validation, predict(job, job.validation, description))
        spoken = job.speaker_check if description.speakers else ()
        answers = predict(job, spoken, description)
        figures["speaker_accuracy"] = speakers_right(spoken, answers, job.recipe.speaker_label)
        return selection_score(figures, metric), {
            f"validation_{name}": value for name, value in figures.items()
        }

    return validate


def predict(job: Job, shown: Sequence[Example], description: Description) -> list[Output]:
    """The network's output for each example, in order, from the features that training reads."""
    return decoded(job, shown, lambda logits: outputs(logits, description))


def decoded(
    job: Job, shown: Sequence[Example], decode: Callable[[Logits], Sequence[AnswerT]]
) -> list[AnswerT]:
    """What the network says of each example, in order.

    Args:
        job: its network, and the features that it is trained on.
        shown: examples.
        decode: the answer to each clip of a batch.
    """
    job.network.eval()
    answers: list[tuple[str, AnswerT]] = []
    with torch.inference_mode():
        durations_s = [example.duration_s for example in shown]
        for indices in job.processes.share(
            list(length_batches(durations_s, batch_s(job.network.device)))
        ):
            batch = load_batch(job, [shown[i] for i in indices])
            logits = forward(job, batch.features)
            answers += zip(batch.ids, decode(logits), strict=True)
    by_id = dict(job.processes.gather(answers))
    return [by_id[example.utterance.id] for example in shown]


def speakers_right(shown: Sequence[Example], answers: Sequence[Output], label: str) -> float | None:
    """Share of utterances whose speaker is told; `None` without any.

    Args:
        shown: held-out utterances of training speakers.
        answers: outputs, in that order.
        label: what a speaker is, see `speaker_label`.
    """
    return metrics.speaker_accuracy(
        [speaker_label(each.utterance, label) or "" for each in shown],
        [output.speaker for output in answers],
    )


def emotion_and_text(shown: Sequence[Example], answers: Sequence[Output]) -> Row:
    """The figures of `emotion`, and WER."""
    return {**emotion(shown, answers), "wer": word_errors(shown, answers)}


def emotion(shown: Sequence[Example], answers: Sequence[Output]) -> Row:
    """Emotion cross-entropy (nats), WA, UA and macro-F1 of the outputs."""
    truth = [example.utterance.emotion for example in shown]
    guess = [most_probable(output.emotion_probabilities) for output in answers]
    likelihoods = [o.emotion_probabilities[t] for t, o in zip(truth, answers, strict=True)]
    return {
        "loss": -fmean(math.log(max(p, 1e-12)) for p in likelihoods),
        "wa": metrics.weighted_accuracy(truth, guess),
        "ua": metrics.unweighted_accuracy(truth, guess),
        "f1": metrics.macro_f1(truth, guess),
    }


def word_errors(shown: Sequence[Example], answers: Sequence[Output]) -> float | None:
    """WER of the outputs; `None` where nothing has a transcript."""
    texts = [
        (example.utterance.text, output.text or "")
        for example, output in zip(shown, answers, strict=True)
        if example.utterance.text is not None
    ]
    if not texts:
        return None
    return metrics.word_error_rate([t for t, _ in texts], [h for _, h in texts])
