"""The whole DAG on releases that are shaped as real corpora, and on recordings of one's own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from mtlser import stages
from mtlser.data.audit_records import Audit
from mtlser.evaluation.cost import profiling
from mtlser.evaluation.score_records import Scores
from mtlser.models.bundle import Description
from mtlser.records import CLEAN, Prediction, read_json, read_jsonl
from mtlser.reporting import logged_scores
from mtlser.tracking import NullRun
from tests.helpers.corpus_runs import MADE, run


@dataclass(frozen=True)
class Run:
    """One finished run."""

    name: str
    folder: Path

    @cached_property
    def scores(self) -> Scores:
        return read_json(self.folder / "out" / "scores.json", Scores)

    @cached_property
    def page(self) -> str:
        return (self.folder / "out" / "report.html").read_text(encoding="utf-8")

    @cached_property
    def description(self) -> Description:
        """Of the model that is fitted on all data."""
        return read_json(self.folder / "out" / "model" / "mtlser.json", Description)

    @cached_property
    def predictions(self) -> list[Prediction]:
        """Of the network, on test as recorded."""
        return [
            each
            for each in read_jsonl(self.folder / "out" / "predictions.jsonl", Prediction)
            if (each.system, each.split, each.condition) == ("mtlser", "test", CLEAN)
        ]


@pytest.fixture(scope="module", params=MADE)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """A run of each release; what a system costs is measured once, not until it is steady."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MTLSER_TRACKING", "off")
        once = profiling.Effort(warmup=0, runs=1, fewest=1, seconds=0.0)
        patch.setattr(profiling, "SHORT", once)
        run(MADE[name], folder)
        yield Run(name, folder)


CLASSES = {
    "ravdess": ("neutral", "happy", "angry", "sad", "calm", "disgusted", "fearful", "surprised"),
    "cremad": ("neutral", "happy", "angry", "sad", "disgusted", "fearful"),
    "meld": ("neutral", "happy", "angry", "sad", "disgusted", "fearful", "surprised"),
    "msp-podcast": ("neutral", "happy", "angry", "sad"),
    "folder": ("Frustrated", "calm"),
    "joined": ("neutral", "happy", "angry", "sad", "disgusted", "fearful"),
}
LEAKING = {"meld", "folder"}
WITH_WORDS = {"ravdess", "cremad", "meld", "joined"}
WITHOUT_SPEAKERS = {"folder"}
WITH_SVM = {"cremad", "folder"}


def test_classes_protocol_and_matrices_are_those_of_the_corpus(whole: Run) -> None:
    scores, classes = whole.scores, CLASSES[whole.name]
    assert (scores.corpus, scores.classes) == (MADE[whole.name].called, classes)
    assert scores.protocol == MADE[whole.name].protocol
    for system in scores.systems:
        confusion = system.clean.pooled.confusion
        assert [len(row) for row in confusion] == [len(classes)] * len(classes)
        assert sum(map(sum, confusion)) == scores.utterances
    rivals = {"svm"} if whole.name in WITH_SVM else set()
    assert {one.system for one in scores.systems} == {"mtlser", *rivals}
    assert all(set(each.emotion_probabilities) == set(classes) for each in whole.predictions)
    assert set(whole.description.emotions) == set(classes)
    assert all(name in whole.page for name in classes)
    assert "babble@5dB" in {each.condition for each in scores.systems[0].test}


def test_the_report_says_whether_speakers_are_kept_apart(whole: Run) -> None:
    leaks = whole.name in LEAKING
    scores = whole.scores
    assert (scores.leaks, "NOT SPEAKER-INDEPENDENT" in whole.page) == (leaks, leaks)
    states = {claim.name: claim.state for claim in scores.claims}
    assert states == {
        "data": "yes", "folds": "yes", "speakers": "no" if leaks else "yes", "weights": "yes",
        "selection": "yes",
    }  # fmt: skip
    summary = json.loads((whole.folder / "out" / "summary.json").read_text())
    assert (summary["leaks"], summary["protocol"]) == (leaks, scores.protocol)
    audit = read_json(whole.folder / "out" / "audit.json", Audit)
    assert audit.verdict == ("leaks" if leaks else "clean")


def test_the_heads_are_those_that_the_corpus_has_labels_for(whole: Run) -> None:
    words, spoken = whole.name in WITH_WORDS, whole.name not in WITHOUT_SPEAKERS
    model = whole.description
    assert (bool(model.alphabet), bool(model.speakers)) == (words, spoken)
    scores = whole.scores
    assert (scores.systems[0].clean.pooled.wer is not None) == words
    assert (scores.systems[0].speaker is not None) == spoken
    assert scores.without_transcript == (0 if words else scores.utterances)
    predicted = whole.predictions
    assert all((each.text_predicted is not None) == words for each in predicted)
    assert all((each.speaker_true is not None) == spoken for each in predicted)


def test_joined_corpora_have_results_apart_and_together(whole: Run) -> None:
    groups = {each.name: each.utterances for each in whole.scores.groups_of("corpus")}
    assert ("mtlser by corpus, lowest UA first" in whole.page) == bool(groups)
    if whole.name == "joined":
        assert groups == {"ravdess": 72, "cremad": 48}
        assert whole.scores.fold_names == ("cremad", "ravdess")
        assert whole.scores.utterances == 120
    else:
        assert not groups


def test_the_run_is_verified(whole: Run) -> None:
    found = stages.verify(str(whole.folder / "out"), str(whole.folder / "corpus"), sample=1)
    assert {each.name: each.state for each in found.findings} == dict.fromkeys(
        ("files", "chain", "predictions", "data and folds", "figures", "selection", "weights",
         "noise", "final model"),
        "agrees",
    ), found  # fmt: skip


class Told(NullRun):
    """A run that keeps its tags."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def tags(self, values: Mapping[str, str]) -> None:
        self.told.update(values)


def test_speakers_whom_nobody_knows_are_named_so(whole: Run) -> None:
    unknown, page, notes = whole.name in WITHOUT_SPEAKERS, whole.page, " ".join(whole.scores.notes)
    assert ("test speakers may also be in training" in page) == unknown
    known_leak = whole.name in LEAKING and not unknown
    assert ("test speakers are also in training, so" in page) == known_leak
    assert ("is not known: there is no interval over speakers" in notes) == unknown
    assert "Only one test speaker" not in notes
    assert ("mtlser by speaker, lowest UA first" in page) != unknown
    assert all((each.unknown == 0) != unknown for each in whole.scores.sharing)
    assert all(each.speakers == 0 for each in whole.scores.sharing) != (whole.name == "meld")


def test_mlflow_is_told_what_the_partitions_share(whole: Run) -> None:
    told = Told()
    logged_scores.log_scores(told, whole.scores, whole.folder / "out")
    assert told.told["mtlser.leaks"] == str(whole.name in LEAKING).lower()
