from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlser import stages
from mtlser.data import audit, fingerprints, folds, guesses
from mtlser.data.fingerprints import hits
from mtlser.errors import MtlserError
from mtlser.records import (
    FOUR,
    Fold,
    FoldPlan,
    Utterance,
    read_json,
    write_json,
    write_jsonl,
)
from tests.helpers.utterances import berlin, corpus, recipe, utterance


def moody(turns: int = 40) -> list[Utterance]:
    """A corpus whose speakers stay in one mood for ten turns."""
    return [u.model_copy(update={"emotion": FOUR[int(u.id[-3:]) // 10 % 4]}) for u in corpus(turns)]


def audited(utterances: list[Utterance], protocol: str, **split: Any) -> audit.Audit:
    return audit.audit(utterances, folds.plan(utterances, recipe(protocol, **split)))


def by_name(report: audit.FoldAudit) -> dict[str, guesses.Guess]:
    return {guess.name: guess for guess in report.no_audio_guess}


def test_loso_and_session_are_clean() -> None:
    for protocol in ("loso", "session"):
        report = audited(moody(), protocol)
        assert (report.verdict, report.reasons, report.findings) == ("clean", (), ())
        shared = report.overall.shared
        assert shared.utterances == len(moody())
        assert (shared.by_speakers_in_train, shared.in_dialogues_of_train) == (0, 0)
        assert by_name(report.overall)["nearest_turn"].covered == 0


def test_recording_leaks_speakers_and_no_dialogue() -> None:
    report = audited(moody(), "recording")
    assert report.verdict == "leaks"
    assert report.reasons == (
        "800 of 800 (100.0 %) of the test utterances are by speakers who are also in training",
    )
    assert report.folds[0].shared.speakers_in_train == report.folds[0].shared.speakers == 2
    assert report.overall.shared.dialogues_in_train == 0


def test_random_leaks_dialogues_and_the_nearest_turn_gives_the_label_away() -> None:
    report = audited(moody(), "random")
    assert report.verdict == "leaks" and len(report.reasons) == 2
    assert report.best_guess.name == "nearest_turn"
    assert report.best_guess.wa > 0.8
    assert by_name(report.overall)["majority"].wa == pytest.approx(0.25, abs=0.01)
    assert any("no audio" in finding for finding in report.findings)


def test_the_nearest_turn_agrees_with_a_search_over_all_turns() -> None:
    utterances = moody()
    plan = folds.plan(utterances, recipe("random"))
    by_id = {u.id: u for u in utterances}
    right = 0
    for fold in plan.folds:
        for name in fold.test:
            near = [t for t in fold.train if t.rsplit("_", 1)[0] == name.rsplit("_", 1)[0]]
            near = [t for t in near if t.split("_")[-1][0] == name.split("_")[-1][0]]
            near.sort(key=lambda t: (abs(int(t[-3:]) - int(name[-3:])), t))
            right += by_id[near[0]].emotion == by_id[name].emotion
    nearest = by_name(audit.audit(utterances, plan).overall)["nearest_turn"]
    assert nearest.wa == pytest.approx(right / len(utterances))


def small_plan(monkeypatch: pytest.MonkeyPatch, train: list[str], test: list[str]) -> FoldPlan:
    monkeypatch.setattr(folds, "check", lambda plan, utterances: None)
    fold = Fold(
        index=0,
        name="one",
        train=tuple(train),
        validation=(),
        test=tuple(test),
        speaker_check=(),
    )
    return FoldPlan(protocol="random", seed=0, manifest_digest="x", folds=(fold,))


def test_transcripts_speakers_and_majority_are_learned_from_train_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    utterances = [
        utterance("a", text="yes", speaker="Ann", emotion="happy", dialogue=None),
        utterance("b", text="no", speaker="Ann", emotion="angry", dialogue=None),
        utterance("c", text="no", speaker="Bob", emotion="angry", dialogue=None),
        utterance("d", text="hm", speaker="Bob", emotion="angry", dialogue=None),
        utterance("e", text="yes", speaker="Bob", emotion="happy", dialogue=None),
        utterance("f", text=None, speaker="Eve", emotion="angry", dialogue=None),
    ]
    report = audit.audit(utterances, small_plan(monkeypatch, list("abcd"), list("ef")))
    guess = by_name(report.overall)
    assert (guess["majority"].wa, guess["majority"].covered) == (0.5, 1.0)
    assert (guess["transcript"].wa, guess["transcript"].covered) == (1.0, 0.5)
    assert (guess["speaker"].wa, guess["speaker"].covered) == (0.5, 0.5)
    assert (guess["nearest_turn"].wa, guess["nearest_turn"].covered) == (0.5, 0.0)
    assert report.overall.shared.texts_in_train == 1
    assert report.overall.shared.by_speakers_in_train == 1


def test_the_overall_score_weighs_folds_by_their_test_utterances() -> None:
    utterances = [u for u in moody() if u.speaker != "Ses03_F" or int(u.id[-3:]) < 11]
    report = audited(utterances, "loso")
    right = [by_name(part)["majority"].wa * part.shared.utterances for part in report.folds]
    assert by_name(report.overall)["majority"].wa == pytest.approx(sum(right) / len(utterances))
    assert len({part.shared.utterances for part in report.folds}) == 2


def test_shared_sentences_are_reported_and_are_no_leak() -> None:
    utterances = [u.model_copy(update={"text": f"SENTENCE {u.id[-2:]}"}) for u in berlin()]
    report = audited(utterances, "loso")
    assert report.verdict == "clean"
    assert report.overall.shared.texts_in_train == len(utterances)
    assert "160 of 160" in report.findings[0]
    assert report.best_guess.name == "transcript"


def test_the_same_audio_on_both_sides_is_a_leak() -> None:
    utterances = corpus()
    twin = utterances[-1].audio_sha256
    copied = [utterances[0].model_copy(update={"audio_sha256": twin}), *utterances[1:]]
    report = audited(copied, "loso")
    assert report.verdict == "leaks"
    assert report.overall.shared.audio_in_train == 2
    (reason,) = report.reasons
    assert reason.startswith("2 of 240 (0.8 %)")
    partner = next(u for u in utterances if u.speaker == "Ses01_M").audio_sha256
    validated = [utterances[0].model_copy(update={"audio_sha256": partner}), *utterances[1:]]
    report = audited(validated, "loso")
    assert report.verdict == "clean"
    assert report.overall.shared.audio_in_validation == 2


def test_folds_that_leak_against_their_protocol_s_promise_are_refused(tmp_path: Path) -> None:
    utterances = corpus()
    twin = utterances[-1].audio_sha256
    copied = [utterances[0].model_copy(update={"audio_sha256": twin}), *utterances[1:]]
    write_jsonl(tmp_path / "manifest.jsonl", copied)
    with pytest.raises(MtlserError, match=r"protocol loso: 2 of 240 \(0.8 %\)"):
        stages.split(str(tmp_path), recipe("loso"), str(tmp_path / "folds"))
    assert not (tmp_path / "folds").exists()
    stages.split(str(tmp_path), recipe("random"), str(tmp_path / "folds"))
    report = read_json(tmp_path / "folds" / "audit.json", audit.Audit)
    assert report.verdict == "leaks"


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["Ses01F_impro01_M007", "Ses01F_impro01_M010"], [7, 10]),
        (["03a01Nb", "03a01Na"], [1, 0]),
        (["d_a1", "d_b1"], [0, 1]),
        (["d_x", "d_3"], [1, 0]),
    ],
)
def test_the_place_of_a_turn_is_its_number_or_its_rank(names: list[str], places: list[int]) -> None:
    turns = guesses.turns_of([utterance(name) for name in names])
    assert [turns[name] for name in names] == places


def test_a_stale_plan_is_not_audited() -> None:
    plan = folds.plan(corpus(), recipe("loso"))
    with pytest.raises(MtlserError, match="is not in the manifest"):
        audit.audit(corpus()[1:], plan)


def test_the_record_survives_the_disk_and_the_text_tells_all(tmp_path: Path) -> None:
    report = audited(moody(), "random", random_folds=3)
    write_json(tmp_path / "audit.json", report)
    assert read_json(tmp_path / "audit.json", audit.Audit) == report
    text = audit.describe(report)
    assert text.startswith("protocol random: LEAKS\n")
    assert report.reasons and report.findings
    assert all(sentence in text for sentence in report.reasons + report.findings)
    assert all(name in text for name in ("random-0", "random-2", "all", "<- best"))
    assert "CLEAN (no speaker" in audit.describe(audited(moody(), "loso"))


def test_the_same_audio_under_two_classes_is_a_finding_and_no_leak() -> None:
    utterances = berlin()
    first, second = utterances[0], utterances[1]
    assert first.emotion != second.emotion
    assert audited(utterances, "loso").findings == ()
    utterances[1] = second.model_copy(update={"audio_sha256": first.audio_sha256})
    report = audited(utterances, "loso")
    assert report.verdict == "clean"
    assert report.findings == (
        "2 utterances have the samples of one of another class (03a00, 03a01)",
    )


def test_a_search_for_copies_that_was_not_whole_says_so() -> None:
    utterances = moody()
    plan = folds.plan(utterances, recipe("session"))
    said = "near-identical audio was looked for by 50% of the fingerprints' words"
    for share, told in ((1.0, False), (0.5, True)):
        findings = audit.audit(utterances, plan, fingerprints.Near({}, share)).findings
        assert any(each.startswith(said) for each in findings) == told


def test_the_share_of_words_that_are_looked_up_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = fingerprints.gather({"a": np.arange(1, 201, dtype=np.uint32)})
    assert fingerprints.near(prints).looked_up == 1
    monkeypatch.setattr(hits, "MOST_WORDS", 50)
    assert fingerprints.near(prints).looked_up == 0.25
