"""The noise sweep: every test utterance at every SNR, from the same excerpt, noise as asked."""

from pathlib import Path

import numpy as np
import pytest

from mtlser import recipe as recipes
from mtlser.data import noise
from mtlser.evaluation import noise_sweep
from mtlser.evaluation.predictor import Output, Wav
from mtlser.records import EMOTIONS, Cell
from tests.corpora import one_fold, write_corpus


class Listener:
    """A system that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[list[Wav]] = []

    def predict(self, wavs: list[Wav]) -> list[Output]:
        self.heard.append(list(wavs))
        return [Output(dict.fromkeys(EMOTIONS, 0.25), None, None) for _ in wavs]


def test_every_test_utterance_is_heard_at_every_snr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    utterances = write_corpus(tmp_path)
    plan = one_fold(utterances)
    listener = Listener()
    monkeypatch.setattr(noise_sweep, "load_system", lambda *_: listener)
    recipe = recipes.load("demo", ("noise.snr_db=[0, 10]", 'noise.level="rms"'))
    cell = Cell(system="mtlser", fold=0, seed=0)
    said = list(noise_sweep.sweep(tmp_path, utterances, plan, tmp_path, cell, recipe))
    assert {p.condition for p in said} == {"babble@0dB", "babble@10dB"}
    for condition in ("babble@0dB", "babble@10dB"):
        ids = [p.utterance_id for p in said if p.condition == condition]
        assert ids == list(plan.folds[0].test)
    assert {p.split for p in said} == {"test"}

    from mtlser.data.audio import load

    by_id = {u.id: u for u in utterances}
    for i, name in enumerate(plan.folds[0].test):
        clean = load(tmp_path / by_id[name].audio)
        loud, soft = listener.heard[0][i], listener.heard[1][i]
        assert noise.measured_snr_db(clean, loud, "rms") == pytest.approx(0, abs=0.1)
        assert noise.measured_snr_db(clean, soft, "rms") == pytest.approx(10, abs=0.1)
        ratio = (loud - clean) / 10**0.5
        np.testing.assert_allclose(ratio, soft - clean, atol=1e-4)
