"""Tables beside those of the classes: seeds, speakers, probabilities, words."""

import math

from mtlser.evaluation import numbers
from mtlser.evaluation.metrics import BINS
from mtlser.evaluation.number_records import Spread
from mtlser.evaluation.score_records import ConditionScores, Scores, SystemScores
from mtlser.reporting.formats import ABSENT, count, percent, spread, spread_of, what_spread
from mtlser.reporting.tables import Table, slug


def seeds(scores: Scores) -> Table | None:
    """Each seed's own result, and the spread over seeds beside that over folds.

    `None` where every system has one seed.
    """
    several = [one for one in scores.systems if one.clean.seed_spreads]
    if not several:
        return None
    metrics = ("ua", "wa", "macro_f1", "wer")
    rows = []
    for one in several:
        over_folds, over_seeds = one.clean.spreads, one.clean.seed_spreads
        for seed in one.seeds:
            own = [_of_seed(one.clean, seed, metric) for metric in metrics]
            rows.append((one.system, f"seed {seed}", *map(spread, own)))
        for name, known in (("SD over seeds", over_seeds), ("SD over folds", over_folds)):
            spreads = [known.get(metric) for metric in metrics]
            rows.append((one.system, name, *(percent(s.sd if s else None) for s in spreads)))
    return Table(
        id="seeds",
        caption="Clean test by training seed: mean ± SD over folds, percent",
        columns=("System", "Seed", "UA", "WA", "Macro F1", "WER"),
        rows=tuple(rows),
        note="SD over seeds: of the seeds' means over folds, so what another training on the same "
        "data changes. SD over folds: of the folds' means over seeds, so what other speakers "
        "change. Tests between systems are on the folds' means over seeds.",
    )


def _of_seed(part: ConditionScores, seed: int, metric: str) -> Spread | None:
    """A metric over folds by the trainings of one seed."""
    return numbers.spread_of(getattr(fold.of_seed(seed), metric) for fold in part.folds)


def speakers(one: SystemScores) -> Table | None:
    """Speaker accuracy by fold; `None` where it was not measured."""
    if one.speaker is None:
        return None
    return Table(
        id=f"speakers-{slug(one.system)}",
        caption=f"Speaker accuracy of {one.system} on held-out utterances of training speakers, "
        f"percent; {percent(one.speaker.pooled)} over all folds",
        columns=("Fold", "Utterances", "Accuracy"),
        rows=tuple(
            (fold.name, count(fold.utterances), percent(fold.accuracy))
            for fold in one.speaker.folds
        ),
    )


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
            *(spread_of(one.clean, m) for m in ("wer", "wer_normalised", "cer")),
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
        caption=f"Transcripts on clean test, percent: {what_spread(scores)}, then all folds "
        "together; lower is better",
        columns=("System", "WER", "WER normalised", "CER", "WER, pooled", "Normalised, pooled"),
        rows=tuple(rows),
        note="WER and CER compare the texts as they are, words split at spaces: references as "
        "`mtlser ingest` spells them (A–Z and apostrophe, numbers in words, ä as AE, ß as SS), "
        "hypotheses as the system writes them, so that case or a comma counts as an error. WER "
        "normalised compares both without case, apostrophes and punctuation (a hyphen parts "
        "words), with ä ö ü ß as ae oe ue ss and without other accents; numbers stay as written.",
    )
