"""The noise sweep: every test utterance at every SNR, from the same excerpt, noise as asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mtlser import recipe as recipes
from mtlser.data import audio, clips, noise
from mtlser.errors import MtlserError
from mtlser.evaluation import noise_facts, noise_sweep
from mtlser.evaluation.cost import profiling
from mtlser.evaluation.noise_facts import NOISE, NoiseRun
from mtlser.evaluation.predictor import Done, Output, Wav, unheeded
from mtlser.recipe import Recipe
from mtlser.records import FOUR, Cell, FoldPlan, Prediction, Utterance, read_json, write_json
from tests.helpers.corpora import one_fold, write_corpus

CELL = Cell(system="mtlser", fold=0, seed=0)


class Listener:
    """A system that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[list[Wav]] = []

    def predict(self, wavs: Sequence[Wav], done: Done = unheeded) -> list[Output]:
        self.heard.append(list(wavs))
        done(len(wavs))
        return [Output(dict.fromkeys(FOUR, 0.25), None, None) for _ in wavs]


def swept(
    folder: Path, recipe: Recipe
) -> tuple[list[Prediction], Listener, NoiseRun, list[Utterance], FoldPlan]:
    utterances = write_corpus(folder)
    plan = one_fold(utterances)
    listener, check = Listener(), noise_sweep.SnrCheck(recipe.noise)
    predictions = list(noise_sweep.sweep(folder, utterances, plan, listener, CELL, recipe, check))
    return predictions, listener, check.facts(), utterances, plan


def test_every_test_utterance_is_heard_at_every_snr(tmp_path: Path) -> None:
    recipe = recipes.load("demo", ("noise.snr_db=[0, 10]", 'noise.level="rms"'))
    predictions, listener, _, utterances, plan = swept(tmp_path, recipe)
    assert {p.condition for p in predictions} == {"babble@0dB", "babble@10dB"}
    for condition in ("babble@0dB", "babble@10dB"):
        ids = [p.utterance_id for p in predictions if p.condition == condition]
        assert ids == list(plan.folds[0].test)
    assert {p.split for p in predictions} == {"test"}
    by_id = {u.id: u for u in utterances}
    for i, name in enumerate(plan.folds[0].test):
        clean = clips.load(tmp_path, by_id[name])
        loud, soft = listener.heard[0][i], listener.heard[1][i]
        assert noise.measured_snr_db(clean, loud, "rms") == pytest.approx(0, abs=0.1)
        assert noise.measured_snr_db(clean, soft, "rms") == pytest.approx(10, abs=0.1)
        ratio = (loud - clean) / 10**0.5
        np.testing.assert_allclose(ratio, soft - clean, atol=1e-4)


def noises(root: Path) -> Path:
    root.mkdir()
    rng = np.random.default_rng(0)
    for kind in ("pink", "volvo"):
        soundfile.write(root / f"{kind}.wav", rng.normal(0, 0.1, 40_000), 16_000)
    return root


def test_each_clip_is_decoded_once_for_all_noises_and_snrs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = noises(tmp_path / "noises")
    recipe = recipes.load("demo", ('noise.kinds=["pink", "volvo"]', f"noise.root='{root}'"))
    decoded: list[str] = []
    real = audio.decode

    def counted(path: Path, **named: Any) -> audio.Clip:
        decoded.append(path.name)
        return real(path, **named)

    opened: list[str] = []
    samples = clips.samples

    def read(corpus: Path, utterance: Utterance) -> clips.Samples:
        opened.append(utterance.audio_sha256)
        return samples(corpus, utterance)

    monkeypatch.setattr(audio, "decode", counted)
    monkeypatch.setattr(clips, "samples", read)
    predictions, _, _, utterances, plan = swept(tmp_path, recipe)
    shown = [u.audio_sha256 for u in utterances if u.id in plan.folds[0].test]
    assert sorted(decoded) == ["pink.wav", "volvo.wav"]
    assert sorted(opened) == sorted(shown)
    assert len(predictions) == len(shown) * 2 * len(recipe.noise.snr_db)


def test_an_excerpt_is_drawn_once_for_all_snrs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    real = noise.CorpusNoise.for_utterance

    def counted(self: noise.CorpusNoise, u: Utterance, kind: str, length: int) -> noise.Wav:
        drawn.append(u.id)
        return real(self, u, kind, length)

    monkeypatch.setattr(noise.CorpusNoise, "for_utterance", counted)
    _, _, _, _, plan = swept(tmp_path, recipes.load("demo"))
    assert drawn == list(plan.folds[0].test)


def test_the_facts_tell_how_it_was_mixed(tmp_path: Path) -> None:
    root = noises(tmp_path / "my-noises")
    recipe = recipes.load(
        "demo",
        ('noise.kinds=["pink"]', f"noise.root='{root}'", "noise.snr_db=[-20, 5]"),
    )
    predictions, listener, facts, _, _ = swept(tmp_path, recipe)
    assert (facts.kinds, facts.source, facts.level) == (("pink",), "my-noises", "active")
    assert (facts.trained_on, facts.snr_db) == ("clean", (-20, 5))
    assert facts.clips == len(predictions)
    assert facts.largest_deviation_db is not None
    assert 0 < facts.largest_deviation_db < 0.1
    louder = sum(int((np.abs(wav) > 1).sum()) for heard in listener.heard for wav in heard)
    assert facts.beyond_full_scale == louder > 0
    babble = swept(tmp_path, recipes.load("demo", ("noise.snr_db=[20]",)))[2]
    assert (babble.source, babble.beyond_full_scale) == ("corpus babble", 0)


def test_a_mix_at_another_snr_is_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = noise.mix
    monkeypatch.setattr(noise, "mix", lambda s, n, snr_db, level: real(s, n, snr_db + 0.2, level))
    with pytest.raises(MtlserError, match=r"mixed at 0 dB, 0\.20 dB measured back"):
        swept(tmp_path, recipes.load("demo"))


def test_the_largest_deviation_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = noise.mix

    def off(s: noise.Wav, n: noise.Wav, snr_db: float, level: noise.Level) -> noise.Wav:
        return real(s, n, snr_db - (0.05 if snr_db == 10 else 0.01), level)

    monkeypatch.setattr(noise, "mix", off)
    assert swept(tmp_path, recipes.load("demo"))[2].largest_deviation_db == pytest.approx(
        0.05, abs=1e-3
    )


def test_a_stage_writes_facts_beside_predictions_and_the_first_fold_s_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    utterances = write_corpus(tmp_path)
    plan = one_fold(utterances)
    two = plan.model_copy(
        update={"folds": (plan.folds[0], plan.folds[0].model_copy(update={"index": 1}))}
    )
    monkeypatch.setattr(noise_sweep, "load_system", lambda *_: Listener())
    costs: list[str] = []

    def costed(_: object, name: str, measured: str, effort: profiling.Effort) -> NoiseRun:
        assert effort == profiling.SHORT
        costs.append(f"{name} {measured}")
        return facts()

    monkeypatch.setattr(profiling, "profile", costed)
    for fold in (0, 1):
        out = tmp_path / f"noisy{fold}"
        out.mkdir()
        cell = Cell(system="mtlser", fold=fold, seed=0)
        noise_sweep.run(tmp_path, utterances, two, tmp_path, cell, recipes.load("demo"), out)
        assert read_json(out / NOISE, NoiseRun).clips == 5 * len(plan.folds[0].test)
        assert (out / "predictions.jsonl").is_file()
    assert (tmp_path / "noisy0" / "cost.json").is_file()
    assert not (tmp_path / "noisy1" / "cost.json").exists()
    assert costs == ["mtlser in a pipeline"]
    with pytest.raises(MtlserError, match="one of the folds 0 to 1"):
        beyond = Cell(system="mtlser", fold=2, seed=0)
        noise_sweep.run(tmp_path, utterances, two, tmp_path, beyond, recipes.load("demo"), tmp_path)


def facts(**changed: object) -> NoiseRun:
    given = {
        "kinds": ("babble",),
        "source": "noisex92",
        "level": "active",
        "snr_db": (0.0, 5.0),
        "clips": 10,
        "largest_deviation_db": 0.01,
        "beyond_full_scale": 0,
    }
    return NoiseRun.model_validate(given | changed)


def test_the_facts_of_all_cells_become_one(tmp_path: Path) -> None:
    runs = (facts(), facts(kinds=("white",), largest_deviation_db=0.03), facts(clips=0))
    folders = [tmp_path / str(i) for i in range(4)]
    for folder, run in zip(folders, (*runs, None), strict=True):
        folder.mkdir()
        if run is not None:
            write_json(folder / NOISE, run)
    together = noise_facts.load(folders)
    assert together is not None
    assert (together.kinds, together.largest_deviation_db) == (("babble", "white"), 0.03)
    assert noise_facts.load(folders[3:]) is None
    write_json(folders[3] / NOISE, facts(level="rms"))
    with pytest.raises(MtlserError, match="level 'active' and 'rms'"):
        noise_facts.load(folders)
