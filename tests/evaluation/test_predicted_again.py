"""Predictions that are made again: the same noise is mixed again, and a changed one is found."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser.errors import MtlserError
from mtlser.evaluation import noise_sweep
from mtlser.evaluation.predictor import Done, Output, Wav, unheeded
from mtlser.evaluation.verification import prediction
from mtlser.recipe import dumps, load
from mtlser.records import (
    FOUR,
    Cell,
    CellResult,
    Prediction,
    read_jsonl,
    write_json,
    write_jsonl,
)
from mtlser.stages.run_folder import AbsentError, RunFolder
from tests.helpers.corpora import one_fold, write_corpus

CELL = Cell(system="mtlser", fold=0, seed=0)


class Meter:
    """A system whose output tells every sample of a clip apart."""

    def predict(self, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
        """Shares of the energy in four interleaved parts of the clip."""
        built = []
        for wav in wavs:
            parts = np.asarray([np.square(wav[i::4], dtype=np.float64).sum() for i in range(4)])
            shares = np.exp(50 * parts / parts.sum())
            shares = (shares / shares.sum()).tolist()
            heard = f"{len(wav)} {round(float(np.abs(wav).sum()))}"
            built.append(Output(dict(zip(FOUR, shares, strict=True)), heard, "s0"))
        done(len(wavs))
        return built


@pytest.fixture(params=["babble", "recordings"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder whose noisy predictions `noise-eval` made, without scores."""
    monkeypatch.setattr(prediction, "load_system", lambda *_: Meter())
    corpus, folder, noises = (tmp_path / name for name in ("corpus", "run", "noises"))
    utterances = write_corpus(corpus)
    plan = one_fold(utterances)
    sets = ["noise.snr_db=[0, 10]"]
    if request.param == "recordings":
        noises.mkdir()
        rng = np.random.default_rng(0)
        for kind in ("pink", "volvo"):
            soundfile.write(noises / f"{kind}.wav", rng.normal(0, 0.1, 40_000), 16_000)
        sets += ['noise.kinds=["pink", "volvo"]', f"noise.root='{noises}'"]
    recipe = load("demo", tuple(sets))
    cell = folder / "checkpoints" / CELL.text.replace(":", "-")
    cell.mkdir(parents=True)
    result = CellResult(
        cell=CELL.text, alpha=0.1, beta=0.8, epoch=1, epochs_run=1, score=0.5, validation={},
        seconds=1, weights_sha256=None,
    )  # fmt: skip
    write_json(cell / "result.json", result)
    write_json(folder / "folds.json", plan)
    (folder / "recipe.toml").write_text(dumps(recipe), encoding="utf-8")
    check = noise_sweep.SnrCheck(recipe.noise)
    swept = noise_sweep.sweep(corpus, utterances, plan, Meter(), CELL, recipe, check)
    write_jsonl(folder / "predictions.jsonl", swept)
    return folder


def opened(run: Path, sample: int = 100) -> RunFolder:
    return RunFolder(run, run.parent / "corpus", sample)


def forge(run: Path, **changed: object) -> None:
    """Changes one noisy prediction."""
    path = run / "predictions.jsonl"
    every = list(read_jsonl(path, Prediction))
    every[5] = every[5].model_copy(update=changed)
    write_jsonl(path, every)


def test_the_noise_is_mixed_again_as_noise_eval_mixed_it(run: Path) -> None:
    count = sum(1 for _ in read_jsonl(run / "predictions.jsonl", Prediction))
    assert f"{count} noisy test utterances" in opened(run).noise()
    assert "probabilities within 1e-12" in opened(run).noise()
    assert "3 noisy test utterances" in opened(run, 3).noise()


def test_a_changed_noisy_prediction_differs(run: Path) -> None:
    honest = list(read_jsonl(run / "predictions.jsonl", Prediction))[5]
    shares = list(honest.emotion_probabilities.values())
    forge(run, emotion_probabilities=dict(zip(FOUR, shares[::-1], strict=True)))
    with pytest.raises(MtlserError, match=r"differ by up to .* 0 of \d+ noisy test utterances"):
        opened(run).noise()
    forge(run, **honest.model_dump())
    opened(run).noise()
    for changed in ({"text_predicted": "another"}, {"speaker_predicted": "another"}):
        forge(run, **(honest.model_dump() | changed))
        with pytest.raises(MtlserError, match=r"another speaker for 1 of \d+ noisy"):
            opened(run).noise()


def test_what_is_not_at_hand_is_said(run: Path) -> None:
    with pytest.raises(AbsentError, match=r"audio is not at hand.*--manifest"):
        RunFolder(run, None, 3).noise()
    with pytest.raises(AbsentError, match="manifest is not at hand"):
        RunFolder(run, run.parent, 3).noise()
    noises = run.parent / "noises"
    if noises.is_dir():
        (noises / "volvo.wav").unlink()
        with pytest.raises(AbsentError, match=r"not at hand.*volvo.*recipe\.toml takes them from"):
            opened(run).noise()
        shutil.rmtree(noises)
        with pytest.raises(AbsentError, match=r"noise is not at hand.*put them there"):
            opened(run).noise()
        return
    path = run / "predictions.jsonl"
    path.write_text(path.read_text().replace("babble@0dB", "hum@0dB"))
    with pytest.raises(AbsentError, match=r"says nothing of hum@0dB; .* predicted again"):
        opened(run).noise()
    (run / "recipe.toml").unlink()
    with pytest.raises(AbsentError, match=r"no recipe\.toml"):
        opened(run).noise()
    write_jsonl(run / "predictions.jsonl", [])
    with pytest.raises(AbsentError, match="no predictions under noise"):
        opened(run).noise()
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(AbsentError, match="no checkpoints"):
        opened(run).noise()
