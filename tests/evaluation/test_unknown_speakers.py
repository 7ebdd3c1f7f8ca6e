"""Speakers whom nobody knows may be anybody: they are no common speaker, and no separation."""

import pytest

from mtlser.evaluation import notes
from mtlser.evaluation.verification import claims, sharing
from mtlser.recipe import load
from mtlser.records import Fold, FoldPlan, Utterance
from tests.helpers.utterances import utterance


def plan() -> FoldPlan:
    fold = Fold(
        index=0, name="official", train=("a",), validation=("b",), test=("c",), speaker_check=()
    )
    return FoldPlan(protocol="official", seed=0, manifest_digest="", folds=(fold,))


def spoken(*speakers: str | None) -> list[Utterance]:
    """The utterances a, b and c by these speakers."""
    return [utterance(i, speaker=who) for i, who in zip("abc", speakers, strict=True)]


@pytest.mark.parametrize(
    ("speakers", "state", "detail"),
    [
        (("S1", "S2", "S3"), "yes", "0 of 1 folds share a speaker"),
        (("S1", "S2", "S1"), "no", "(train-test): 1 speakers"),
        (("S1", "S2", None), "no", "0 speakers, 0 clips; 1 utterances by speakers who are not kno"),
        ((None, None, None), "no", "0 speakers, 0 clips; 2 utterances by speakers who are not kno"),
    ],
)
def test_separation_is_claimed_of_known_speakers_alone(
    speakers: tuple[str | None, ...], state: str, detail: str
) -> None:
    utterances = spoken(*speakers)
    shared = sharing.counted(plan(), utterances)
    tested = sharing.test_speakers(plan(), utterances)
    assert tested == (speakers[2] is not None)
    claim = claims.speakers(plan(), shared, tested)
    assert (claim.state, detail in claim.detail) == (state, True), claim


def test_a_count_of_an_older_version_agrees_in_what_it_counted() -> None:
    now = sharing.counted(plan(), spoken(None, None, None))
    older = tuple(each.model_copy(update={"unknown": None, "speakers": 1}) for each in now)
    assert sharing.agree(now, older) and sharing.agree(older, now)
    other = tuple(each.model_copy(update={"dialogues": 3}) for each in older)
    assert not sharing.agree(now, other)
    known = sharing.counted(plan(), spoken("S1", "S2", "S3"))
    wrong = tuple(each.model_copy(update={"unknown": None, "speakers": 1}) for each in known)
    assert not sharing.agree(known, wrong)
    assert not sharing.agree(known, known[:2])


def test_what_is_not_known_is_not_said_of_protocols() -> None:
    leaking = plan().model_copy(update={"shares_speakers": True})
    recipe = load("demo")
    (known,) = notes.plan_notes(leaking, recipe, recipe.hash, unknown=0)
    assert "test speakers are also in training" in known
    (partly,) = notes.plan_notes(leaking, recipe, recipe.hash, unknown=0.2)
    assert "test speakers are, or may be, also in training" in partly
    (unknown,) = notes.plan_notes(leaking, recipe, recipe.hash, unknown=1)
    assert "test speakers may also be in training" in unknown
    assert notes.plan_notes(plan(), recipe, recipe.hash, unknown=1) == []
