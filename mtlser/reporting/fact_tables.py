"""Tables that are not from predictions: literature, cost, the search, baselines without audio."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from mtlser.evaluation import literature
from mtlser.evaluation.choices import Choice, SearchResult
from mtlser.evaluation.fact_records import CostRow
from mtlser.evaluation.literature import LiteratureRow
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.significance.statistics import Summary
from mtlser.reporting.formats import ABSENT, count, p_value, percent, points, signed
from mtlser.reporting.surface import MEASURES, choice_score
from mtlser.reporting.tables import Table


def published(rows: Sequence[LiteratureRow]) -> Table:
    """The paper's table 4, as printed."""
    return Table(
        id="literature",
        caption="Table 4 of the paper as printed: mean ± SD over ten folds, percent; not measured "
        "here",
        columns=(
            *("Method", "UA", "WA", "Multiply-adds, G", "s a sample"),
            *("p printed", "p recomputed"),
        ),
        rows=tuple(
            (
                row.method,
                _printed(row.ua),
                _printed(row.wa),
                f"{row.giga_macs:.2f}",
                f"{row.seconds:.2f}",
                p_value(row.p_printed),
                p_value(row.p_recomputed),
            )
            for row in rows
        ),
        note="p recomputed: two-tailed Welch on WA against MTLSER from the printed means, SDs and "
        "ten folds. The column of multiply-adds is printed as FLOPs.",
    )


def against(rows: Sequence[LiteratureRow]) -> Table | None:
    """The main system's folds against each published row; `None` without folds to compare."""
    tested = [
        (
            row.method,
            metric,
            signed(test.difference),
            points(test.interval),
            p_value(test.p),
            "yes" if row.comparable else f"no: {row.why_not or 'unlike protocols'}",
        )
        for row in rows
        for metric, test in (("WA", row.welch_wa), ("UA", row.welch_ua))
        if test is not None
    ]
    if not tested:
        return None
    return Table(
        id="against-literature",
        caption="Measured here minus published, points; Welch from the folds and the printed mean, "
        "SD and n",
        columns=("Published", "Metric", "Difference", "95 % interval", "p Welch", "Comparable"),
        rows=tuple(tested),
        note="A row that is not comparable was measured on other folds or data: its difference "
        "does not compare the systems.",
    )


def published_noise() -> Table:
    """The paper's table 5, as printed."""
    return Table(
        id="literature-noise",
        caption="Table 5 of the paper as printed: NOISEX-92 babble, percent; not measured here",
        columns=("SNR dB", "WA", "UA", "F1"),
        rows=tuple(
            (f"{row.snr_db:g}", _printed(row.wa), _printed(row.ua), _printed(row.f1))
            for row in literature.table_5()
        ),
    )


def cost(rows: Sequence[CostRow]) -> Table | None:
    """Size, operations, time and memory; `None` where nothing was measured."""
    if not rows:
        return None
    clips = sorted({row.clip_s for row in rows if row.clip_s is not None})
    machines = sorted({row.machine for row in rows if row.machine})
    clip = " and ".join(f"{clip:g} s" for clip in clips) or "a clip of unknown length"
    return Table(
        id="cost",
        caption=f"Cost of one forward pass on {clip}",
        columns=(
            *("System", "Parameters", "Trainable", "Clip, s", "Multiply-adds, G", "FLOPs, G"),
            *("Latency p50, ms", "Latency p95, ms", "Clips a second", "Memory, MB"),
        ),
        rows=tuple(
            (
                row.system,
                count(row.parameters),
                count(row.trainable),
                _scaled(row.clip_s, 1, 1),
                _scaled(row.multiply_adds, 1e-9, 3),
                _scaled(row.flops, 1e-9, 3),
                _scaled(row.latency_p50_s, 1e3, 1),
                _scaled(row.latency_p95_s, 1e3, 1),
                _scaled(row.throughput_per_s, 1, 1),
                _scaled(row.memory_mb, 1, 0),
            )
            for row in rows
        ),
        note="Latency: batch 1 after warm-up. Clips a second: batch 8. Memory: peak of the "
        f"process. Machine: {'; '.join(machines) or 'not named'}.",
    )


def choices(search: SearchResult) -> Table:
    """The pair and epoch that the search chose for each fold."""
    metric = MEASURES[search.metric].name
    return Table(
        id="choices",
        caption="Pair and epoch chosen for each fold",
        columns=("Fold", "Alpha", "Beta", "Epoch", f"Validation {metric}"),
        rows=tuple(_choice(choice, search) for choice in search.choices),
        note=_rule(search)
        + " Of several seeds: the epoch of each, and the mean of their validation scores."
        if any(len(search.reached_by(choice.fold)) > 1 for choice in search.choices)
        else _rule(search),
    )


def _rule(search: SearchResult) -> str:
    """How the pairs were chosen; empty where there was nothing to choose from."""
    if not search.rows:
        return ""
    stopped = f" The search was stopped: {search.stopped}." if search.stopped else ""
    if search.choose == "best":
        return f"Rule: the best score; on a tie the smaller alpha, then the smaller beta.{stopped}"
    over = "folds" if search.scope == "global" else "the fold's validation utterances"
    return (
        f"Rule: of the pairs within one standard error of the best score, over {over}, the one "
        f"with the smallest sum of weights, then the smaller alpha.{stopped}"
    )


def _choice(choice: Choice, search: SearchResult) -> tuple[str, ...]:
    reached = search.reached_by(choice.fold)
    scores = [each.score for each in reached]
    return (
        str(choice.fold),
        f"{choice.alpha:g}",
        f"{choice.beta:g}",
        ", ".join(str(each.epoch) for each in reached) or ABSENT,
        choice_score(search, fmean(scores) if scores else None),
    )


def trainings(search: SearchResult) -> Table:
    """Every training of the search."""
    return Table(
        id="trainings",
        caption="All trainings of the search, on validation data, percent",
        columns=("Fold", "Alpha", "Beta", "Epoch", "WA", "UA", "F1", "WER", "Speaker"),
        rows=tuple(
            (
                str(r.fold),
                f"{r.alpha:.3g}",
                f"{r.beta:.3g}",
                str(r.epoch),
                *(percent(v) for v in (r.wa, r.ua, r.f1, r.wer, r.speaker_accuracy)),
            )
            for r in search.rows
        ),
    )


def guesses(scores: Scores, baselines: Sequence[Mapping[str, Any]]) -> Table:
    """Baselines that use no audio, the main system last."""
    rows = [
        (str(g.get("name", "")).replace("_", " "), percent(g.get("wa")), percent(g.get("covered")))
        for g in baselines
    ]
    ours = percent(scores.of(scores.main).clean.pooled.wa)
    return Table(
        id="guesses",
        caption="Baselines that use no audio, on the test utterances of all folds",
        columns=("Baseline", "WA %", "Applies to %"),
        rows=(*rows, (f"{scores.main} (with audio)", ours, "100.0")),
        strong=(len(rows),),
        note="Majority: the most common class of training. Nearest turn: the class of the nearest "
        "turn of the same speaker in the same dialogue. Transcript, speaker: the most common class "
        "of the same transcript or speaker. Where training has no such utterance, the majority "
        "class is used.",
    )


def _printed(summary: Summary | None) -> str:
    """Two decimals, as the paper prints them."""
    if summary is None:
        return ABSENT
    return f"{summary.mean * 100:.2f} ± {summary.sd * 100:.2f}"


def _scaled(value: float | None, factor: float, decimals: int) -> str:
    return ABSENT if value is None else f"{value * factor:,.{decimals}f}"
