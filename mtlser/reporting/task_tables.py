"""Tables of what systems give beside the class: its probability, and the words."""

import math

from mtlser.evaluation.metrics import BINS
from mtlser.evaluation.score_records import Scores
from mtlser.reporting.formats import ABSENT, percent, spread
from mtlser.reporting.tables import Table


def calibration(scores: Scores) -> Table:
    """How good the probabilities of each system are, on clean test, all folds together."""
    rows = [
        (
            one.system,
            percent(n.calibration_error),
            *(ABSENT if value is None else f"{value:.3f}" for value in (n.brier, n.log_loss)),
        )
        for one in scores.systems
        for n in [one.clean.pooled]
    ]
    classes = len(scores.classes)
    return Table(
        id="calibration",
        caption="Probabilities on clean test, all folds together; lower is better",
        columns=("System", "ECE %", "Brier score", "Log-loss, nats"),
        rows=tuple(rows),
        note=f"ECE: expected calibration error of the most probable class, in {BINS} bins of equal "
        "width. Brier score: squared error of the probabilities, summed over classes, 0-2. "
        "Log-loss: negative log of the true class's probability. Equal probabilities for all "
        f"{classes} classes have a Brier score of {1 - 1 / classes:.3f} and a log-loss of "
        f"{math.log(classes):.3f}.",
    )


def transcripts(scores: Scores) -> Table | None:
    """WER as the texts are and normalised, and CER; `None` where no system transcribes."""
    rows = [
        (
            one.system,
            *(spread(one.clean.spreads.get(m)) for m in ("wer", "wer_normalised", "cer")),
            *(percent(value) for value in (n.wer, n.wer_normalised)),
        )
        for one in scores.systems
        for n in [one.clean.pooled]
        if n.wer is not None
    ]
    if not rows:
        return None
    return Table(
        id="transcripts",
        caption="Transcripts on clean test, percent: mean ± SD over folds, then all folds "
        "together; lower is better",
        columns=("System", "WER", "WER normalised", "CER", "WER, pooled", "Normalised, pooled"),
        rows=tuple(rows),
        note="WER and CER compare the texts as they are, words split at spaces: references as "
        "`mtlser ingest` spells them (A–Z and apostrophe, numbers in words, ä as AE, ß as SS), "
        "hypotheses as the system writes them, so that case or a comma counts as an error. WER "
        "normalised compares both without case, apostrophes and punctuation (a hyphen parts "
        "words), with ä ö ü ß as ae oe ue ss and without other accents; numbers stay as written.",
    )
