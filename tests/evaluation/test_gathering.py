"""Predictions read one by one: nothing is lost, the order is no matter, bad lines are named."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.errors import MtlserError
from mtlser.evaluation import gathering, scores
from mtlser.records import Prediction, read_jsonl, write_jsonl
from tests.helpers.factories import make_plan, make_prediction, make_predictions, make_recipe

PLAN = make_plan(folds=3, per_fold=20)
PREDICTIONS = [
    *make_predictions(PLAN, "mtlser", 0.7, snr_db=(0, 10)),
    *make_predictions(PLAN, "svm", 0.5, seed=1),
]
WHOLE = scores.measure(PREDICTIONS, PLAN, make_recipe())


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.integers(0, 10_000))
def test_scores_do_not_depend_on_the_order_of_predictions(seed: int) -> None:
    """To the last bit, notes and bootstrap included."""
    shuffled = random.Random(seed).sample(PREDICTIONS, len(PREDICTIONS))
    assert scores.measure(iter(shuffled), PLAN, make_recipe()) == WHOLE


def test_files_are_merged_into_the_same_scores_and_one_sorted_file(tmp_path: Path) -> None:
    rng = random.Random(0)
    parts: list[list[Prediction]] = [[], [], [], []]
    for prediction in PREDICTIONS:
        rng.choice(parts[:3]).append(prediction)
    files = [tmp_path / f"{i}.jsonl" for i in range(4)]
    for path, part in zip(files, parts, strict=True):
        write_jsonl(path, part)
    columns = gathering.merge(files, tmp_path / "all.jsonl")
    assert scores.measure(columns, PLAN, make_recipe()) == WHOLE
    ordered = sorted(
        PREDICTIONS, key=lambda p: (p.system, p.fold, p.split, p.condition, p.utterance_id)
    )
    assert list(read_jsonl(tmp_path / "all.jsonl", Prediction)) == ordered
    gathering.merge(files[::-1], tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "all.jsonl").read_bytes()
    assert not list(tmp_path.glob("*.tmp*"))


def test_a_last_line_without_an_end_is_a_line(tmp_path: Path) -> None:
    lines = [make_prediction(f"Ses01-{i}").model_dump_json() for i in (2, 1)]
    (tmp_path / "in.jsonl").write_text("\r\n".join(lines), encoding="utf-8")
    gathering.merge([tmp_path / "in.jsonl"], tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines() == lines[::-1]


def test_columns_keep_no_record_and_no_text() -> None:
    columns = gathering.columns(PREDICTIONS)
    assert sum(len(block) for block in columns.blocks.values()) == len(PREDICTIONS)
    held = sum(c.nbytes for block in columns.blocks.values() for c in vars(block).values())
    assert held / len(PREDICTIONS) < 65
    assert not any(
        array.dtype == object
        for block in columns.blocks.values()
        for array in vars(block).values()
        if isinstance(array, np.ndarray)
    )


def bad(change: Callable[[str], str]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        lines = [make_prediction(f"Ses01-{i}").model_dump_json() for i in range(3)]
        lines[1] = change(lines[1])
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (bad(lambda line: line[:50]), r"in\.jsonl:2: not a Prediction: .*Invalid JSON"),
        (bad(lambda line: ""), r"in\.jsonl:2: not a Prediction"),
        (bad(lambda line: line.replace('"style"', '"stile"')), r"in\.jsonl:2: .*style"),
        (bad(lambda line: line.replace("0.7", "NaN")), r"Ses01-1 .*neutral nan"),
        (bad(lambda line: line.replace("0.7", "null")), r"in\.jsonl:2: .*valid number"),
        (bad(lambda line: line.replace("0.7", "0.9")), "neutral 0.9.*a sum of 1"),
        (bad(lambda line: line.replace("Ses01-1", "Ses01-0")), "Ses01-0 .*predicted twice"),
        (lambda path: path.write_text("", encoding="utf-8"), "no predictions to score"),
        (lambda path: None, "no such file"),
    ],
)
def test_bad_lines_are_named(write: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl")
    with pytest.raises(MtlserError, match=message):
        gathering.merge([tmp_path / "in.jsonl"], tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"emotion_true": "sad"}, "true class 'sad' here but 'neutral' elsewhere"),
        ({"speaker_true": "Ses09_M"}, "true speaker 'Ses09_M' here but 'Ses01_F' elsewhere"),
        ({"style": None}, "true style None here but 'improvised' elsewhere"),
        ({"text_true": "no"}, "transcript 'no' here but another one elsewhere"),
    ],
)
def test_a_truth_that_changes_is_refused(change: dict[str, str | None], message: str) -> None:
    plan = make_plan(folds=1, per_fold=2)
    built = [
        make_prediction(name, system=s) for s in ("mtlser", "svm") for name in plan.folds[0].test
    ]
    built[3] = built[3].model_copy(update=change)
    with pytest.raises(MtlserError, match=message):
        scores.measure(built, plan, make_recipe())


def test_half_a_transcription_is_refused() -> None:
    plan = make_plan(folds=1, per_fold=3)
    built = [make_prediction(name) for name in plan.folds[0].test]
    built[1] = built[1].model_copy(update={"text_predicted": None})
    with pytest.raises(MtlserError, match="1 of 3 utterances have no hypothesis"):
        scores.measure(built, plan, make_recipe("baseline.systems=[]"))
    built = [
        make_prediction(name, split="speaker_check", speaker=("Ses03_F", "Ses03_F" if i else None))
        for i, name in enumerate(plan.folds[0].speaker_check)
    ]
    built += [make_prediction(name) for name in plan.folds[0].test]
    with pytest.raises(MtlserError, match="1 of 3 utterances have no predicted speaker"):
        scores.measure(built, plan, make_recipe("baseline.systems=[]"))
