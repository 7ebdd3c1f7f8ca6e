"""The one-standard-error rule takes the smallest pair near the best, and a report believes it."""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlser.errors import MtlserError
from mtlser.evaluation import selection, standard_error
from mtlser.evaluation.choices import Choice, SearchResult, SearchRow, ValidationSize
from mtlser.evaluation.scores import measure
from mtlser.reporting import fact_tables
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training.search import search
from mtlser.training.search.choice import choose, sizes
from tests.helpers.factories import make_plan, make_predictions, make_recipe
from tests.helpers.trainings import make_inputs, small_recipe
from tests.training.test_strategies import made

SIZE = ValidationSize(fold=0, classes=(20, 20, 40, 20), words=400, speaker_check=50)


def row(pair: tuple[float, float], ua: float, fold: int = 0, epochs: int = 9) -> SearchRow:
    return SearchRow(
        fold=fold, alpha=pair[0], beta=pair[1], epoch=1, epochs=epochs, score=ua, loss=1.0, wa=ua,
        ua=ua, f1=ua, wer=0.3, speaker_accuracy=0.9,
    )  # fmt: skip


def chosen(rows: Sequence[SearchRow], *overrides: str) -> tuple[float, float]:
    recipe = made("search.metric=ua", *overrides)
    found = choose(rows, 0, recipe, [SIZE])
    return found.alpha, found.beta


def test_the_best_is_taken_and_the_smaller_pair_on_a_tie() -> None:
    rows = [row((0.5, 0.1), 0.7), row((0.1, 0.9), 0.7), row((0.1, 0.8), 0.7), row((0, 0), 0.69)]
    assert chosen(rows) == (0.1, 0.8)


def test_of_pairs_within_one_error_over_utterances_the_smallest_is_taken() -> None:
    error = standard_error.over_utterances(row((0, 0), 0.7), "ua", SIZE)
    assert 0.04 < error < 0.06
    near, far = 0.7 - 0.99 * error, 0.7 - 1.01 * error
    rows = [row((0.5, 0.5), 0.7), row((0.1, 0.5), near), row((0.5, 0.1), near), row((0, 0), far)]
    assert chosen(rows, "search.choose=one_se") == (0.1, 0.5)
    assert chosen(rows) == (0.5, 0.5)


def test_a_pair_of_few_epochs_is_not_taken_for_being_small() -> None:
    rows = [row((0.5, 0.5), 0.7), row((0.1, 0.5), 0.7, epochs=3)]
    assert chosen(rows, "search.choose=one_se") == (0.5, 0.5)


def test_by_all_folds_the_error_is_over_folds() -> None:
    best, spread = (0.5, 0.5), (0.6, 0.7, 0.8, 0.9)
    error = float(np.std(spread, ddof=1)) / sqrt(4)
    for within, expected in ((0.99, (0.0, 0.1)), (1.01, best)):
        rows = [row(best, ua, fold) for fold, ua in enumerate(spread)]
        rows += [row((0.0, 0.1), 0.75 - within * error, fold) for fold in range(4)]
        assert chosen(rows, "search.choose=one_se", "search.scope=global") == expected


@pytest.mark.parametrize("metric", ["wa", "ua", "wer", "joint"])
def test_the_error_is_that_of_drawn_utterances(metric: str) -> None:
    """A second source: the spread of the metric over many draws with the same rates."""
    rng, draws = np.random.default_rng(0), 20_000
    recalls = rng.binomial(SIZE.classes, 0.7, (draws, 4)) / SIZE.classes
    wa = (recalls * SIZE.classes).sum(1) / sum(SIZE.classes)
    wer = rng.binomial(SIZE.words, 0.3, draws) / SIZE.words
    speaker = rng.binomial(SIZE.speaker_check, 0.9, draws) / SIZE.speaker_check
    ua = recalls.mean(1)
    drawn = {"wa": wa, "ua": ua, "wer": wer, "joint": (ua + 1 - wer + speaker) / 3}[metric]
    found = standard_error.over_utterances(row((0, 0), 0.7), metric, SIZE)
    assert found == pytest.approx(drawn.std(), rel=0.03)


def test_a_loss_of_one_fold_has_no_error_and_is_refused() -> None:
    given = ("search.choose=one_se", "search.metric=loss")
    with pytest.raises(MtlserError, match="no standard error is known; allowed are another metric"):
        made(*given)
    made(*given, "search.scope=global")


@pytest.mark.parametrize("scope", ["fold", "global"])
def test_a_report_believes_a_choice_within_one_error_and_none_beyond(scope: str) -> None:
    plan = make_plan(3)
    best, near, far = (0.5, 0.5), (0.1, 0.5), (0.0, 0.5)
    of_pair = {best: 0.7, near: 0.68, far: 0.5}
    rows = [row(pair, ua + 0.04 * fold, fold) for fold in range(3) for pair, ua in of_pair.items()]
    counted = tuple(SIZE.model_copy(update={"fold": fold}) for fold in range(3))
    recipe = made("search.metric=ua", "search.choose=one_se", f"search.scope={scope}")
    found = [choose(rows, fold, recipe, counted) for fold in range(3)]
    assert {(each.alpha, each.beta) for each in found} == {near}
    result = SearchResult.model_validate({
        "scope": scope, "metric": "ua", "seed": 0, "rows": rows, "choose": "one_se",
        "choices": [Choice(fold=f, alpha=near[0], beta=near[1], run=None) for f in range(3)],
        "sizes": counted,
    })  # fmt: skip
    scores = measure(
        make_predictions(plan), plan, make_recipe("noise.kinds=[]", "baseline.systems=[]")
    )
    selection.check_selection(result, scores)
    assert "within one standard error" in fact_tables.choices(result).note
    wrong = Choice(fold=0, alpha=far[0], beta=far[1], run=None)
    forged: list[dict[str, Any]] = [
        {"choose": "best"},
        {"choices": (wrong, *result.choices[1:])},
        *([{"sizes": ()}] if scope == "fold" else []),
    ]
    for change in forged:
        with pytest.raises(MtlserError, match="the choice was made on something else"):
            selection.check_selection(result.model_copy(update=change), scores)


def test_a_search_keeps_what_it_may_choose_and_names_its_rule(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    recipe = small_recipe(
        tmp_path, "search.alphas=[0.1, 0.5]", "search.betas=[0.8]", "search.choose=one_se",
        "search.metric=wa", "train.epochs=1",
    )  # fmt: skip
    (tmp_path / "chosen").mkdir()
    work = WorkFolder(tmp_path / "work")
    result = search.search(inputs, recipe, tmp_path / "chosen", work, NullRun())
    assert result.choose == "one_se"
    assert result.sizes == sizes(inputs)
    assert [sum(size.classes) for size in result.sizes] == [8]
    assert (tmp_path / "chosen" / "cells" / "fold-0" / "model").is_dir()
    assert len(list((work.folder / "cells").glob("*/model"))) == 1
