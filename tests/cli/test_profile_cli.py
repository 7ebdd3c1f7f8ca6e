"""`mtlser profile` as a user meets it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mtlser.cli import profile_command
from mtlser.evaluation.cost import profiling
from mtlser.evaluation.cost.cost_records import COST, Cost
from mtlser.models.baselines import mel_statistics, svm
from mtlser.records import FOUR, read_json
from tests.helpers.commands import Run
from tests.helpers.profiling import QUICK, made_up
from tests.helpers.trained import write_model


@pytest.fixture(name="run")
def profiled(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `mtlser profile`, quickly."""
    quick = replace(QUICK, fewest=2, runs=2)  # whatever the machine's load
    monkeypatch.setattr(profiling.profile, "__defaults__", (profiling.CLIP_S, quick))
    return partial(run, "profile")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


def test_a_run_folder_is_profiled(run: Run, model: Path, tmp_path: Path) -> None:
    code, out, err = run(model.parent, "--out", "cost", "--clip-s", "0.5")
    assert code == 0, err
    cost = read_json(tmp_path / "cost" / COST, Cost)
    assert (cost.system, cost.measured, cost.latency.clip_s) == ("mtlser", "alone", 0.5)
    assert cost.latency.runs == 2
    for words in ("parameters", "0.5 s clip", "10 s clip", "multiply-adds", "p95", "memory"):
        assert words in out
    assert "not counted" not in out
    assert f"{cost.parameters:,} ({cost.trainable:,} trained)" in out
    assert "cost: cost" in out


def test_an_svm_s_cell_is_profiled(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows_nd = rng.normal(0, 1, (16, mel_statistics.FEATURES))
    labels = [FOUR[i % 4] for i in range(16)]
    pipeline = svm._pipeline(svm._DEFAULT, mel_statistics.FEATURES).fit(rows_nd, labels)
    svm.save(svm.SvmModel(pipeline, svm._DEFAULT), tmp_path / "cell" / "model")
    code, out, err = run("cell", "--out", "cost")
    assert code == 0, err
    assert read_json(tmp_path / "cost" / COST, Cost).system == "svm"
    assert "support vectors of 720 features" in out


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("absent", "--out", "cost"), "absent: no such file or folder"),
        (("other", "--out", "cost"), "other: no model in it; expected a run folder"),
        (("MODEL", "--out", "cost", "--clip-s", "0"), "a clip of 0 s: allowed are 0.1 to 30 s"),
        (("MODEL", "--out", "cost", "--device", "tpu"), "device 'tpu': allowed here are cpu"),
        (("models:/none@champion", "--out", "cost"), "no MLflow store"),
    ],
)
def test_a_mistake_is_one_sentence(
    run: Run, model: Path, tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("no model")
    code, _, err = run(*(model if word == "MODEL" else word for word in words))
    assert code == 2
    assert outcome in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not (tmp_path / "cost").exists()


def test_what_could_not_be_counted_is_told() -> None:
    cost = made_up("mtlser", "alone", 0.2)
    assert "not counted" not in dict(profile_command.rows(cost))
    partly = cost.model_copy(update={"uncounted": ("aten._int_mm",)})
    assert dict(profile_command.rows(partly))["not counted"] == "aten._int_mm"
