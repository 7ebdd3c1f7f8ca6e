"""Faults planted on the way from predictions to the summary: each is caught."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn import metrics as sk

from mtlser.errors import MtlserError
from mtlser.evaluation import counts, scores, selection, summary
from mtlser.evaluation.choices import Choice, SearchResult, SearchRow
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.significance import bootstrap, comparison
from mtlser.records import CLEAN, FoldPlan, Prediction, read_json, write_json
from tests.helpers.factories import make_plan, make_prediction, make_predictions, make_recipe

PLAN = make_plan(folds=4, per_fold=60)
PREDICTIONS = [
    *make_predictions(PLAN, "mtlser", 0.7, snr_db=(0,)),
    *make_predictions(PLAN, "svm", 0.5, seed=1),
]
Plant = Callable[[pytest.MonkeyPatch], None]


def by_scikit_learn(system: str, condition: str = CLEAN) -> dict[str, list[float]]:
    """WA and UA of each fold from the predictions alone."""
    result: dict[str, list[float]] = {"wa": [], "ua": []}
    for fold in PLAN.folds:
        own = [
            p
            for p in PREDICTIONS
            if (p.system, p.fold, p.split, p.condition) == (system, fold.index, "test", condition)
        ]
        truth, predicted = [p.emotion_true for p in own], [p.emotion_predicted for p in own]
        result["wa"].append(sk.accuracy_score(truth, predicted))
        result["ua"].append(sk.balanced_accuracy_score(truth, predicted))
    return result


def whole_way(folder: Path) -> None:
    """From predictions to `scores.json` and `summary.json`; every WA and UA is recomputed."""
    measured = scores.measure(PREDICTIONS, PLAN, make_recipe())
    write_json(folder / "scores.json", measured)
    scores.write_summary(folder / "summary.json", measured)
    summary_json = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    stored = read_json(folder / "scores.json", Scores)
    main, other = by_scikit_learn("mtlser"), by_scikit_learn("svm")
    noisy = by_scikit_learn("mtlser", "babble@0dB")
    for metric in ("wa", "ua"):
        means = {"": main, "svm_": other, "snr_0_": noisy}
        for prefix, result in means.items():
            assert summary_json[f"{prefix}{metric}_mean"] == pytest.approx(np.mean(result[metric]))
            assert summary_json[f"{prefix}{metric}_sd"] == pytest.approx(
                np.std(result[metric], ddof=1)
            )
        assert stored.of("mtlser").clean.values(metric) == pytest.approx(main[metric])
        row = next(row for row in stored.comparisons if row.metric == metric)
        assert row.welch is not None
        assert row.welch.difference == pytest.approx(np.mean(main[metric]) - np.mean(other[metric]))
        assert row.bootstrap is not None
        pooled = [getattr(stored.of(name).clean.pooled, metric) for name in ("mtlser", "svm")]
        assert row.bootstrap.estimate == pytest.approx(pooled[0] - pooled[1])
        assert stored.of("mtlser").bootstrap[metric].estimate == pytest.approx(pooled[0])


def swapped_metrics(patch: pytest.MonkeyPatch) -> None:
    wa, ua = counts.weighted_accuracy, counts.unweighted_accuracy
    patch.setattr(counts, "weighted_accuracy", ua)
    patch.setattr(counts, "unweighted_accuracy", wa)


def swapped_summary(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(summary, "SHORT", {**summary.SHORT, "wa": "ua", "ua": "wa"})


def swapped_bootstrap(patch: pytest.MonkeyPatch) -> None:
    of = bootstrap.METRICS
    patch.setattr(bootstrap, "METRICS", {"wa": of["ua"], "ua": of["wa"]})


def swapped_comparison(patch: pytest.MonkeyPatch) -> None:
    right = comparison._row

    def wrong(*given: object) -> object:
        row = right(*given)  # type: ignore[arg-type]
        return row.model_copy(update={"metric": {"wa": "ua", "ua": "wa"}[row.metric]})

    patch.setattr(comparison, "_row", wrong)


def test_the_whole_way_is_right(tmp_path: Path) -> None:
    whole_way(tmp_path)


@pytest.mark.parametrize(
    "plant", [swapped_metrics, swapped_summary, swapped_bootstrap, swapped_comparison]
)
def test_a_planted_swap_of_wa_and_ua_is_caught(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        whole_way(tmp_path)


def test_a_fold_with_swapped_wa_and_ua_cannot_be_made() -> None:
    numbers = scores.measure(PREDICTIONS, PLAN, make_recipe()).of("mtlser").clean.pooled
    swapped = numbers.model_dump() | {"wa": numbers.ua, "ua": numbers.wa}
    with pytest.raises(ValidationError, match="are WA and UA swapped"):
        type(numbers).model_validate(swapped)


@pytest.mark.parametrize("place", ["pooled", "spreads", "fold"])
def test_scores_with_swapped_wa_and_ua_are_not_read(place: str, tmp_path: Path) -> None:
    measured = scores.measure(PREDICTIONS, PLAN, make_recipe())
    content = json.loads(measured.model_dump_json())
    clean = content["systems"][0]["test"][0]
    part = clean["folds"][1]["numbers"] if place == "fold" else clean[place]
    part["wa"], part["ua"] = part["ua"], part["wa"]
    (tmp_path / "scores.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(MtlserError, match=r"swapped|the folds do not give that"):
        read_json(tmp_path / "scores.json", Scores)


def searched(split: str = "validation", scope: str = "fold") -> SearchResult:
    """A search whose chosen rows hold the figures of that split; the other rows are lower."""
    measured = scores.measure(PREDICTIONS, PLAN, make_recipe()).of("mtlser")
    condition = measured.validation if split == "validation" else measured.clean
    assert condition is not None
    rows, choices = [], []
    for fold in condition.folds:
        n = fold.numbers
        for alpha, less in ((0.1, 0.0), (0.3, 0.05)):
            rows.append(
                SearchRow(
                    fold=fold.fold,
                    alpha=alpha,
                    beta=0.8,
                    epoch=3,
                    score=n.ua - less,
                    loss=1.0,
                    wa=n.wa - less,
                    ua=n.ua - less,
                    f1=n.macro_f1 - less,
                    wer=n.wer,
                    speaker_accuracy=None,
                )
            )
        choices.append(Choice(fold=fold.fold, alpha=0.1, beta=0.8, run=None))
    return SearchResult.model_validate(
        {"scope": scope, "metric": "ua", "choices": choices, "rows": rows}
    )


def measured_with(chosen: SearchResult) -> Scores:
    return scores.measure(PREDICTIONS, PLAN, make_recipe(), chosen=chosen)


@pytest.mark.parametrize("scope", ["fold", "global"])
def test_an_honest_choice_passes_without_a_note(scope: str) -> None:
    plain = scores.measure(PREDICTIONS, PLAN, make_recipe())
    assert measured_with(searched(scope=scope)).notes == plain.notes


def test_a_choice_by_test_figures_is_refused() -> None:
    with pytest.raises(MtlserError, match=r"fold 0, alpha 0\.1.*chosen on test"):
        measured_with(searched("test"))


def test_a_choice_that_validation_does_not_bear_out_is_refused() -> None:
    """The pair that is best on test, say, while another is best on validation."""
    honest = searched()
    other = tuple(c.model_copy(update={"alpha": 0.3}) for c in honest.choices)
    with pytest.raises(MtlserError, match=r"alpha 0\.3.*but alpha 0\.1"):
        measured_with(honest.model_copy(update={"choices": other}))
    absent = tuple(c.model_copy(update={"alpha": 0.7}) for c in honest.choices)
    with pytest.raises(MtlserError, match="with no row on validation"):
        measured_with(honest.model_copy(update={"choices": absent}))


def test_a_score_that_is_not_that_of_its_row_is_refused() -> None:
    honest = searched()
    lifted = (honest.rows[0].model_copy(update={"score": 0.99}), *honest.rows[1:])
    with pytest.raises(MtlserError, match=r"score 0\.9900, but its validation figures"):
        measured_with(honest.model_copy(update={"rows": lifted}))


def test_validation_figures_that_predictions_do_not_confirm_are_noted() -> None:
    honest = searched()
    raised = tuple(
        row.model_copy(update={"wa": row.wa + 0.031}) if row.fold == 2 else row
        for row in honest.rows
    )
    notes = measured_with(honest.model_copy(update={"rows": raised})).notes
    assert any("Ses03" in note and "3.1 points" in note for note in notes)


def test_a_search_row_has_no_room_for_test_figures() -> None:
    row = searched().rows[0].model_dump() | {"test_ua": 0.9}
    with pytest.raises(ValidationError, match="test_ua"):
        SearchRow.model_validate(row)


def test_every_selection_metric_is_scored_from_its_row() -> None:
    row = searched().rows[0]
    for metric in ("wa", "ua", "f1", "wer", "loss", "joint"):
        expected = selection.selection_score(row.model_dump(), metric)
        fitting = row.model_copy(update={"score": expected})
        selection._check_row(fitting, metric)
        with pytest.raises(MtlserError, match="chosen on something else"):
            selection._check_row(row.model_copy(update={"score": expected + 0.01}), metric)


def test_a_planted_test_speaker_in_train_is_refused() -> None:
    """One test utterance of fold 0 is spoken by a speaker whom fold 0 trains on."""
    leaked = PLAN.folds[0].test[0]
    leaking = [
        p.model_copy(update={"speaker_true": "Ses03_F"}) if p.utterance_id == leaked else p
        for p in PREDICTIONS
    ]
    with pytest.raises(MtlserError, match=r"tests Ses03_F, who also speaks Ses03.*a leak under"):
        scores.measure(leaking, PLAN, make_recipe())
    open_leak = PLAN.model_copy(update={"protocol": "random"})
    assert scores.measure(leaking, open_leak, make_recipe()).leaks


def changed(fold: int, **splits: tuple[str, ...]) -> FoldPlan:
    folds = [f.model_copy(update=splits) if f.index == fold else f for f in PLAN.folds]
    return PLAN.model_copy(update={"folds": tuple(folds)})


def test_a_plan_that_trains_on_its_test_is_refused() -> None:
    first = PLAN.folds[0]
    plan = changed(0, train=(*first.train, first.test[0]))
    with pytest.raises(MtlserError, match="Ses01-0000 in train and in test, so it leaks"):
        scores.measure(PREDICTIONS, plan, make_recipe())


def test_an_utterance_in_two_folds_tests_is_refused() -> None:
    twice = PLAN.folds[0].test[0]
    second = PLAN.folds[1]
    plan = changed(
        1,
        test=(*second.test, twice),
        train=tuple(name for name in second.train if name != twice),
        speaker_check=tuple(name for name in second.speaker_check if name != twice),
    )
    with pytest.raises(MtlserError, match="Ses01-0000 is tested in fold 0 and in fold 1"):
        scores.measure(PREDICTIONS, plan, make_recipe())


def test_predictions_of_another_recipe_are_noted() -> None:
    other: list[Prediction] = [
        make_prediction(name, fold=fold.index, recipe_hash="0ther")
        for fold in PLAN.folds
        for name in fold.test
    ]
    notes = scores.measure(other, PLAN, make_recipe("baseline.systems=[]")).notes
    assert any("come from recipe 0ther" in note for note in notes)
