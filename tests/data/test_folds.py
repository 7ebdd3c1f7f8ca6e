from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import folds
from mtlser.errors import MtlserError
from mtlser.records import FOUR, Fold, FoldPlan, Utterance, read_jsonl, write_jsonl
from tests.helpers.utterances import berlin, corpus, recipe, utterance

PROTOCOLS = ("loso", "session", "recording", "random")


def speakers(names: Sequence[str], utterances: Sequence[Utterance]) -> set[str]:
    who = {u.id: u.speaker for u in utterances}
    return {who[name] or "" for name in names}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_test_sets_partition_the_manifest_and_each_fold_holds_all_of_it(protocol: str) -> None:
    utterances = corpus()
    plan = folds.plan(utterances, recipe(protocol))
    tested = Counter(name for fold in plan.folds for name in fold.test)
    assert tested == Counter(u.id for u in utterances)
    for fold in plan.folds:
        everything = fold.train + fold.validation + fold.test + fold.speaker_check
        assert sorted(everything) == sorted(u.id for u in utterances)


@settings(max_examples=40, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from(PROTOCOLS),
    st.integers(0, 2**30),
    st.integers(8, 14),
    st.floats(0.01, 0.49),
)
def test_the_order_of_the_manifest_does_not_matter(
    random: Any, protocol: str, seed: int, turns: int, share: float
) -> None:
    utterances = corpus(turns, sessions=3)
    by_protocol = recipe(protocol, seed, speaker_check=share, random_folds=4)
    shuffled = random.sample(utterances, len(utterances))
    assert folds.plan(shuffled, by_protocol) == folds.plan(utterances, by_protocol)


def test_loso_holds_out_a_speaker_and_validates_on_the_partner() -> None:
    utterances = corpus()
    plan = folds.plan(utterances, recipe("loso"))
    assert [fold.name for fold in plan.folds] == [f"Ses0{s}_{a}" for s in range(1, 6) for a in "FM"]
    for fold in plan.folds:
        partner = fold.name[:-1] + {"F": "M", "M": "F"}[fold.name[-1]]
        assert speakers(fold.test, utterances) == {fold.name}
        assert speakers(fold.validation, utterances) == {partner}
        trained = speakers(fold.train, utterances)
        assert len(trained) == 8
        assert trained.isdisjoint({fold.name, partner})
        assert speakers(fold.speaker_check, utterances) == trained


def test_loso_without_sessions_rotates_validation_over_the_speakers() -> None:
    utterances = berlin()
    plan = folds.plan(utterances, recipe("loso"))
    validated = [speakers(fold.validation, utterances) for fold in plan.folds]
    assert validated == [{f"{s:02d}"} for s in (4, 5, 6, 7, 8, 9, 10, 11, 12, 3)]
    assert all(len(speakers(f.train, utterances)) == 8 for f in plan.folds)


def test_session_holds_out_a_session_and_validates_on_the_next() -> None:
    utterances = corpus()
    plan = folds.plan(utterances, recipe("session"))
    assert [fold.name for fold in plan.folds] == ["Ses01", "Ses02", "Ses03", "Ses04", "Ses05"]
    for number, fold in enumerate(plan.folds, start=1):
        following = number % 5 + 1
        assert speakers(fold.test, utterances) == {f"Ses0{number}_F", f"Ses0{number}_M"}
        assert speakers(fold.validation, utterances) == {f"Ses0{following}_F", f"Ses0{following}_M"}
        assert len(speakers(fold.train, utterances)) == 6
        assert speakers(fold.speaker_check, utterances) == speakers(fold.train, utterances)


def test_recording_leaks_the_speakers_of_the_prefix() -> None:
    utterances = corpus()
    plan = folds.plan(utterances, recipe("recording"))
    assert plan.leaks and len(plan.folds) == 10
    assert all(name.startswith(fold.name) for fold in plan.folds for name in fold.test)
    assert speakers(plan.folds[0].test, utterances) <= speakers(plan.folds[0].train, utterances)


def test_random_is_stratified_and_takes_a_tenth_for_validation() -> None:
    utterances = corpus()
    emotion = {u.id: u.emotion for u in utterances}
    plan = folds.plan(utterances, recipe("random", random_folds=5))
    assert [len(fold.test) for fold in plan.folds] == [48] * 5
    for fold in plan.folds:
        assert set(Counter(emotion[i] for i in fold.test).values()) == {12}
        assert len(fold.validation) == round(0.1 * (240 - 48))
        assert max(Counter(emotion[i] for i in fold.validation).values()) <= 6
    other = folds.plan(utterances, recipe("random", seed=1, random_folds=5))
    assert other.folds[0].test != plan.folds[0].test


def test_speaker_check_takes_its_share_of_each_speaker_and_is_seeded() -> None:
    utterances = corpus(turns=20)
    who = {u.id: u.speaker for u in utterances}
    fold = folds.plan(utterances, recipe("loso", speaker_check=0.25)).folds[0]
    assert set(Counter(who[i] for i in fold.speaker_check).values()) == {10}
    other = folds.plan(utterances, recipe("loso", seed=1, speaker_check=0.25)).folds[0]
    assert fold.speaker_check != other.speaker_check
    tiny = folds.plan(utterances, recipe("loso", speaker_check=0.001)).folds[0]
    assert set(Counter(who[i] for i in tiny.speaker_check).values()) == {1}


def test_a_speaker_with_one_utterance_is_trained_and_not_checked() -> None:
    lonely = utterance("Ses09F_impro01_F000", speaker="Ses09_F", session="Ses09")
    plan = folds.plan([*corpus(), lonely], recipe("loso"))
    assert lonely.id in plan.folds[0].train
    assert all(lonely.id not in fold.speaker_check for fold in plan.folds)


def test_max_folds_keeps_the_first_folds_as_they_are() -> None:
    every = folds.plan(corpus(), recipe("loso"))
    assert folds.plan(corpus(), recipe("loso", max_folds=2)).folds == every.folds[:2]


@pytest.mark.parametrize(
    ("utterances", "protocol", "split", "message"),
    [
        ([], "loso", {}, "manifest is empty"),
        (corpus() + corpus()[:1], "loso", {}, "Ses01F_impro01_F000 is 2 times"),
        (berlin(), "session", {}, "has no session"),
        (berlin(), "recording", {}, "has no recording"),
        (corpus(sessions=1), "loso", {}, r"2 speaker\(s\)"),
        (corpus(sessions=2), "session", {}, r"2 session\(s\) \(Ses01, Ses02\)"),
        (corpus(), "random", {"random_folds": 1}, "random_folds = 1"),
        (corpus(), "random", {"random_folds": 999}, "random_folds = 999"),
        (
            [u.model_copy(update={"speaker": "Ann"}) if "M_" in u.id else u for u in corpus()],
            "session",
            {},
            "speaker Ann is in sessions Ses01 and Ses02",
        ),
        (
            [u for u in corpus() if u.emotion != "angry" or u.session == "Ses01"],
            "loso",
            {},
            r"fold 0 \(Ses01_F\): no angry utterance",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused(
    utterances: list[Utterance], protocol: str, split: dict[str, Any], message: str
) -> None:
    with pytest.raises(MtlserError, match=message):
        folds.plan(utterances, recipe(protocol, **split))


def edited(plan: FoldPlan, **lists: tuple[str, ...]) -> FoldPlan:
    first: Fold = plan.folds[0].model_copy(update=lists)
    return plan.model_copy(update={"folds": (first, *plan.folds[1:])})


def test_check_refuses_a_plan_that_leaks_or_is_stale() -> None:
    utterances = corpus()
    plan = folds.plan(utterances, recipe("loso"))
    fold = plan.folds[0]
    folds.check(plan, list(reversed(utterances)))
    stolen = fold.test[0]
    cases = {
        f"{stolen} is in train and in test": edited(plan, train=(*fold.train, stolen)),
        "ghost of test is not in": edited(plan, test=(*fold.test, "ghost")),
        f"{stolen} is in test and in test": edited(plan, test=(*fold.test, stolen)),
        "Ses01_F, who is also in train": edited(
            plan, train=(*fold.train, stolen), test=fold.test[1:]
        ),
        "Ses01_F, who is also in validation": edited(
            plan, validation=(*fold.validation, stolen), test=fold.test[1:]
        ),
        "Ses02_F, who is also in train": edited(
            plan, validation=(*fold.validation, fold.train[0]), train=fold.train[1:]
        ),
        "by a speaker who is not in train": edited(
            plan, speaker_check=(*fold.speaker_check, stolen), test=fold.test[1:]
        ),
        "validation is empty": edited(plan, validation=()),
        "it is fold 0 in the order of the file": plan.model_copy(
            update={"folds": (fold.model_copy(update={"index": 1}), *plan.folds[1:])}
        ),
        f"{plan.folds[1].test[0]} is also tested in fold 0": plan.model_copy(
            update={
                "folds": (
                    fold.model_copy(update={"test": plan.folds[1].test, "validation": fold.test}),
                    *plan.folds[1:],
                )
            }
        ),
    }
    for message, bad in cases.items():
        with pytest.raises(MtlserError, match=message):
            folds.check(bad, utterances)


def test_check_refuses_the_plan_of_another_manifest() -> None:
    utterances = corpus()
    plan = folds.plan(utterances, recipe("loso"))
    relabelled = [utterances[0].model_copy(update={"emotion": "sad"}), *utterances[1:]]
    with pytest.raises(MtlserError, match="made from manifest"):
        folds.check(plan, relabelled)


def test_check_lets_a_leaking_protocol_share_speakers() -> None:
    utterances = corpus()
    folds.check(folds.plan(utterances, recipe("random")), utterances)


def test_a_manifest_of_one_class_is_refused_in_one_sentence() -> None:
    """Every system would be right on all of it."""
    utterances = [u.model_copy(update={"emotion": "sad"}) for u in berlin()]
    with pytest.raises(MtlserError, match="all utterances of the manifest are sad, folds need two"):
        folds.plan(utterances, recipe("loso"))


@pytest.mark.parametrize("twin", ["01", "1", "1.0", "nan", "None", "NA", "null", "true"])
def test_speakers_are_names_whatever_they_look_like(tmp_path: Path, twin: str) -> None:
    """None is a number, absent, or the same as another: through files and back."""
    speakers = ("1", "01", "nan", twin, "2")
    made = [
        utterance(f"{s}-{t}", speaker=s, emotion=FOUR[t % 4], session=None)
        for s in sorted(set(speakers))
        for t in range(8)
    ]
    write_jsonl(tmp_path / "manifest.jsonl", made)
    back = list(read_jsonl(tmp_path / "manifest.jsonl", Utterance))
    plan = folds.plan(back, recipe("loso"))
    assert [fold.name for fold in plan.folds] == sorted(set(speakers))
    for fold in plan.folds:
        assert {name.rpartition("-")[0] for name in fold.test} == {fold.name}


def test_line_ends_of_windows_change_no_record(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "one.jsonl", berlin())
    text = (tmp_path / "one.jsonl").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "other.jsonl").write_bytes(text)
    assert list(read_jsonl(tmp_path / "other.jsonl", Utterance)) == berlin()
