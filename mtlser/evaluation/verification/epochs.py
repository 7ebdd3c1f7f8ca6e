"""Whether each training kept the epoch that was best on validation."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.evaluation import selection
from mtlser.evaluation.choices import Choice, SearchResult
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.selection import ROUNDING, selection_score
from mtlser.files import read_text
from mtlser.records import Cell, CellResult, read_json
from mtlser.storage.layout import HISTORY, RESULT

FIGURES = ("loss", "wa", "ua", "f1", "wer", "speaker_accuracy")


def check(folders: Sequence[Path], metric: str) -> dict[Cell, CellResult]:
    """The results of the network's trainings that are at hand, by cell.

    Raises:
        MtlserError: an epoch was kept that is not the best of its history, or the result says
            other figures than the history's row of that epoch.
    """
    results: dict[Cell, CellResult] = {}
    for folder in folders:
        if not ((folder / HISTORY).is_file() and (folder / RESULT).is_file()):
            continue
        result = read_json(folder / RESULT, CellResult)
        cell = Cell.parse(result.cell)
        if cell.fold is None or result.epoch is None or result.score is None:
            continue
        _check_one(folder, result, metric)
        results[cell] = result
    return results


def check_choices(chosen: SearchResult, results: Mapping[Cell, CellResult]) -> None:
    """Refuses trainings with another pair than was chosen for their fold, or other figures.

    Args:
        chosen: what the search chose.
        results: of the network's trainings at hand, by cell.

    Raises:
        MtlserError: a fold was chosen nothing for, or its training says otherwise.
    """
    choices = {choice.fold: choice for choice in chosen.choices}
    reached = {(each.fold, each.seed): each for each in chosen.reached}
    first = chosen.seed if chosen.seed is not None else min((c.seed for c in results), default=0)
    for cell, result in results.items():
        fold = cell.fold
        choice = None if fold is None else choices.get(fold)
        if choice is None:
            raise MtlserError(f"the search chose nothing for fold {fold}; run `mtlser search`")
        if (choice.alpha, choice.beta) != (result.alpha, result.beta):
            raise MtlserError(
                f"fold {fold} was trained with alpha {result.alpha}, beta {result.beta}; the "
                f"search chose {choice.alpha:g}, {choice.beta:g}; run `mtlser train "
                f"{cell.flags}` again"
            )
        stated = reached.get((choice.fold, cell.seed)) or reached.get((choice.fold, None))
        if stated is not None and (stated.epoch, stated.score) != (result.epoch, result.score):
            raise MtlserError(
                f"fold {fold} reached {stated.score:.6f} in epoch {stated.epoch} by the choices, "
                f"{result.score} in epoch {result.epoch} by its training; write the report again "
                "with `mtlser report`"
            )
        if cell.seed == first:
            _check_row(chosen, choice, result)


def _check_row(chosen: SearchResult, choice: Choice, result: CellResult) -> None:
    """Where the search's own training was taken over, its row has the training's figures."""
    pair = (choice.fold, choice.alpha, choice.beta)
    row = next((r for r in chosen.rows if (r.fold, r.alpha, r.beta) == pair), None)
    if row is None or choice.run is None:
        return
    for name in FIGURES:
        here, there = getattr(row, name), result.validation.get(name)
        if (here is None) != (there is None) or abs((here or 0) - (there or 0)) > ROUNDING:
            raise MtlserError(
                f"the search's row of fold {choice.fold} has {name} {here}, its training {there}; "
                f"run `mtlser search` again"
            )


def gap(result: CellResult, scores: Scores, fold: str) -> float | None:
    """The largest difference of WA, UA, macro F1 and WER to the validation predictions, 0-1.

    `None` where the fold has no validation predictions by this training's seed.
    """
    main, seed = scores.of(scores.main), Cell.parse(result.cell).seed
    numbers = selection.by_fold(main.validation, seed, scores).get(fold)
    if numbers is None:
        return None
    pairs = (
        ("wa", numbers.wa), ("ua", numbers.ua), ("f1", numbers.macro_f1), ("wer", numbers.wer),
    )  # fmt: skip
    stated = {name: result.validation.get(name) for name, _ in pairs}
    known = [
        abs(value - now)
        for name, now in pairs
        if (value := stated[name]) is not None and now is not None
    ]
    return max(known, default=None)


def _check_one(folder: Path, result: CellResult, metric: str) -> None:
    assert result.epoch is not None
    assert result.score is not None
    rows = _rows(folder / HISTORY)
    if len(rows) != result.epochs_run or not 1 <= result.epoch <= len(rows):
        raise MtlserError(
            f"{folder / RESULT}: epoch {result.epoch} of {result.epochs_run}, {HISTORY} beside it "
            f"has {len(rows)} epochs; run `mtlser train {Cell.parse(result.cell).flags}` again"
        )
    figures = rows[result.epoch - 1]
    for name in FIGURES:
        here, there = result.validation.get(name), figures[name]
        if (here is None) != (there is None) or (
            here is not None and there is not None and abs(here - there) > ROUNDING
        ):
            raise MtlserError(
                f"{folder / RESULT}: validation {name} is {here}, {HISTORY} beside it says {there} "
                f"of epoch {result.epoch}; run `mtlser train {Cell.parse(result.cell).flags}` again"
            )
    scores = [selection_score(row, metric) for row in rows]
    best = max(scores)
    if abs(scores[result.epoch - 1] - result.score) > ROUNDING or best > result.score + ROUNDING:
        raise MtlserError(
            f"{folder / RESULT}: epoch {result.epoch} was kept with score {result.score:.6f} by "
            f"{metric}, {HISTORY} gives it {scores[result.epoch - 1]:.6f} and epoch "
            f"{scores.index(best) + 1} {best:.6f}: it was chosen on something else; run `mtlser "
            f"train {Cell.parse(result.cell).flags}` again"
        )


def _rows(path: Path) -> list[dict[str, float | None]]:
    """The validation figures of each epoch."""
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        row = json.loads(line)
        if row.get("epoch") != number:
            raise MtlserError(
                f"{path}:{number}: epoch {row.get('epoch')}, expected {number}; train it again"
            )
        rows.append({name: row.get(f"validation_{name}") for name in FIGURES})
    return rows
