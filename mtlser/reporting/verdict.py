"""What the scores come to, in words: the title, one sentence, and what to beware of."""

from mtlser.evaluation.paired import Paired
from mtlser.evaluation.score_records import Comparison, Scores
from mtlser.evaluation.statistics import LEVEL
from mtlser.records import SearchResult
from mtlser.reporting.formats import p_value, percent, points, spread


def title(scores: Scores) -> str:
    """The page's title; a leaking protocol is named in it."""
    plain = f"{scores.recipe_name}: {scores.main} on {scores.corpus}, protocol {scores.protocol}"
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
    texts = [_against(row) for row in rows]
    leak = ["the protocol leaks, so this is no result"] if scores.leaks else []
    return "; ".join([text, *texts, *leak]) + "."


def _against(row: Comparison) -> str:
    """The difference to one other system, by the corrected test where there is one."""
    assert row.welch is not None
    way = "above" if row.welch.difference >= 0 else "below"
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


def cautions(scores: Scores, search: SearchResult) -> list[str]:
    """What to beware of before the numbers: an optimistic search, then the scores' notes."""
    found = []
    if search.scope == "global" and len({(r.alpha, r.beta) for r in search.rows}) > 1:
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
