"""The SVM's features: those of each recording, computed once whatever the number of folds."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mtlser.data import clips
from mtlser.models.baselines import mel_statistics
from mtlser.recipe import load
from mtlser.records import Cell, Prediction, read_jsonl
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import cells, svm_features
from tests.helpers.trainings import make_inputs

SVM = Cell(system="svm", fold=0, seed=0)


def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of each clip that features are computed of, from now on."""
    lengths: list[int] = []
    compute = mel_statistics.features

    def counted(wav_n: NDArray[np.float32]) -> NDArray[np.float64]:
        lengths.append(len(wav_n))
        return compute(wav_n)

    monkeypatch.setattr(mel_statistics, "features", counted)
    return lengths


def test_the_features_are_those_of_each_recording(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    shown = list(inputs.utterances)[::-2]
    expected_nd = np.stack([mel_statistics.features(clips.load(inputs.corpus, u)) for u in shown])
    for _ in range(2):  # computed, then read
        read = svm_features.reader(inputs.corpus, inputs.utterances, tmp_path / "work")
        np.testing.assert_array_equal(read(shown), expected_nd)


def test_a_cell_and_the_next_compute_each_recording_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, recipe = make_inputs(tmp_path), load("demo")
    lengths, work = count(monkeypatch), WorkFolder(tmp_path / "work")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        cells.run(SVM, inputs, recipe, tmp_path / name, work, NullRun())
    assert len(lengths) == len({u.audio_sha256 for u in inputs.utterances})
    one, two = (
        list(read_jsonl(tmp_path / name / "predictions.jsonl", Prediction))
        for name in ("one", "two")
    )
    assert one and one == two


def test_a_computation_that_was_killed_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, work = make_inputs(tmp_path), tmp_path / "work"
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):

        def die(_: object, __: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(np, "save", die)
        svm_features.reader(inputs.corpus, inputs.utterances, work)
    read = svm_features.reader(inputs.corpus, inputs.utterances, work)
    assert read(inputs.utterances).shape == (len(inputs.utterances), mel_statistics.FEATURES)
