"""A million utterances fit: what each costs in memory, and that short cuts give the same files."""

import hashlib
import json
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.million import made_up
from mtlser.data import audit, folds, manifest
from mtlser.recipe import load
from mtlser.records import FoldPlan, Utterance, read_json, read_jsonl, write_json, write_jsonl
from tests.helpers.utterances import corpus, recipe, utterance

MANY = 10_000


def peak_bytes(action: Callable[[], object]) -> float:
    """The most bytes for each of `MANY` utterances that the action holds at once."""
    tracemalloc.start()
    try:
        kept = action()
        assert kept is not None
        return tracemalloc.get_traced_memory()[1] / MANY
    finally:
        tracemalloc.stop()


def test_an_utterance_in_memory_is_smaller_than_twice_its_line(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    write_jsonl(path, made_up(MANY))
    line_bytes = path.stat().st_size / MANY
    assert peak_bytes(lambda: list(read_jsonl(path, Utterance))) < 2 * line_bytes


def test_split_and_audit_need_less_than_the_manifest_itself() -> None:
    utterances = list(made_up(MANY))
    own = load("own")
    plan = folds.plan(utterances, own)  # imports what is needed
    assert peak_bytes(lambda: folds.plan(utterances, own)) < 500
    assert peak_bytes(lambda: audit.audit(utterances, plan)) < 500


def test_equal_names_are_one_object_in_manifest_and_folds(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "manifest.jsonl", corpus())
    write_json(tmp_path / "folds.json", folds.plan(corpus(), recipe("loso")))
    read = list(read_jsonl(tmp_path / "manifest.jsonl", Utterance))
    ids = {u.id: u.id for u in read}
    plan = read_json(tmp_path / "folds.json", FoldPlan)
    assert all(ids[name] is name for fold in plan.folds for name in fold.train + fold.test)
    assert len({id(u.speaker) for u in read}) == len({u.speaker for u in read})


def test_text_of_numpy_becomes_text() -> None:
    made = utterance("a", speaker=np.str_("Ann"), emotion=np.str_("sad"))
    assert type(made.speaker) is str and made == utterance("a", speaker="Ann", emotion="sad")


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_the_digest_is_that_of_one_json_list(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "BLOCK", block)
    utterances = [utterance("b", text="GRÜN"), utterance("a", speaker=None), utterance("c")]
    rows = [[u.id, u.audio_sha256, u.emotion, u.speaker or "", u.text or ""] for u in utterances]
    for count in range(4):
        expected = hashlib.sha256(json.dumps(sorted(rows[:count])).encode()).hexdigest()
        assert manifest.digest(utterances[:count]) == expected


def test_groups_of_speakers_are_those_of_their_names() -> None:
    utterances = sorted(made_up(3_000), key=lambda u: u.id)
    names = [f"{u.emotion}/{u.gender}" for u in utterances]
    cutter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        cuts = list(cutter.split(names, names, [u.speaker for u in utterances]))
    plan = folds.plan(utterances, recipe("speakers", speaker_folds=5))
    assert [list(fold.test) for fold in plan.folds] == [
        [utterances[i].id for i in held] for _, held in cuts
    ]
