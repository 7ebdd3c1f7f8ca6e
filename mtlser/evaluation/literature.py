"""The paper's tables 4 and 5: published, not measured here; and how far they are comparable.

The numbers are data (`literature.toml`), in percent as printed; records hold rates, 0-1.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from mtlser.evaluation.significance.statistics import Summary, Welch, welch_from_summary
from mtlser.records import FoldPlan, Protocol, Record

DATA = Path(__file__).with_name("literature.toml")
AGREES = 2.0
"""A printed p within this factor of the recomputed one counts as reproduced."""


class Source(Record):
    """Where the tables come from, and what is doubtful about all of them."""

    title: str
    doi: str
    corpus: str
    n: int
    """Folds, as printed."""
    protocol: str
    """As printed."""
    doubtful: tuple[str, ...]


class LiteratureRow(Record):
    """One published row of table 4, and the main system against it where one was measured."""

    key: str
    """The system's name here, for example `mmer`."""
    method: str
    publication: str
    wa: Summary
    ua: Summary | None
    """`None` where the table has a dash."""
    protocol: str
    """As printed."""
    checked: Protocol | None
    """What the public code's folds are; `None` where that is not known."""
    source: str
    doi: str
    giga_macs: float
    """Printed as FLOPs; the numbers are multiply-adds. No clip length is named."""
    seconds: float
    """Inference time of one sample, as printed."""
    p_printed: float | None
    """Welch's p against MTLSER; `None` for MTLSER itself."""
    p_recomputed: float | None
    """The same from the printed mean and SD of WA and n."""
    warning: str | None
    """One sentence where the printed p cannot be reproduced."""
    doubtful: tuple[str, ...]
    welch_wa: Welch | None = None
    """The main system's folds against the printed WA; `None` without folds to compare."""
    welch_ua: Welch | None = None
    comparable: bool = False
    """False where corpus or protocol differ: then the Welch tests compare unlike things."""
    why_not: str | None = None
    """Why the row is not comparable, in one sentence."""


class NoiseRow(Record):
    """One published row of table 5: NOISEX-92 babble on the test utterances."""

    snr_db: float
    wa: Summary
    ua: Summary
    f1: Summary


@cache
def source() -> Source:
    """Where the tables come from."""
    return Source.model_validate(_data()["source"])


@cache
def table_4() -> tuple[LiteratureRow, ...]:
    """All rows as printed, MTLSER last; without a comparison.

    >>> [row.key for row in table_4() if row.warning is None]
    ['mtlser']
    """
    entries = _data()["table_4"]
    ours = {metric: _summary(entries[-1][metric]) for metric in ("wa", "ua")}
    return tuple(_row(entry, ours) for entry in entries)


@cache
def table_5() -> tuple[NoiseRow, ...]:
    """All rows as printed, lowest SNR first.

    >>> [row.snr_db for row in table_5()]
    [0.0, 5.0, 10.0, 15.0, 20.0]
    """
    return tuple(
        NoiseRow(
            snr_db=entry["snr_db"],
            **{metric: _summary(entry[metric]) for metric in ("wa", "ua", "f1")},
        )
        for entry in _data()["table_5"]
    )


def against(
    name: str, wa: Summary | None, ua: Summary | None, corpus: str, plan: FoldPlan
) -> tuple[LiteratureRow, ...]:
    """The rows with the main system's folds tested against each; unlike protocols are named.

    Args:
        name: the main system.
        wa: its WA over folds; `None`: fewer than two folds.
        ua: its UA over folds.
        corpus: the corpus it was measured on.
        plan: its folds.
    """
    return tuple(
        row.model_copy(
            update={
                "welch_wa": _welch(name, wa, row.method, row.wa),
                "welch_ua": _welch(name, ua, row.method, row.ua),
                "comparable": _why_not(row, corpus, plan) is None,
                "why_not": _why_not(row, corpus, plan),
            }
        )
        for row in table_4()
    )


def p_warning(method: str, printed: float, recomputed: float) -> str | None:
    """One sentence where the printed p differs from the recomputed one more than twofold.

    >>> p_warning("STRL-SER", 1.78e-3, 0.0109)[:58]
    'The printed p of STRL-SER (0.00178) cannot be reproduced: '
    >>> p_warning("X", 0.01, 0.011) is None
    True
    """
    if 1 / AGREES <= printed / recomputed <= AGREES:
        return None
    return (
        f"The printed p of {method} ({printed:.3g}) cannot be reproduced: the table's own means "
        f"and SDs give {recomputed:.3g} with n = {source().n}."
    )


def _why_not(row: LiteratureRow, corpus: str, plan: FoldPlan) -> str | None:
    """Why row and plan are unlike; `None` where corpus and folds are known to be alike."""
    if corpus != source().corpus:
        return f"Measured on {corpus}; the published rows are on {source().corpus}."
    if row.checked is None:
        return f"Measured under {plan.protocol}; the folds behind the published row are not known."
    if row.checked != plan.protocol:
        return (
            f"Measured under {plan.protocol}; the public code of the published row cuts its folds "
            f"by {row.checked}, with test speakers in train."
        )
    return None


def _welch(name: str, ours: Summary | None, method: str, theirs: Summary | None) -> Welch | None:
    """Welch's test on published numbers; the printed SDs are over 0."""
    if ours is None or theirs is None:
        return None
    return welch_from_summary(ours, theirs, (name, f"{method}, as published"))


def _row(entry: dict[str, Any], ours: dict[str, Summary]) -> LiteratureRow:
    known, wa = source(), _summary(entry["wa"])
    printed: float | None = entry.get("p_printed")
    recomputed, warning = None, None
    if printed is not None:
        recomputed = welch_from_summary(ours["wa"], wa).p
        warning = p_warning(entry["method"], printed, recomputed)
    return LiteratureRow(
        key=entry["key"],
        method=entry["method"],
        publication=entry["publication"],
        wa=wa,
        ua=_summary(entry["ua"]) if "ua" in entry else None,
        protocol=known.protocol,
        checked=entry.get("checked"),
        source=known.title,
        doi=known.doi,
        giga_macs=entry["giga_macs"],
        seconds=entry["seconds"],
        p_printed=printed,
        p_recomputed=recomputed,
        warning=warning,
        doubtful=tuple(entry["doubtful"]),
    )


def _summary(printed: list[float]) -> Summary:
    """Percent, mean and SD, as rates over the printed number of folds."""
    mean, sd = printed
    return Summary(mean=round(mean / 100, 6), sd=round(sd / 100, 6), n=source().n)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))
