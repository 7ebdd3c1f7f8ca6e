"""The alpha-beta search as grids: per fold and in the mean, the chosen cells marked."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from mtlser.evaluation.choices import SearchResult, SearchRow
from mtlser.records import Record
from mtlser.reporting.formats import percent


@dataclass(frozen=True)
class Measure:
    """How one validation metric is read from a row and shown."""

    name: str
    value: Callable[[SearchRow], float | None]
    higher_is_better: bool = True
    in_percent: bool = True

    def text(self, value: float | None) -> str:
        """The value as the page shows it: percent, or three decimals."""
        if value is None or self.in_percent:
            return percent(value)
        return f"{value:.3f}"


MEASURES = {
    "wa": Measure("WA, %", lambda row: row.wa),
    "ua": Measure("UA, %", lambda row: row.ua),
    "f1": Measure("macro F1, %", lambda row: row.f1),
    "wer": Measure("WER, % (lower is better)", lambda row: row.wer, False),
    "loss": Measure(
        "emotion cross-entropy, nats (lower is better)", lambda row: row.loss, False, False
    ),
    "joint": Measure("mean of UA, 1 - WER and speaker accuracy, %", lambda row: row.score),
    "speaker": Measure("speaker accuracy, %", lambda row: row.speaker_accuracy),
}
"""By the recipe's name of the metric; `speaker` is shown, never chosen by."""


class Grid(Record):
    """One surface: alpha by row, beta by column."""

    title: str
    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    texts: tuple[tuple[str, ...], ...]
    """Values as shown [alpha][beta]; a dash where the pair was not trained."""
    levels: tuple[tuple[float | None, ...], ...]
    """Shade 0-1 [alpha][beta], 1 the best value of this grid."""
    chosen: tuple[tuple[bool, ...], ...]


def mean_grids(result: SearchResult) -> tuple[Grid, ...]:
    """Means over folds: the selection metric, then UA, WER and speaker accuracy where measured."""
    chosen = {(c.alpha, c.beta) for c in result.choices}
    names = dict.fromkeys((result.metric, "ua", "wer", "speaker"))
    grids = [_grid(None, result.rows, MEASURES[name], chosen) for name in names]
    return tuple(grid for grid in grids if grid is not None)


def fold_grids(result: SearchResult) -> tuple[Grid, ...]:
    """The selection metric of each fold, with that fold's choice."""
    of_fold: dict[int, list[SearchRow]] = defaultdict(list)
    for row in result.rows:
        of_fold[row.fold].append(row)
    grids = []
    for fold in sorted(of_fold):
        chosen = {(c.alpha, c.beta) for c in result.choices if c.fold == fold}
        grids.append(_grid(f"Fold {fold}", of_fold[fold], MEASURES[result.metric], chosen))
    return tuple(grid for grid in grids if grid is not None)


def choice_score(result: SearchResult, score: float | None) -> str:
    """A choice's selection score as the metric itself (`wer` scores 1 - WER, `loss` -loss)."""
    if score is None:
        return percent(None)
    value = {"wer": 1 - score, "loss": -score}.get(result.metric, score)
    return MEASURES[result.metric].text(value)


def is_grid(result: SearchResult) -> bool:
    """True where at least half of all alpha-beta pairs were trained, so that a grid reads well."""
    pairs = {(row.alpha, row.beta) for row in result.rows}
    alphas, betas = {a for a, _ in pairs}, {b for _, b in pairs}
    return len(pairs) > 1 and 2 * len(pairs) >= len(alphas) * len(betas)


def _grid(
    title: str | None,
    rows: Iterable[SearchRow],
    measure: Measure,
    chosen: set[tuple[float, float]],
) -> Grid | None:
    values_of: dict[tuple[float, float], list[float]] = defaultdict(list)
    for row in rows:
        seen = measure.value(row)
        if seen is not None:
            values_of[row.alpha, row.beta].append(seen)
    if not values_of:
        return None
    alphas, betas = sorted({a for a, _ in values_of}), sorted({b for _, b in values_of})
    means = {pair: fmean(values) for pair, values in values_of.items()}
    table = [[means.get((a, b)) for b in betas] for a in alphas]
    return Grid(
        title=title or measure.name[0].upper() + measure.name[1:],
        alphas=tuple(alphas),
        betas=tuple(betas),
        texts=tuple(tuple(measure.text(value) for value in line) for line in table),
        levels=_levels(table, measure.higher_is_better),
        chosen=tuple(tuple((a, b) in chosen for b in betas) for a in alphas),
    )


def _levels(
    table: Sequence[Sequence[float | None]], higher_is_better: bool
) -> tuple[tuple[float | None, ...], ...]:
    seen = [value for line in table for value in line if value is not None]
    low, span = min(seen), max(seen) - min(seen)

    def level(value: float | None) -> float | None:
        if value is None:
            return None
        share = (value - low) / span if span else 0.5
        return share if higher_is_better else 1 - share

    return tuple(tuple(level(value) for value in line) for line in table)
