"""Tables as data: one description for the page, for Markdown, for LaTeX and for CSV."""

import re
import zlib
from collections.abc import Sequence

from mtlser.evaluation.metrics import BINS
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.score_records import UNKNOWN, GroupKind, Scores, SystemScores
from mtlser.evaluation.verification.sharing import Shared
from mtlser.records import Record
from mtlser.reporting.formats import (
    ABSENT,
    count,
    p_value,
    percent,
    points,
    speaker_spread,
    spread_of,
    what_spread,
)

NUMBER = re.compile(r"[–★\d.,%±/+− e-]*( to [–\d.,+−e-]+)?")
MOST_GROUPS = 100
"""Speakers that a table names, the worst ones."""
MOST_FOLDS = 3
"""Folds that a table's cell names."""


class Table(Record):
    """One table: texts as people read them; the first column names the row."""

    id: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()
    """Rows to be set in bold."""
    note: str = ""
    """What has to be known to read it."""

    @property
    def left(self) -> tuple[bool, ...]:
        """Which columns hold words and are set to the left."""
        return word_columns(self.rows, len(self.columns))


def word_columns(rows: Sequence[Sequence[str]], columns: int) -> tuple[bool, ...]:
    """Which columns hold words: the first one, and each that has a cell which is no number.

    >>> word_columns([("a", "1.0", "none"), ("b", "–", "3")], 3)
    (True, False, True)
    """
    return tuple(
        column == 0 or any(not NUMBER.fullmatch(row[column]) for row in rows)
        for column in range(columns)
    )


def classes(scores: Scores) -> Table:
    """Test utterances by emotion (paper, table 2)."""
    rows = [
        (name, str(label), count(number), percent(number / scores.utterances))
        for label, (name, number) in enumerate(scores.class_counts.items())
    ]
    return Table(
        id="classes",
        caption="Test utterances by emotion, over all folds (as the paper's table 2)",
        columns=("Emotion", "Label", "Count", "Share %"),
        rows=(*rows, ("total", ABSENT, count(scores.utterances), "100.0")),
        strong=(len(rows),),
    )


def systems(scores: Scores) -> Table:
    """Every measured system on clean test speech (paper, table 4)."""
    known = {(row.other, str(row.metric)): row.corrected for row in scores.comparisons}

    def p(system: str, metric: str) -> str:
        test = known.get((system, metric))
        return f"{p_value(test.p)} ({points(test.interval)})" if test else ABSENT

    rows = []
    for one in scores.systems:
        named = ("ua", "wa", "macro_f1", "weighted_f1", "wer", "cer")
        metrics = [spread_of(one.clean, metric) for metric in named]
        speaker = speaker_spread(one)
        error = percent(one.clean.pooled.calibration_error)
        tests = (p(one.system, "ua"), p(one.system, "wa"))
        rows.append((one.system, *metrics, speaker, error, *tests))
    return Table(
        id="systems",
        caption=f"Systems measured on the same folds: {what_spread(scores)}, percent "
        "(as the paper's table 4)",
        columns=(
            *("System", "UA", "WA", "Macro F1", "Weighted F1", "WER", "CER"),
            *("Speaker", "ECE", "p of UA", "p of WA"),
        ),
        rows=tuple(rows),
        strong=(0,),
        note="WER and CER (word and character error rate): lower is better; all edits of a fold "
        "divided by all its reference words or characters, without utterances that have no "
        "transcript. Speaker: accuracy on held-out utterances of training speakers, because the "
        "model has no class for a test speaker. ECE: expected calibration error over all folds, "
        f"in {BINS} bins, lower is better. p: corrected resampled t-test against {scores.main}, "
        "for one comparison alone, with its 95 % interval in points; significance is judged by "
        "Holm's p, in the table of the recommended test.",
    )


def styles(scores: Scores) -> Table:
    """Scores by speaking style, and the validation scores that epoch and pair were chosen by."""
    rows = []
    for one in scores.systems:
        parts: list[tuple[str, Numbers]] = [("test, all", one.clean.pooled)]
        parts += one.clean.styles.items()
        if one.validation is not None:
            parts.append(("validation (not a result)", one.validation.pooled))
        rows += [
            (
                one.system,
                name,
                count(n.utterances),
                *(percent(value) for value in (n.ua, n.wa, n.macro_f1, n.wer)),
            )
            for name, n in parts
        ]
    return Table(
        id="styles",
        caption="Test by speaking style (all folds together), and the validation scores that epoch "
        "and pair were chosen by; percent",
        columns=("System", "Set", "Utterances", "UA", "WA", "Macro F1", "WER"),
        rows=tuple(rows),
    )


def folds(scores: Scores, one: SystemScores) -> Table:
    """One system by fold, with every class's recall (paper, figure 4)."""
    rows = [
        (
            fold.name,
            count(n.utterances),
            *(percent(v) for v in (n.wa, n.ua, n.macro_f1, n.weighted_f1, n.wer, n.cer)),
            *(percent(n.recall.get(name)) for name in scores.classes),
        )
        for fold in one.clean.folds
        for n in [fold.numbers]
    ]
    named = tuple(f"Recall {name}" for name in scores.classes)
    return Table(
        id=f"folds-{slug(one.system)}",
        caption=f"{one.system} by fold, clean test, percent",
        columns=("Fold", "Utterances", "WA", "UA", "Macro F1", "Weighted F1", "WER", "CER", *named),
        rows=tuple(rows),
    )


def groups(scores: Scores, kind: GroupKind) -> Table | None:
    """The main system by speaker or by gender, worst first; `None` where none is known."""
    measured = scores.groups_of(kind)
    if {group.name for group in measured} <= {UNKNOWN}:
        return None
    rows = tuple(
        (
            group.name,
            count(group.utterances),
            *(percent(value) for value in (group.ua, group.wa, group.wer)),
            _folds(group.folds),
        )
        for group in measured[:MOST_GROUPS]
    )
    left_out = len(measured) - len(rows)
    more = f" The {left_out:,} others, with higher UA, are in scores.json." if left_out else ""
    return Table(
        id=f"by-{kind}",
        caption=f"{scores.main} by {kind}, lowest UA first: clean test, all folds together, "
        "percent",
        columns=(kind.capitalize(), "Utterances", "UA", "WA", "WER", "Tested in fold"),
        rows=rows,
        note="UA is the mean recall over the classes that are present in the row's utterances; "
        f"a row of few utterances is a rough estimate.{more}",
    )


def _folds(names: Sequence[str]) -> str:
    """The folds' names, or the first ones and how many there are."""
    if len(names) <= MOST_FOLDS:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_FOLDS])} and {len(names) - MOST_FOLDS} more"


def noise(scores: Scores, one: SystemScores) -> Table:
    """One system under every condition (paper, table 5)."""
    metrics = ("wa", "ua", "macro_f1", "weighted_f1", "wer", "cer")
    return Table(
        id=f"noise-{slug(one.system)}",
        caption=f"{one.system} under noise: {what_spread(scores)}, percent (as the paper's "
        "table 5)",
        columns=("Condition", "WA", "UA", "Macro F1", "Weighted F1", "WER", "CER"),
        rows=tuple((c.condition, *(spread_of(c, metric) for metric in metrics)) for c in one.test),
    )


def intervals(scores: Scores) -> Table | None:
    """95 % intervals of UA and WA, over folds and over speakers; `None` where there is none."""
    rows, any_interval = [], False
    for one in scores.systems:
        row, speakers = [one.system], ABSENT
        for metric in ("ua", "wa"):
            over, drawn = one.clean.spreads.get(metric), one.bootstrap.get(metric)
            if over is not None and over.low is not None and over.high is not None:
                row.append(f"{percent(over.low)} to {percent(over.high)}")
            else:
                row.append(ABSENT)
            row.append(
                ABSENT if drawn is None else f"{percent(drawn.low)} to {percent(drawn.high)}"
            )
            speakers = speakers if drawn is None else str(drawn.speakers)
        any_interval = any_interval or any(cell != ABSENT for cell in row[1:])
        rows.append((*row, speakers))
    if not any_interval:
        return None
    return Table(
        id="intervals",
        caption="95 % intervals, percent",
        columns=(
            *("System", "UA, mean over folds", "UA, pooled, bootstrap"),
            *("WA, mean over folds", "WA, pooled, bootstrap", "Speakers"),
        ),
        rows=tuple(rows),
        note="Mean over folds: t interval, which assumes independent folds. Pooled: all folds "
        "together; percentile bootstrap that resamples whole speakers and keeps the trained "
        "systems fixed.",
    )


def slug(name: str) -> str:
    """A name as part of an element's id and of a file's name; unlike names stay unlike.

    >>> slug("tim-net"), slug("TIM Net"), slug("</x>")
    ('tim-net', 'tim-net-5716f0b5', 'x-8e2f778d')
    """
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"
    return short if short == name else f"{short}-{zlib.crc32(name.encode()):08x}"


def claims(scores: Scores) -> Table | None:
    """What was verified when the report was written; `None` in scores of an older version."""
    if not scores.claims:
        return None
    return Table(
        id="claims",
        caption="What was verified when this report was written",
        columns=("Claim", "Verified", "What shows it"),
        rows=tuple((claim.name, claim.state, claim.detail) for claim in scores.claims),
    )


def sharing(scores: Scores) -> Table | None:
    """What the sides of folds share, folds that share nothing together in one row.

    `None` where the manifest was not at hand.
    """
    if not scores.sharing:
        return None
    rows = []
    for pair in dict.fromkeys(each.pair for each in scores.sharing):
        own = [each for each in scores.sharing if each.pair == pair]
        some = [e for e in own if any(_in_common(e))]
        rows += [
            (e.name, pair, *("-" if n is None else str(n) for n in _in_common(e))) for e in some
        ]
        if len(some) < len(own):
            others = f"{'the other' if some else 'all'} {len(own) - len(some)} folds"
            near = "-" if own[0].near_audio is None else "0"
            rows.append((others, pair, "0", "0", "0", "0", near))
    return Table(
        id="sharing",
        caption="What two sides of a fold have in common, counted from the manifest",
        columns=(
            "Fold",
            "Sides",
            "Speakers",
            "Dialogues",
            "Recordings",
            "Identical",
            "Near-identical",
        ),
        rows=tuple(rows),
        note="Held-out utterances of training speakers count as training; identical and "
        "near-identical are clips.",
    )


def _in_common(shared: Shared) -> tuple[int | None, ...]:
    return (shared.speakers, shared.dialogues, shared.recordings, shared.audio, shared.near_audio)
