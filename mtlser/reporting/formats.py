"""Numbers as people read them: percent with one decimal, p-values, spreads."""

from mtlser.evaluation.number_records import Spread
from mtlser.evaluation.score_records import ConditionScores, Scores, SystemScores

ABSENT = "–"


def percent(rate: float | None) -> str:
    """A rate in percent, one decimal; a dash where there is none.

    >>> percent(0.6857), percent(None)
    ('68.6', '–')
    """
    return ABSENT if rate is None else f"{rate * 100:.1f}"


def spread(value: Spread | None, over_seeds: Spread | None = None) -> str:
    """Mean ± SD over folds in percent, then the SD over seeds; what there is of them.

    >>> spread(Spread(mean=0.6857, sd=0.0412, n=5)), spread(Spread(mean=0.5, sd=None, n=1))
    ('68.6 ± 4.1', '50.0')
    >>> spread(Spread(mean=0.6857, sd=0.0412, n=5), Spread(mean=0.6857, sd=0.006, n=3))
    '68.6 ± 4.1 / 0.6'
    """
    if value is None:
        return ABSENT
    mean = percent(value.mean)
    folds = mean if value.sd is None else f"{mean} ± {percent(value.sd)}"
    return folds if over_seeds is None else f"{folds} / {percent(over_seeds.sd)}"


def spread_of(part: ConditionScores, metric: str) -> str:
    """A metric over folds and seeds, as `spread` writes it."""
    return spread(part.spreads.get(metric), part.seed_spreads.get(metric))


def speaker_spread(scores: SystemScores) -> str:
    """Speaker accuracy over folds and seeds, as `spread` writes it."""
    known = scores.speaker
    return ABSENT if known is None else spread(known.spread, known.seed_spread)


def what_spread(scores: Scores) -> str:
    """What the figures of `spread` are."""
    over_seeds = any(one.clean.seed_spreads for one in scores.systems)
    return "mean ± SD over folds" + (" / SD over seeds" if over_seeds else "")


def p_value(p: float | None) -> str:
    """A p-value: three decimals, or two significant digits below .01.

    >>> p_value(0.0418), p_value(0.00178), p_value(0.00000012), p_value(None)
    ('0.042', '0.0018', '1.2e-07', '–')
    """
    if p is None:
        return ABSENT
    return f"{p:.3f}" if p >= 0.01 else f"{p:.2g}"


def points(interval: tuple[float, float] | None) -> str:
    """An interval of rates in points, with signs.

    >>> points((-0.015, 0.094))
    '−1.5 to +9.4'
    """
    if interval is None:
        return ABSENT
    return " to ".join(f"{value * 100:+.1f}".replace("-", "−") for value in interval)


def signed(value: float | None, factor: float = 100.0) -> str:
    """A difference with its sign, by default in points.

    >>> signed(0.058), signed(-0.2, 1)
    ('+5.8', '−0.2')
    """
    return ABSENT if value is None else f"{value * factor:+.1f}".replace("-", "−")


def count(number: int | None) -> str:
    """A whole number with commas; a dash where there is none.

    >>> count(5531), count(None)
    ('5,531', '–')
    """
    return ABSENT if number is None else f"{number:,}"


def decimal(value: float) -> str:
    """A number with two decimals and a true minus.

    >>> decimal(-1.204)
    '−1.20'
    """
    return f"{value:.2f}".replace("-", "−")
