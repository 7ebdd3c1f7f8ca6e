"""The scores in words: title, a summary in one or two sentences, and the limits of the results."""

from collections.abc import Mapping
from typing import Any

from mtlser.evaluation import literature
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.noise_facts import CORPUS_BABBLE, TOLERANCE_DB
from mtlser.evaluation.score_records import Comparison, Scores
from mtlser.evaluation.significance.paired import Paired
from mtlser.evaluation.significance.statistics import LEVEL
from mtlser.reporting.formats import p_value, percent, points, spread

FEW = 2
"""So many other systems are named one by one in the verdict."""


def title(scores: Scores) -> str:
    """The page's title; it says where the protocol violates speaker separation."""
    name = f"{scores.recipe_name}: " if scores.recipe_name else ""
    plain = f"{name}{scores.main} on {scores.corpus}, protocol {scores.protocol}"
    return f"NOT SPEAKER-INDEPENDENT – {plain}" if scores.leaks else plain


def sentence(scores: Scores) -> str:
    """UA and WA over folds, then the difference to the other systems and its significance."""
    clean = scores.of(scores.main).clean
    folds = len(scores.fold_names)
    over = (
        f"mean ± SD over {folds} {scores.protocol} folds"
        if folds > 1
        else f"one {scores.protocol} fold, so no standard deviation"
    )
    text = (
        f"{scores.main} reaches {spread(clean.spreads['ua'])} % UA and "
        f"{spread(clean.spreads['wa'])} % WA ({over})."
    )
    rows = [row for row in scores.comparisons if row.metric == "ua" and row.welch is not None]
    if len(rows) > FEW:
        texts = [_among(scores, rows)]
    else:
        texts = [f"It is {against(row)}." for row in rows]
    if scores.leaks:
        texts.append("Test speakers are also in training, so this is not a valid result.")
    return " ".join([text, *texts])


def _among(scores: Scores, rows: list[Comparison]) -> str:
    """The best of many other systems, and how many the main one differs from."""
    best = max(rows, key=lambda row: scores.of(row.other).clean.spreads["ua"].mean)
    shown = [row for row in rows if (test := corrected(row)) is not None and test.p < LEVEL]
    above = sum(row.welch is not None and row.welch.difference > 0 for row in shown)
    return (
        f"Of {len(rows)} other systems it is significantly better than {above} and significantly "
        f"worse than {len(shown) - above}. It is {against(best)}; that is the best of them."
    )


def against(row: Comparison) -> str:
    """The difference to another system, by the corrected test where there is one; follows "is"."""
    assert row.welch is not None
    if row.welch.difference == 0:
        return f"equal to {row.other} in UA"
    way = "above" if row.welch.difference > 0 else "below"
    text = f"{abs(row.welch.difference) * 100:.1f} points {way} {row.other} in UA"
    test = corrected(row)
    if test is None:
        return f"{text} (Welch: p = {p_value(row.welch.p)})"
    verdict = "a significant" if test.p < LEVEL else "not a significant"
    return (
        f"{text}, {verdict} difference (corrected resampled t-test: p = {p_value(test.p)}, 95 % "
        f"interval {points(test.interval)}; Welch: p = {p_value(row.welch.p)})"
    )


def corrected(row: Comparison) -> Paired | None:
    """The corrected resampled t-test of a comparison."""
    for test in row.paired:
        if test.kind == "corrected resampled t":
            return test
    return None


def cautions(
    scores: Scores, search: SearchResult | None, ingest: Mapping[str, Any] | None = None
) -> list[str]:
    """The limits of the results: data unlike the release, an optimistic search, then the notes."""
    limits = _unlike_release(scores, ingest or {})
    if search and search.scope == "global" and len({(r.alpha, r.beta) for r in search.rows}) > 1:
        limits.append(
            "One pair (alpha, beta) was chosen on the validation data of all folds (scope global), "
            "which includes the test speakers of every fold, so the scores are optimistic."
        )
    return limits + list(scores.notes)


def _unlike_release(scores: Scores, ingest: Mapping[str, Any]) -> list[str]:
    """Says where the data are not the published release, though they bear its name."""
    if "differs_from_release" not in ingest:
        return []
    counts = ingest["differs_from_release"]
    if counts:
        return [
            f"The data differ from the published release of {scores.corpus} in {len(counts)} "
            "counts; see the section on data."
        ]
    if counts is None and scores.corpus == literature.source().corpus:
        return [
            f"The data have too few labelled utterances to be the published {scores.corpus} "
            "release: they are a part of it or synthetic speech in its format. Do not compare "
            "these scores with published ones."
        ]
    return []


def headline(scores: Scores) -> list[tuple[str, str]]:
    """The main system's figures by name, in percent: mean ± SD over folds."""
    main = scores.of(scores.main)
    spreads = main.clean.spreads
    figures = [
        ("UA", spread(spreads["ua"])),
        ("WA", spread(spreads["wa"])),
        ("Macro F1", spread(spreads["macro_f1"])),
    ]
    if "wer" in spreads:
        figures.append(("WER", spread(spreads["wer"])))
    if main.speaker is not None:
        figures.append(("Speaker accuracy", spread(main.speaker.spread)))
    figures.append(("Calibration error (ECE)", percent(main.clean.pooled.calibration_error)))
    return figures


def noise(scores: Scores) -> str:
    """How noise was added to the test utterances, in words."""
    facts = scores.noise
    if facts is None:
        return (
            "How the noise was added was not recorded: its source and the definition of the speech "
            "level are not known."
        )
    level = {
        "active": "the RMS of its active frames, without pauses",
        "rms": "the RMS of all its samples",
    }[facts.level]
    own = facts.source == CORPUS_BABBLE
    source = "voices of the corpus itself, mixed" if own else facts.source
    text = (
        f"Kinds of noise: {', '.join(facts.kinds)}; source: {source}. The speech level of the SNR "
        f"(signal-to-noise ratio) is {level}. The systems were trained on {facts.trained_on} "
        "speech only; noise is added to test utterances alone."
    )
    if facts.largest_deviation_db is None:
        return f"{text} The SNR of the mixed clips was not measured again."
    return f"{text} {_snr_error(facts.largest_deviation_db)}"


def _snr_error(largest_db: float) -> str:
    """How exact the SNR of every mixed clip is, by the tolerance that mixing is held to."""
    if largest_db <= TOLERANCE_DB:
        return (
            "The SNR of every mixed clip was measured again and is within "
            f"{TOLERANCE_DB:g} dB of the named one, as required."
        )
    return (
        "The SNR of every mixed clip was measured again and is up to "
        f"{largest_db:.1f} dB from the named one; {TOLERANCE_DB:g} dB is allowed."
    )
