"""Figures that choose: emotion and WER on validation, speakers on `speaker_check`."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean

import torch

from mtlser.data.speaker_labels import speaker_label
from mtlser.evaluation import metrics
from mtlser.evaluation.predictor import BATCH_S, Output, length_batches, outputs
from mtlser.evaluation.selection import selection_score
from mtlser.models.bundle import Description
from mtlser.records import most_probable
from mtlser.training.batches import Example
from mtlser.training.checkpoint import Row
from mtlser.training.job import Job
from mtlser.training.step import forward, load_batch


def validator(
    description: Description,
    validation: Sequence[Example],
    speaker_check: Sequence[Example],
    metric: str,
) -> Callable[[Job], tuple[float, Row]]:
    """A function that scores a job's network as it stands: (selection score, figures).

    Args:
        description: what the network's outputs mean.
        validation: unseen speakers; emotion and transcripts are scored here.
        speaker_check: held-out utterances of training speakers; the speaker head is scored here,
            and has no accuracy where there are none.
        metric: `wa`, `ua`, `f1`, `wer` (score 1 - WER), `loss` (score -loss) or `joint`.
    """

    def validate(job: Job) -> tuple[float, Row]:
        figures = emotion_and_text(validation, predict(job, validation, description))
        spoken = speaker_check if description.speakers else ()
        figures["speaker_accuracy"] = metrics.speaker_accuracy(
            [speaker_label(each.utterance, job.recipe.speaker_label) or "" for each in spoken],
            [output.speaker for output in predict(job, spoken, description)],
        )
        return selection_score(figures, metric), {
            f"validation_{name}": value for name, value in figures.items()
        }

    return validate


def predict(job: Job, shown: Sequence[Example], description: Description) -> list[Output]:
    """The network's output for each example, in order, from the features that training reads."""
    job.network.eval()
    answers: list[tuple[str, Output]] = []
    with torch.inference_mode():
        durations_s = [example.duration_s for example in shown]
        for indices in job.processes.share(list(length_batches(durations_s, BATCH_S))):
            batch = load_batch(job, [shown[i] for i in indices])
            logits = forward(job, batch.features)
            decoded = outputs(logits, description)
            answers += zip(batch.ids, decoded, strict=True)
    by_id = dict(job.processes.gather(answers))
    return [by_id[example.utterance.id] for example in shown]


def emotion_and_text(shown: Sequence[Example], answers: Sequence[Output]) -> Row:
    """Emotion cross-entropy (nats), WA, UA, macro-F1 and WER of the outputs."""
    truth = [example.utterance.emotion for example in shown]
    guess = [most_probable(output.emotion_probabilities) for output in answers]
    texts = [
        (example.utterance.text, output.text or "")
        for example, output in zip(shown, answers, strict=True)
        if example.utterance.text is not None
    ]
    likelihoods = [o.emotion_probabilities[t] for t, o in zip(truth, answers, strict=True)]
    return {
        "loss": -fmean(math.log(max(p, 1e-12)) for p in likelihoods),
        "wa": metrics.weighted_accuracy(truth, guess),
        "ua": metrics.unweighted_accuracy(truth, guess),
        "f1": metrics.macro_f1(truth, guess),
        "wer": metrics.word_error_rate([t for t, _ in texts], [h for _, h in texts])
        if texts
        else None,
    }
