"""`mtlser predict --score`: a model on a corpus that it has not seen, or is refused."""

from pathlib import Path

import pytest

from mtlser.evaluation.unseen import UnseenScores
from mtlser.evaluation.verification.seen import AUDIO_DIGITS, SEEN, Seen
from mtlser.records import Prediction, read_jsonl, write_json
from mtlser.stages import load_manifest
from tests.helpers.commands import Run, refused
from tests.helpers.trained import write_model, write_wav

CLIPS = ("03a01Fa", "03a02Wa", "08a01Na", "08a02Ta")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path)


@pytest.fixture
def corpus(run: Run, tmp_path: Path) -> Path:
    (tmp_path / "new" / "wav").mkdir(parents=True)
    for number, name in enumerate(CLIPS):
        write_wav(tmp_path / "new" / "wav" / f"{name}.wav", 0.8, seed=number)
    code, _, err = run("ingest", "--corpus", "emodb", "--root", "new", "--out", "corpus")
    assert code == 0, err
    return tmp_path / "corpus"


def write_seen(model: Path, **changes: tuple[str, ...]) -> None:
    """What the model has seen: another corpus, but for the changes."""
    known = dict.fromkeys(("chosen_on", "dialogues", "recordings", "audio"), ())
    given = {"fitted": ("elsewhere-1",), "speakers": ("elsewhere",), **known, **changes}
    record = Seen.model_validate(
        {"cell": "mtlser:final:s0", "manifest": "m", "folds": "f", **given}
    )
    write_json(model / SEEN, record)


def test_a_corpus_that_the_model_has_not_seen_is_scored(
    run: Run, model: Path, corpus: Path, tmp_path: Path
) -> None:
    write_seen(model)
    flags = ("--manifest", "corpus", "--score", "--out", "scored")
    code, out, err = run("predict", model, *flags, "--json")
    assert code == 0, err
    scores = UnseenScores.model_validate_json(out)
    assert scores.unseen == "yes"
    predicted = list(read_jsonl(tmp_path / "scored" / "predictions.jsonl", Prediction))
    assert {p.utterance_id for p in predicted} == {u.id for u in load_manifest(corpus)}
    right = [p.emotion_true == p.emotion_predicted for p in predicted]
    assert scores.numbers.wa == sum(right) / len(right)
    assert {g.name for g in scores.groups if g.kind == "speaker"} == {"emodb_03", "emodb_08"}
    code, out, _ = run("predict", model, "--manifest", "corpus", "--score")
    assert code == 0
    assert "Unseen by the model: yes; of 1 utterances by 1 speakers" in out
    assert [line.split()[0] for line in out.splitlines() if line][:2] == ["percent", "all"]


def test_a_model_that_does_not_say_what_it_has_seen_is_not_verified(
    run: Run, model: Path, corpus: Path
) -> None:
    code, out, _ = run("predict", model, "--manifest", "corpus", "--score")
    assert code == 0
    assert "Unseen by the model: not at hand" in out
    assert corpus.is_dir()


@pytest.mark.parametrize("what", ["utterance", "speaker", "audio"])
def test_a_model_that_has_seen_something_of_the_corpus_is_refused(
    run: Run, model: Path, corpus: Path, tmp_path: Path, what: str
) -> None:
    one = load_manifest(corpus)[2]
    assert one.speaker is not None
    values: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
        "utterance": (one.id, {"fitted": (one.id,)}),
        "speaker": (one.speaker, {"speakers": (one.speaker, "elsewhere")}),
        "audio": (
            one.audio_sha256[:AUDIO_DIGITS],
            {"audio": (one.audio_sha256[:AUDIO_DIGITS],)},
        ),
    }
    named, changes = values[what]
    write_seen(model, **changes)
    outcome = run("predict", model, "--manifest", "corpus", "--score", "--out", "scored")
    refused(outcome, "mtlser:final:s0", f"has seen {what} {named} of this corpus")
    assert not (tmp_path / "scored").exists()


def test_flags_of_scoring_belong_together(run: Run, model: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "one.wav")
    refused(run("predict", model), "no audio files", "--score")
    refused(run("predict", model, "one.wav", "--out", "x"), "--manifest and --out are for --score")
    refused(run("predict", model, "one.wav", "--score"), "--score takes a corpus")
    refused(run("predict", model, "--score"), "--manifest")
    assert not (tmp_path / "x").exists()
