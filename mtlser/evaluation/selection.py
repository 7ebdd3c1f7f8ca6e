"""How epoch, alpha and beta are chosen on validation, and whether they were: never on test."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from mtlser.errors import MtlserError
from mtlser.evaluation import standard_error
from mtlser.evaluation.choices import SearchResult, SearchRow
from mtlser.evaluation.notes import few
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.score_records import ConditionScores, Scores

ROUNDING = 1e-6
"""Two scores of the same predictions differ by no more than this."""
NOTED = 0.02
"""A validation score that predictions repeat only to this is named: two points."""


def selection_score(figures: Mapping[str, float | None], metric: str) -> float:
    """The score that chooses, higher is better.

    `joint` is the mean of UA, 1 - WER (no less than 0) and speaker accuracy, of those there are.

    Raises:
        MtlserError: the figure is absent, for example WER where nothing has a transcript.

    >>> selection_score({"wer": 0.25}, "wer")
    0.75
    >>> selection_score({"ua": 0.5, "wer": 0.75, "speaker_accuracy": 0.75}, "joint")
    0.5
    """
    if metric == "joint":
        wer = figures["wer"]
        right = None if wer is None else max(0.0, 1.0 - wer)
        tasks = (figures["ua"], right, figures["speaker_accuracy"])
        return fmean(value for value in tasks if value is not None)
    value = figures[metric]
    if value is None:
        raise MtlserError(
            f"{metric} has no value on validation, so nothing can be chosen by it; use "
            "`--set search.metric=ua`"
        )
    if metric == "loss":
        return -value
    return 1.0 - value if metric == "wer" else value


def check_selection(chosen: SearchResult, scores: Scores) -> list[str]:
    """Notes on choices that the predictions do not confirm; refuses choices not made on validation.

    The rows of the search are to be validation figures. Validation and test predictions are both
    there, so a row whose figures are those of the fold's test set is detected. What cannot be
    seen from predictions: an epoch chosen on test by a training that writes honest validation
    figures beside it.

    Raises:
        MtlserError: a row's score is not that of its own figures, a choice is not the best of its
            rows, or a row holds its fold's test figures.
    """
    unseen: list[str] = []
    differing: dict[str, float] = {}
    for row in chosen.rows:
        _check_row(row, chosen.metric)
    for fold, name in enumerate(scores.fold_names):
        rows = [row for row in chosen.rows if row.fold == fold]
        pairs = [(c.alpha, c.beta) for c in chosen.choices if c.fold == fold]
        for pair in pairs if rows else []:
            _check_best(pair, rows, chosen)
            mine = next(row for row in rows if (row.alpha, row.beta) == pair)
            gap = _gap_to_predictions(mine, name, scores, searched_with(chosen, scores))
            if gap is None:
                unseen.append(name)
            elif gap > NOTED:
                differing[name] = gap
    return _unconfirmed(unseen, differing)


def searched_with(chosen: SearchResult, scores: Scores) -> int:
    """The seed of the search's trainings."""
    return scores.seed if chosen.seed is None else chosen.seed


def undecided(chosen: SearchResult, fold_names: Sequence[str]) -> list[str]:
    """A note on folds whose validation tells no pair from another."""
    tied = []
    for fold, name in enumerate(fold_names):
        reached = [row.score for row in chosen.rows if row.fold == fold]
        if len(set(reached)) == 1 < len(reached):
            tied.append(name)
    if not tied:
        return []
    folds = "fold" if len(tied) == 1 else f"{len(tied)} folds"
    taken = "the smallest pair was taken" if chosen.scope == "fold" else "they decided nothing"
    same = f"every pair reached the same {chosen.metric}"
    return [f"On validation of {folds} {few(tied)} {same}: {taken}."]


def _unconfirmed(unseen: Sequence[str], differing: Mapping[str, float]) -> list[str]:
    """Notes on folds whose choice the predictions do not confirm, one of each kind."""
    notes = []
    if unseen:
        pairs, folds = ("pair", "fold") if len(unseen) == 1 else ("pairs", f"{len(unseen)} folds")
        notes.append(
            f"The {pairs} of {folds} {few(unseen)} cannot be checked: there are no validation "
            "predictions there."
        )
    if differing:
        folds = "fold" if len(differing) == 1 else f"{len(differing)} folds"
        notes.append(
            f"The validation scores that {folds} {few(differing)} chose by differ from those of "
            f"the validation predictions by up to {max(differing.values()) * 100:.1f} points."
        )
    return notes


def _check_row(row: SearchRow, metric: str) -> None:
    try:
        expected = selection_score(row.model_dump(), metric)
    except MtlserError as error:
        raise MtlserError(f"{_pair(row)}: score {row.score:.4f}, but {error}") from None
    if abs(row.score - expected) > ROUNDING:
        raise MtlserError(
            f"{_pair(row)}: score {row.score:.4f}, but its validation figures give {expected:.4f} "
            f"by {metric}, so it was chosen on something else; run `mtlser search` again"
        )


def _check_best(pair: tuple[float, float], rows: Sequence[SearchRow], chosen: SearchResult) -> None:
    """The chosen pair has the best score of its fold, or the best mean over folds.

    Or is within one standard error of it, where that is the rule.
    """
    compared = rows if chosen.scope == "fold" else chosen.rows
    by_pair: dict[tuple[float, float], list[SearchRow]] = {}
    for row in compared:
        by_pair.setdefault((row.alpha, row.beta), []).append(row)
    means = {each: fmean(row.score for row in mine) for each, mine in by_pair.items()}
    best, allowed = max(means, key=means.__getitem__), ROUNDING
    if chosen.choose == "one_se":
        allowed += standard_error.of_best(by_pair[best], chosen.metric, chosen.sizes)
    if pair not in means or means[pair] < means[best] - allowed:
        seen = f"{means[pair]:.4f}" if pair in means else "no row"
        raise MtlserError(
            f"fold {rows[0].fold}: alpha {pair[0]:g}, beta {pair[1]:g} was chosen with {seen} on "
            f"validation, but alpha {best[0]:g}, beta {best[1]:g} has {means[best]:.4f} there, so "
            "the choice was made on something else; run `mtlser search` again"
        )


def _gap_to_predictions(row: SearchRow, fold: str, scores: Scores, seed: int) -> float | None:
    """How far the row's scores are from those of the fold's validation predictions by its seed.

    `None` where the fold has no such validation predictions.
    """
    main = scores.of(scores.main)
    measured = by_fold(main.validation, seed, scores)
    if fold not in measured:
        return None
    gap = _gap(row, measured[fold])
    tested = [n for name, n in by_fold(main.clean, seed, scores).items() if name == fold]
    if gap > ROUNDING and any(_gap(row, numbers) <= ROUNDING for numbers in tested):
        raise MtlserError(
            f"{_pair(row)}: its WA {row.wa:.4f}, UA {row.ua:.4f} and F1 {row.f1:.4f} are those of "
            "its test set and not of its validation, so it was chosen on test; run "
            "`mtlser search` again"
        )
    return gap


def seeds(scores: Scores) -> tuple[int, ...]:
    """The seeds of the main system's trainings."""
    return scores.of(scores.main).seeds or (scores.seed,)


def by_fold(part: ConditionScores | None, seed: int, scores: Scores) -> dict[str, Numbers]:
    """The numbers of one seed's training by the name of the fold; empty where it is not scored."""
    if part is None or seed not in seeds(scores):
        return {}
    return {fold.name: fold.of_seed(seed) for fold in part.folds}


def _gap(row: SearchRow, numbers: Numbers) -> float:
    """The largest difference in WA, UA and macro F1."""
    pairs = ((row.wa, numbers.wa), (row.ua, numbers.ua), (row.f1, numbers.macro_f1))
    return max(abs(stated - measured) for stated, measured in pairs)


def _pair(row: SearchRow) -> str:
    return f"search row of fold {row.fold}, alpha {row.alpha:g}, beta {row.beta:g}"
