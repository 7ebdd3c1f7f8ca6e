"""The alpha-beta search as grids: per fold and in the mean, the chosen cells marked."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from mtlser.records import Record, SearchResult, SearchRow

METRIC_NAMES = {"wa": "WA", "ua": "UA", "f1": "macro F1"}


class Grid(Record):
    """One surface: alpha by row, beta by column."""

    title: str
    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    values: tuple[tuple[float | None, ...], ...]
    """Rates 0-1 [alpha][beta]; `None` where the pair was not trained."""
    levels: tuple[tuple[float | None, ...], ...]
    """Shade 0-1 [alpha][beta], 1 the best value of this grid."""
    chosen: tuple[tuple[bool, ...], ...]


def mean_grids(result: SearchResult) -> tuple[Grid, ...]:
    """Means over folds: the selection metric, then WER and speaker accuracy where measured."""
    chosen = {(c.alpha, c.beta) for c in result.choices}
    kinds: list[tuple[str, Callable[[SearchRow], float | None], bool]] = [
        (METRIC_NAMES[result.metric], lambda row: float(getattr(row, result.metric)), True),
        ("WER (lower is better)", lambda row: row.wer, False),
        ("Speaker accuracy", lambda row: row.speaker_accuracy, True),
    ]
    grids = [_grid(name, result.rows, value, chosen, up) for name, value, up in kinds]
    return tuple(grid for grid in grids if grid is not None)


def fold_grids(result: SearchResult) -> tuple[Grid, ...]:
    """The selection metric of each fold, with that fold's choice."""
    of_fold: dict[int, list[SearchRow]] = defaultdict(list)
    for row in result.rows:
        of_fold[row.fold].append(row)
    grids = []
    for fold in sorted(of_fold):
        chosen = {(c.alpha, c.beta) for c in result.choices if c.fold == fold}
        grid = _grid(
            f"Fold {fold}",
            of_fold[fold],
            lambda row: float(getattr(row, result.metric)),
            chosen,
            True,
        )
        if grid is not None:
            grids.append(grid)
    return tuple(grids)


def is_grid(result: SearchResult) -> bool:
    """True where at least half of all alpha-beta pairs were trained, so that a grid reads well."""
    pairs = {(row.alpha, row.beta) for row in result.rows}
    alphas, betas = {a for a, _ in pairs}, {b for _, b in pairs}
    return len(pairs) > 1 and 2 * len(pairs) >= len(alphas) * len(betas)


def _grid(
    title: str,
    rows: Iterable[SearchRow],
    value: Callable[[SearchRow], float | None],
    chosen: set[tuple[float, float]],
    higher_is_better: bool,
) -> Grid | None:
    found: dict[tuple[float, float], list[float]] = defaultdict(list)
    for row in rows:
        seen = value(row)
        if seen is not None:
            found[row.alpha, row.beta].append(seen)
    if not found:
        return None
    alphas, betas = sorted({a for a, _ in found}), sorted({b for _, b in found})
    means = {pair: fmean(values) for pair, values in found.items()}
    table = [[means.get((a, b)) for b in betas] for a in alphas]
    return Grid(
        title=title,
        alphas=tuple(alphas),
        betas=tuple(betas),
        values=tuple(tuple(line) for line in table),
        levels=_levels(table, higher_is_better),
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
