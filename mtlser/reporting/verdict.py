"""The scores in words: title, a summary in one or two sentences, and the limits of the results."""

from collections.abc import Mapping
from typing import Any

from mtlser.evaluation import literature
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.noise_facts import CORPUS_BABBLE, TOLERANCE_DB
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.evaluation.significance.statistics import negligible
from mtlser.evaluation.verification.claim_records import unverified
from mtlser.reporting.formats import (
    p_value,
    percent,
    points,
    speaker_spread,
    spread,
    spread_of,
)

FEW = 2
"""So many other systems are named one by one in the verdict."""


def title(scores: Scores) -> str:
    """The page's title; it says where speaker separation is violated, and what is not verified."""
    name = f"{scores.recipe_name}: " if scores.recipe_name else ""
    plain = f"{name}{scores.main} on {scores.corpus}, protocol {scores.protocol}"
    names = unverified(scores.claims)
    if not scores.claims:
        plain += " (not verified)"
    elif names:
        plain += f" (not verified: {', '.join(names)})"
    shared = any(claim.name == "speakers" and claim.state == "no" for claim in scores.claims)
    return f"NOT SPEAKER-INDEPENDENT – {plain}" if scores.leaks or shared else plain


def scorings(scores: Scores) -> str:
    """How many systems were scored on these folds, and what that means."""
    systems, recipes = len(scores.scorings), len({s.recipe_hash for s in scores.scorings})
    text = (
        f"{systems} system{'s' if systems != 1 else ''} by {recipes} "
        f"recipe{'s' if recipes != 1 else ''} have been scored on the test sets of these folds, as "
        "far as the manifest's folder and MLflow tell, this report's included."
    )
    if recipes > 1:
        text += " The best of several is better than it would be on new speakers."
    here = {(one.system, scores.recipe_hash): one.seeds for one in scores.systems}
    for each in scores.scorings:
        own = here.get((each.system, each.recipe_hash), each.seeds)
        if set(each.seeds) - set(own):
            text += (
                f" {each.system} was scored with {len(each.seeds)} seeds, of which this report has "
                f"{len(own)}: a seed that was picked by its score is better than the mean."
            )
    return text


def sentence(scores: Scores) -> str:
    """UA and WA over folds, then the difference to the other systems and its significance."""
    clean = scores.of(scores.main).clean
    folds = len(scores.fold_names)
    seeds = len(scores.of(scores.main).seeds)
    over = (
        f"mean ± SD over {folds} {scores.protocol} folds"
        if folds > 1
        else f"one {scores.protocol} fold, so no standard deviation"
    )
    if clean.seed_spreads:
        over += (
            f", each the mean of {seeds} seeds; SD over seeds "
            f"{percent(clean.seed_spreads['ua'].sd)} in UA, "
            f"{percent(clean.seed_spreads['wa'].sd)} in WA"
        )
    text = (
        f"{scores.main} reaches {spread(clean.spreads['ua'])} % UA and "
        f"{spread(clean.spreads['wa'])} % WA ({over})."
    )
    rows = [row for row in scores.comparisons if row.metric == "ua" and row.gap is not None]
    if len(rows) > FEW:
        texts = [_among(scores, rows)]
    else:
        texts = [f"It is {against(row)}." for row in rows]
    if scores.leaks:
        may = "may be" if scores.sharing_uncertain else "are"
        texts.append(f"Test speakers {may} also in training, so this is not a valid result.")
    return " ".join([text, *texts])


def _among(scores: Scores, rows: list[Comparison]) -> str:
    """The best of many other systems, and how many the main one differs from."""
    best = max(rows, key=lambda row: scores.of(row.other).clean.spreads["ua"].mean)
    shown = [row for row in rows if row.significant]
    above = sum(row.gap is not None and row.gap > 0 for row in shown)
    unjudged = sum(row.significant is None for row in rows)
    text = (
        f"Of {len(rows)} other systems it is significantly better than {above} and significantly "
        f"worse than {len(shown) - above} (Holm's p over all of them)"
    )
    if unjudged:
        text += f"; {unjudged} cannot be judged"
    return f"{text}. It is {against(best)}; that is the best of them."


def against(row: Comparison) -> str:
    """The difference to another system and whether it is significant; follows "is".

    The p of the verdict is the corrected resampled t-test's, adjusted by Holm over all systems
    that are compared with the main one; each other p stands beside its own test's interval.
    """
    assert row.gap is not None
    gap = 0.0 if abs(row.gap) <= negligible(row.gap) else row.gap
    if gap == 0:
        return f"equal to {row.other} in UA{' on every fold' if row.same_gap else ''}"
    text = f"{abs(gap) * 100:.1f} points {'above' if gap > 0 else 'below'} {row.other} in UA"
    if row.same_gap:
        return f"{text}{_on_every_fold(row)}"
    tests = []
    if row.corrected is not None:
        test = row.corrected
        tests.append(f"corrected resampled t-test: {_p_and_interval(test.p, test.interval)}")
        if row.family > 1:
            tests.append(f"by Holm over {row.family} systems: p = {p_value(row.p_adjusted)}")
    if row.welch is not None:
        tests.append(f"Welch: {_p_and_interval(row.welch.p, row.welch.interval)}")
    verdict = {
        True: "a significant difference",
        False: "not a significant difference",
        None: "without a verdict",
    }[row.significant]
    return f"{text}, {verdict} ({'; '.join(tests)})"


def _on_every_fold(row: Comparison) -> str:
    """What is known where all folds have the same difference; no t-test is."""
    text = " on every fold, so that no t-test is defined and there is no verdict"
    ranks = next((test for test in row.paired if test.kind == "wilcoxon"), None)
    if ranks is None:
        return text
    return f"{text} (Wilcoxon, which ignores shared training data: p = {p_value(ranks.p)})"


def _p_and_interval(p: float, interval: tuple[float, float] | None) -> str:
    return f"p = {p_value(p)}, 95 % interval {points(interval)}"


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
    """The main system's figures by name, in percent, as `formats.spread` writes them."""
    main = scores.of(scores.main)
    figures = [
        ("UA", spread_of(main.clean, "ua")),
        ("WA", spread_of(main.clean, "wa")),
        ("Macro F1", spread_of(main.clean, "macro_f1")),
    ]
    if "wer" in main.clean.spreads:
        figures.append(("WER", spread_of(main.clean, "wer")))
    if main.speaker is not None:
        figures.append(("Speaker accuracy", speaker_spread(main)))
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
