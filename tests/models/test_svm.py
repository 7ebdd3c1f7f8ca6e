import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import soundfile
import torch
import torchaudio
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.preprocessing import FunctionTransformer
from skops import io

from mtlser.errors import MtlserError
from mtlser.models.baselines import mel_statistics, svm
from mtlser.records import FOUR


def hum(seconds: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    times_n = np.arange(int(16_000 * seconds)) / 16_000
    tone_n = np.sin(2 * np.pi * (200 + 80 * times_n) * times_n) * (0.2 + 0.1 * np.sin(6 * times_n))
    return (tone_n + rng.normal(0, 0.01, tone_n.size)).astype(np.float32)


def clouds(
    rows: int = 120, width: int = 24, seed: int = 0, spread: float = 1.0
) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Four classes in overlapping clouds, six speakers with an offset of their own."""
    rng = np.random.default_rng(seed)
    labels = [FOUR[i % 4] for i in range(rows)]
    groups = [f"s{i // 4 % 6}" for i in range(rows)]
    centres = rng.normal(0, 1, (4, width))
    offsets = rng.normal(0, 1, (6, width))
    features_nd = np.stack(
        [centres[i % 4] + offsets[i // 4 % 6] + rng.normal(0, spread, width) for i in range(rows)]
    )
    return features_nd, labels, groups


def test_features_are_the_statistics_of_log_mel_and_delta() -> None:
    wav_n = hum()
    spectrum = torchaudio.transforms.MelSpectrogram(
        16_000, n_fft=512, win_length=400, hop_length=160, n_mels=40, center=False
    )
    mel_mt = torch.log(spectrum(torch.from_numpy(wav_n)) + 1e-10)
    rows_rt = torch.cat([mel_mt, torchaudio.functional.compute_deltas(mel_mt)]).double().numpy()
    described = scipy.stats.describe(rows_rt, axis=1, ddof=0)
    expected = [
        described.mean,
        np.sqrt(described.variance),
        described.minmax[0],
        described.minmax[1],
        described.skewness,
        described.kurtosis,
        *np.percentile(rows_rt, (25, 50, 75), axis=1),
    ]
    np.testing.assert_allclose(
        mel_statistics.features(wav_n), np.concatenate(expected), rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("samples", [1, 100, 400, 401, 559, 1000])
def test_short_and_silent_wavs_have_finite_features(samples: int) -> None:
    for wav_n in (hum()[:samples], np.zeros(samples, dtype=np.float32)):
        result = mel_statistics.features(wav_n)
        assert result.shape == (mel_statistics.FEATURES,) == (720,)
        assert result.dtype == np.float64 and np.isfinite(result).all()


@pytest.mark.parametrize("wav_n", [np.zeros(0), np.zeros((2, 999)), np.full(999, np.nan)])
def test_what_is_no_wav_is_refused(wav_n: NDArray[np.float64]) -> None:
    with pytest.raises(MtlserError, match="expected one channel"):
        mel_statistics.features(wav_n)


def test_the_machine_learns_and_its_probabilities_follow_its_decision() -> None:
    features_nd, labels, groups = clouds(rows=200)
    model = svm.fit(features_nd[:120], labels[:120], groups[:120], seed=0)
    probabilities_nk = svm.predict_probabilities(model, features_nd[120:])
    assert probabilities_nk.shape == (80, 4)
    np.testing.assert_allclose(probabilities_nk.sum(axis=1), 1)
    output = [FOUR[place] for place in probabilities_nk.argmax(axis=1)]
    assert output == model.pipeline.predict(features_nd[120:]).tolist()
    right = np.mean([one == true for one, true in zip(output, labels[120:], strict=True)])
    assert right > 0.8
    assert model.choice.inner_ua is not None and model.choice.inner_ua > 0.7


def test_the_same_seed_gives_the_same_machine() -> None:
    features_nd, labels, groups = clouds()
    one, other = (svm.fit(features_nd, labels, groups, seed=3) for _ in range(2))
    assert one.choice == other.choice
    np.testing.assert_array_equal(
        svm.predict_probabilities(one, features_nd), svm.predict_probabilities(other, features_nd)
    )


def test_no_speaker_is_on_both_sides_of_an_inner_fold() -> None:
    _, labels, groups = clouds()
    truth_n, speaker_n = np.asarray(labels), np.asarray(groups)
    splits = svm.inner_folds(truth_n, speaker_n, 0)
    assert len(splits) == 5
    assert sorted(np.concatenate([held for _, held in splits])) == list(range(len(labels)))
    for train, held in splits:
        assert set(speaker_n[train]).isdisjoint(speaker_n[held])
        assert set(truth_n[train]) == set(FOUR)


def test_the_inner_score_is_not_fooled_by_speakers_that_give_the_label_away() -> None:
    """Each speaker has an own habit and the features name the speaker alone."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(8), 20)
    features_nd = np.eye(8)[who] * 5 + rng.normal(0, 0.1, (160, 8))
    labels = [FOUR[w % 4] if rng.random() < 0.9 else FOUR[int(rng.integers(4))] for w in who]
    model = svm.fit(features_nd, labels, [f"s{w}" for w in who], seed=0)
    assert model.choice.inner_ua is not None and model.choice.inner_ua < 0.5


def test_the_temperature_agrees_with_scikit_learn() -> None:
    features_nd, labels, groups = clouds(spread=3.0)
    splits = svm.inner_folds(np.asarray(labels), np.asarray(groups), 0)
    model = svm.fit(features_nd, labels, groups, seed=0)
    second = CalibratedClassifierCV(
        model.pipeline, method="temperature", cv=splits, ensemble=False
    ).fit(features_nd, np.asarray(labels))
    order = [FOUR.index(name) for name in second.classes_]
    ours = svm.predict_probabilities(model, features_nd)[:, order]
    np.testing.assert_allclose(ours, second.predict_proba(features_nd), atol=1e-3)


def test_the_most_probable_class_is_the_decision_where_votes_tie() -> None:
    features_nd, labels, groups = clouds(spread=3.0)
    model = svm.fit(features_nd, labels, groups, seed=0)
    between_nd = clouds(rows=2000, seed=1, spread=3.0)[0]
    said_n = svm.predict_probabilities(model, between_nd).argmax(axis=1)
    assert [FOUR[place] for place in said_n] == model.pipeline.predict(between_nd).tolist()


def test_a_class_that_train_had_not_has_probability_0() -> None:
    features_nd, labels, groups = clouds()
    retained = [i for i, name in enumerate(labels) if name in ("neutral", "sad")]
    model = svm.fit(
        features_nd[retained], [labels[i] for i in retained], [groups[i] for i in retained], seed=0
    )
    probabilities_nk = svm.predict_probabilities(model, features_nd)
    assert (probabilities_nk[:, 1:3] == 0).all()
    np.testing.assert_allclose(probabilities_nk.sum(axis=1), 1)
    output = [FOUR[place] for place in probabilities_nk.argmax(axis=1)]
    assert output == model.pipeline.predict(features_nd).tolist()


def test_no_utterance_has_no_probabilities() -> None:
    """A fold whose speakers are not known has nothing to measure speaker accuracy on."""
    features_nd, labels, groups = clouds()
    model = svm.fit(features_nd, labels, groups, seed=0)
    shape = svm.predict_probabilities(model, np.zeros((0, features_nd.shape[1]))).shape
    assert shape == (0, 4)


def test_one_speaker_gives_the_default_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    features_nd, labels, groups = clouds()
    with caplog.at_level(logging.WARNING):
        model = svm.fit(features_nd, labels, ["s0"] * len(groups), seed=0)
    assert model.choice.inner_ua is None and model.choice.kernel == "poly"
    assert "its default is taken" in caplog.text


def test_bad_training_data_are_refused() -> None:
    features_nd, labels, groups = clouds()
    with pytest.raises(MtlserError, match="120 rows of features, 119 labels"):
        svm.fit(features_nd, labels[1:], groups, seed=0)
    with pytest.raises(MtlserError, match=r"labels \['sad'\]"):
        svm.fit(features_nd, ["sad"] * 120, groups, seed=0)
    with pytest.raises(MtlserError, match=r"shape \(120, 3\)"):
        svm.predict_probabilities(svm.fit(features_nd, labels, groups, 0), features_nd[:, :3])


def test_a_machine_survives_the_disk_without_pickle(tmp_path: Path) -> None:
    features_nd, labels, groups = clouds()
    model = svm.fit(features_nd, labels, groups, seed=0)
    svm.save(model, tmp_path / "model")
    loaded = svm.load(tmp_path / "model")
    assert loaded.choice == model.choice
    np.testing.assert_array_equal(
        svm.predict_probabilities(loaded, features_nd),
        svm.predict_probabilities(model, features_nd),
    )
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["svm.json", "svm.skops"]


def test_a_foreign_or_broken_file_is_refused(tmp_path: Path) -> None:
    features_nd, labels, groups = clouds()
    model = svm.fit(features_nd, labels, groups, seed=0)
    svm.save(model, tmp_path)
    io.dump(FunctionTransformer(os.getenv), tmp_path / "svm.skops")
    with pytest.raises(MtlserError, match=r"holds os\.getenv"):
        svm.load(tmp_path)
    (tmp_path / "svm.skops").write_bytes(b"junk")
    with pytest.raises(MtlserError, match="no such skops file"):
        svm.load(tmp_path)
    with pytest.raises(MtlserError, match="no such file"):
        svm.load(tmp_path / "absent")


def test_emodb_is_told_apart_across_speakers() -> None:
    shared = os.environ.get("MTLSER_SHARED")
    if not shared:
        pytest.skip("MTLSER_SHARED is unset: no EmoDB here")
    codes = {"N": "neutral", "F": "happy", "W": "angry", "T": "sad"}
    folder = Path(shared) / "data" / "emodb" / "wav"
    paths = [path for path in sorted(folder.glob("*.wav")) if path.stem[5] in codes]
    features_nd = np.stack([mel_statistics.features(soundfile.read(path)[0]) for path in paths])
    truth_n: NDArray[Any] = np.array([codes[path.stem[5]] for path in paths])
    speaker_n = np.array([path.stem[:2] for path in paths])
    seen_n = ~np.isin(speaker_n, ["14", "15"])
    model = svm.fit(features_nd[seen_n], truth_n[seen_n].tolist(), speaker_n[seen_n].tolist(), 0)
    probabilities_nk = svm.predict_probabilities(model, features_nd[~seen_n])
    said_n = np.array(FOUR)[probabilities_nk.argmax(axis=1)]
    assert np.mean(said_n == truth_n[~seen_n]) > 0.7


def test_features_of_a_long_clip_are_computed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    wav_n = np.random.default_rng(0).standard_normal(3 * 16_000 + 77) * 0.1
    whole = mel_statistics.features(wav_n)
    real = mel_statistics._pieces
    monkeypatch.setattr(mel_statistics, "PIECE", 70)
    pieces = list(real(torch.from_numpy(wav_n)))
    sizes = [(len(piece) - mel_statistics.FFT) // mel_statistics.HOP + 1 for piece in pieces]
    assert sizes == [70, 70, 70, 70, 18]
    np.testing.assert_allclose(mel_statistics.features(wav_n), whole, rtol=1e-5, atol=1e-5)
