"""Which of the trainings of a search is chosen, on validation alone."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from mtlser.evaluation.choices import SearchRow
from mtlser.recipe import Recipe


def furthest(rows: Iterable[SearchRow]) -> list[SearchRow]:
    """Of each pair on each fold the row of its longest training, by fold and pair."""
    found: dict[tuple[int, float, float], SearchRow] = {}
    for row in sorted(rows, key=lambda row: row.epochs or 0):
        found[row.fold, row.alpha, row.beta] = row
    return [found[place] for place in sorted(found)]


def choose(rows: Sequence[SearchRow], fold: int, recipe: Recipe) -> SearchRow:
    """The row that a fold's test is scored with; the smaller pair on a tie.

    Of pairs that were trained to the end, and on as many folds as any.
    """
    whole = [row for row in rows if row.epochs in {None, recipe.train.epochs}]
    scores: dict[tuple[float, float], list[float]] = {}
    for row in whole:
        if row.fold == fold or recipe.search.scope == "global":
            scores.setdefault((row.alpha, row.beta), []).append(row.score)
    most = max(map(len, scores.values()))
    means = {pair: fmean(found) for pair, found in scores.items() if len(found) == most}
    best = max(means, key=lambda pair: (means[pair], -pair[0], -pair[1]))
    return next(row for row in whole if row.fold == fold and (row.alpha, row.beta) == best)
