"""A metric without a value decides nothing: not in the search, the gate, or the report."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlser.data.folds import plan as cut
from mtlser.errors import MtlserError
from mtlser.evaluation import measurable, metrics, selection
from mtlser.evaluation.choices import Choice, SearchResult, SearchRow
from mtlser.evaluation.scores import Scores, measure
from mtlser.records import Utterance
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training.search import search
from tests.helpers import trainings
from tests.helpers.corpora import one_fold
from tests.helpers.factories import make_plan, make_predictions, make_recipe
from tests.helpers.utterances import utterance

ANY = make_recipe("noise.kinds=[]", "baseline.systems=[]")


def _corpus(**changes: object) -> list[Utterance]:
    emotions = ("neutral", "happy", "angry", "sad")
    return [
        utterance(f"s{s}_u{i}", speaker=f"s{s}", emotion=emotions[i % 4], **changes)
        for s in range(4)
        for i in range(8)
    ]


def test_wer_cannot_choose_where_nothing_is_transcribed() -> None:
    recipe = make_recipe("split.protocol=loso", "search.metric=wer")
    spoken, silent = _corpus(text="YES"), _corpus(text=None)
    measurable.check(recipe, cut(spoken, recipe), spoken)
    with pytest.raises(
        MtlserError, match=r"search\.metric = 'wer'.*every one of 4 folds"
    ) as raised:
        measurable.check(recipe, cut(silent, recipe), silent)
    assert "--set search.metric=ua" in str(raised.value)


@given(st.sets(st.sampled_from(["s0", "s1", "s2", "s3"])))
def test_a_fold_without_transcripts_is_named(silent: set[str]) -> None:
    recipe = make_recipe("split.protocol=loso", "search.metric=wer")
    corpus = [
        u.model_copy(update={"text": None if u.speaker in silent else "YES"})
        for u in _corpus(text="YES")
    ]
    plan = cut(corpus, recipe)
    by_id = {u.id: u for u in corpus}
    lacking = [f.name for f in plan.folds if {by_id[n].speaker for n in f.validation} <= silent]
    if not lacking:
        measurable.check(recipe, plan, corpus)
        return
    with pytest.raises(MtlserError) as raised:
        measurable.check(recipe, plan, corpus)
    assert "every one of" in str(raised.value) or lacking[0] in str(raised.value)


def test_the_gate_is_not_asked_for_a_metric_that_no_fold_has() -> None:
    recipe = make_recipe("split.protocol=loso", 'registry.metrics=["ua", "cer"]')
    silent = _corpus(text=None)
    with pytest.raises(MtlserError, match=r"registry\.metrics = 'cer'.*test of every one"):
        measurable.check(recipe, cut(silent, recipe), silent)


def test_speaker_accuracy_needs_held_out_utterances_of_training_speakers() -> None:
    recipe = make_recipe("split.protocol=loso", 'registry.metrics=["speaker_accuracy"]')
    corpus = _corpus()
    plan = cut(corpus, recipe)
    measurable.check(recipe, plan, corpus)
    first = plan.folds[0].model_copy(update={"speaker_check": ()})
    bare = plan.model_copy(update={"folds": (first, *plan.folds[1:])})
    with pytest.raises(MtlserError, match=r"no utterance in speaker_check of fold s0"):
        measurable.check(recipe, bare, corpus)


def test_an_absent_figure_has_no_selection_score() -> None:
    for metric in ("wer", "loss"):
        with pytest.raises(MtlserError, match="no value on validation"):
            selection.selection_score({metric: None}, metric)
    only_emotion = {"ua": 0.5, "wer": None, "speaker_accuracy": None}
    assert selection.selection_score(only_emotion, "joint") == 0.5


def test_a_search_by_wer_without_transcripts_is_refused_before_it_trains(tmp_path: Path) -> None:
    inputs = trainings.make_inputs(tmp_path)
    silent = [u.model_copy(update={"text": None}) for u in inputs.utterances]
    inputs = dataclasses.replace(inputs, utterances=silent, plan=one_fold(silent))
    recipe = trainings.small_recipe(
        tmp_path, "search.metric=wer", "search.alphas=[0.1, 0.5]", "search.betas=[0.2]"
    )
    work = WorkFolder(tmp_path / "work")
    with pytest.raises(MtlserError, match=r"search\.metric"):
        search.search(inputs, recipe, tmp_path / "out", work, NullRun())
    assert not (tmp_path / "work").exists()


def test_a_training_without_speakers_to_check_has_no_speaker_accuracy(tmp_path: Path) -> None:
    inputs = trainings.make_inputs(tmp_path)
    fold = inputs.plan.folds[0].model_copy(update={"speaker_check": ()})
    inputs = dataclasses.replace(inputs, plan=inputs.plan.model_copy(update={"folds": (fold,)}))
    recipe = trainings.small_recipe(tmp_path, "train.epochs=1", "search.metric=joint")
    rows = trainings.history(trainings.train(inputs, recipe, tmp_path / "work"))
    assert rows[0]["validation_speaker_accuracy"] is None
    assert metrics.speaker_accuracy([], []) is None


def _row(alpha: float, score: float, wer: float | None = None) -> SearchRow:
    return SearchRow(
        fold=0, alpha=alpha, beta=0.2, epoch=1, score=score, loss=1.0, wa=score, ua=score,
        f1=score, wer=wer, speaker_accuracy=None,
    )  # fmt: skip


def _chosen(metric: str, *rows: SearchRow) -> SearchResult:
    choice = Choice(fold=0, alpha=rows[0].alpha, beta=rows[0].beta, run=None)
    return SearchResult(scope="fold", metric=metric, choices=(choice,), rows=rows)


def test_a_choice_by_a_metric_without_a_value_is_refused_by_the_report() -> None:
    scores = _scores()
    chosen = _chosen("wer", _row(0.1, 1.0), _row(0.5, 1.0))
    with pytest.raises(MtlserError, match=r"alpha 0\.1.*score 1\.0000, but wer has no value"):
        selection.check_selection(chosen, scores)


def test_a_report_says_where_no_pair_was_better_than_another() -> None:
    scores = _scores()
    tied = _chosen("ua", _row(0.1, 0.4), _row(0.5, 0.4))
    (remark,) = selection.undecided(tied, scores.fold_names)
    assert "every pair reached the same ua" in remark
    assert not any("every pair" in said for said in selection.check_selection(tied, scores))
    told_apart = _chosen("ua", _row(0.1, 0.5), _row(0.5, 0.4))
    assert selection.undecided(told_apart, scores.fold_names) == []


def _scores() -> Scores:
    plan = make_plan(3)
    return measure(make_predictions(plan), plan, ANY)


def test_a_mean_over_fewer_folds_says_so() -> None:
    plan = make_plan(3)
    last = plan.folds[2].model_copy(update={"speaker_check": ()})
    plan = plan.model_copy(update={"folds": (*plan.folds[:2], last)})
    silent = set(plan.folds[1].test)
    predictions = [
        p.model_copy(update={"text_true": None}) if p.utterance_id in silent else p
        for p in make_predictions(plan)
    ]
    remarks = measure(predictions, plan, ANY).notes
    assert "WER and CER cover 2 of 3 folds: there is no transcript in Ses02." in remarks
    assert any(r.startswith("Speaker accuracy covers 2 of 3 folds: there is") for r in remarks)
