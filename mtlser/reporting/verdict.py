"""What the scores come to, in words: the title, one sentence, and what to beware of."""

from mtlser.evaluation.noise_facts import TOLERANCE_DB
from mtlser.evaluation.score_records import Comparison, Scores
from mtlser.evaluation.significance.paired import Paired
from mtlser.evaluation.significance.statistics import LEVEL
from mtlser.records import SearchResult
from mtlser.reporting.formats import p_value, percent, points, spread

FEW = 2
"""So many other systems are named one by one in the verdict."""


def title(scores: Scores) -> str:
    """The page's title; a leaking protocol is named in it."""
    name = f"{scores.recipe_name}: " if scores.recipe_name else ""
    plain = f"{name}{scores.main} on {scores.corpus}, protocol {scores.protocol}"
    return f"LEAKING PROTOCOL – {plain}" if scores.leaks else plain


def sentence(scores: Scores) -> str:
    """UA and WA over folds, the distance to the baseline, and how sure it is, in one sentence."""
    clean = scores.of(scores.main).clean
    folds = len(scores.fold_names)
    over = (
        f"mean ± SD over {folds} {scores.protocol} folds"
        if folds > 1
        else f"one {scores.protocol} fold, so without a spread"
    )
    text = (
        f"{scores.main} reaches {spread(clean.spreads['ua'])} % UA and "
        f"{spread(clean.spreads['wa'])} % WA ({over})"
    )
    rows = [row for row in scores.comparisons if row.metric == "ua" and row.welch is not None]
    texts = [against(row) for row in rows] if len(rows) <= FEW else [_among(scores, rows)]
    leak = ["the protocol leaks, so this is no result"] if scores.leaks else []
    return "; ".join([text, *texts, *leak]) + "."


def _among(scores: Scores, rows: list[Comparison]) -> str:
    """The best of many other systems, and how many the main one differs from."""
    best = max(rows, key=lambda row: scores.of(row.other).clean.spreads["ua"].mean)
    shown = [row for row in rows if (test := corrected(row)) is not None and test.p < LEVEL]
    above = sum(row.welch is not None and row.welch.difference > 0 for row in shown)
    return (
        f"of {len(rows)} other systems it is shown to be above {above} and below "
        f"{len(shown) - above}; against the best of them, {against(best)}"
    )


def against(row: Comparison) -> str:
    """The difference to one other system, by the corrected test where there is one."""
    assert row.welch is not None
    if row.welch.difference == 0:
        return f"level with {row.other} in UA"
    way = "above" if row.welch.difference > 0 else "below"
    text = f"{abs(row.welch.difference) * 100:.1f} points UA {way} {row.other}"
    test = corrected(row)
    if test is None:
        return f"{text} (Welch p = {p_value(row.welch.p)})"
    known = "a difference is shown" if test.p < LEVEL else "no difference is shown"
    return (
        f"{text} (95 % interval {points(test.interval)}; p = {p_value(test.p)} allowing for "
        f"training data that folds share, Welch p = {p_value(row.welch.p)}): {known}"
    )


def corrected(row: Comparison) -> Paired | None:
    """The corrected resampled t-test of a comparison."""
    for test in row.paired:
        if test.kind == "corrected resampled t":
            return test
    return None


def cautions(scores: Scores, search: SearchResult | None) -> list[str]:
    """What to beware of before the numbers: an optimistic search, then the scores' notes."""
    found = []
    if search and search.scope == "global" and len({(r.alpha, r.beta) for r in search.rows}) > 1:
        found.append(
            "Alpha and beta were chosen once from all folds' validation (scope global): each "
            "fold's test speakers took part in the choice as another fold's validation, so the "
            "scores are optimistic."
        )
    return found + list(scores.notes)


def headline(scores: Scores) -> list[tuple[str, str]]:
    """The main system's figures by name, in percent: mean ± SD over folds."""
    main = scores.of(scores.main)
    spreads = main.clean.spreads
    found = [
        ("UA", spread(spreads["ua"])),
        ("WA", spread(spreads["wa"])),
        ("Macro F1", spread(spreads["macro_f1"])),
    ]
    if "wer" in spreads:
        found.append(("WER", spread(spreads["wer"])))
    if main.speaker is not None:
        found.append(("Speaker accuracy", spread(main.speaker.spread)))
    found.append(("Calibration error (ECE)", percent(main.clean.pooled.calibration_error)))
    return found


def noise(scores: Scores) -> str:
    """How the noisy conditions were made, in words."""
    facts = scores.noise
    if facts is None:
        return (
            "How the noise was mixed in was not recorded: source and the definition of the speech "
            "level are not known here."
        )
    level = {
        "active": "the RMS of its active frames, pauses left out",
        "rms": "the RMS of all its samples",
    }[facts.level]
    text = (
        f"Noise: {', '.join(facts.kinds)} from {facts.source}. Speech level in the SNR: {level}. "
        f"Training heard {facts.trained_on} speech only; the noise is in test alone."
    )
    if facts.largest_deviation_db is None:
        return f"{text} The SNR was not measured back."
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
