"""Which of the trainings of a search is chosen, on validation alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from mtlser.errors import MtlserError
from mtlser.evaluation import standard_error
from mtlser.evaluation.choices import SearchRow, ValidationSize
from mtlser.recipe import Recipe
from mtlser.training.inputs import Inputs
from mtlser.training.search.cells import Pair


def furthest(rows: Iterable[SearchRow]) -> list[SearchRow]:
    """Of each pair on each fold the row of its longest training, by fold and pair."""
    found: dict[tuple[int, float, float], SearchRow] = {}
    for row in sorted(rows, key=lambda row: row.epochs or 0):
        found[row.fold, row.alpha, row.beta] = row
    return [found[place] for place in sorted(found)]


def choose(
    rows: Sequence[SearchRow], fold: int, recipe: Recipe, sizes: Sequence[ValidationSize] = ()
) -> SearchRow:
    """The row that a fold's test is scored with, by the rule of `search.choose`.

    Of pairs that were trained to the end, and on as many folds as any. On a tie of the best: the
    smaller alpha, then the smaller beta.

    Args:
        rows: of the search.
        fold: of the plan.
        recipe: the resolved recipe.
        sizes: of the folds' validation, which `one_se` needs with `scope = "fold"`.

    Raises:
        MtlserError: a budget ended before any pair was trained to the end on the fold.
    """
    whole = [row for row in rows if row.epochs in {None, recipe.train.epochs}]
    found: dict[Pair, list[SearchRow]] = {}
    for row in whole:
        if row.fold == fold or recipe.search.scope == "global":
            found.setdefault((row.alpha, row.beta), []).append(row)
    if not any(row.fold == fold for row in whole):
        raise MtlserError(
            f"no pair was trained to the end on fold {fold} before the search stopped "
            f"({budget(recipe)}); all that is trained is kept: run the same again, or with a "
            "larger budget"
        )
    most = max(map(len, found.values()))
    means = {
        pair: fmean(row.score for row in mine) for pair, mine in found.items() if len(mine) == most
    }
    chosen = max(means, key=lambda pair: (means[pair], -pair[0], -pair[1]))
    if recipe.search.choose == "one_se":
        error = standard_error.of_best(found[chosen], recipe.search.metric, sizes)
        chosen = standard_error.smallest_within(means, error)
    return next(row for row in whole if row.fold == fold and (row.alpha, row.beta) == chosen)


def budget(recipe: Recipe) -> str:
    """The limits of a search, as its recipe has them; empty: none."""
    given = {
        "search.trainings": recipe.search.trainings,
        "search.minutes": recipe.search.minutes,
    }
    return ", ".join(f"{key} = {value:g}" for key, value in given.items() if value is not None)


def sizes(inputs: Inputs) -> tuple[ValidationSize, ...]:
    """What the figures on each fold's validation are of."""
    found = []
    for fold in inputs.plan.folds:
        shown = inputs.of(fold.validation)
        counts = Counter(utterance.emotion for utterance in shown)
        found.append(
            ValidationSize(
                fold=fold.index,
                classes=tuple(counts[name] for name in sorted(counts)),
                words=sum(len((utterance.text or "").split()) for utterance in shown),
                speaker_check=len(fold.speaker_check),
            )
        )
    return tuple(found)
