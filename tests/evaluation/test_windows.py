"""Audio of any length: pieces of a bounded length, joined so that nothing is lost or doubled."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlser.evaluation import predictor
from mtlser.evaluation.predictor import Part, predict_wavs
from mtlser.evaluation.windows import OVERLAP_S, STEP, Window, joined, weighted_mean, windows
from mtlser.models.bundle import TrainedModel
from mtlser.records import SAMPLE_RATE_HZ
from tests.evaluation.test_predictor import model
from tests.helpers.networks import clips

WINDOW_S = 1.0


def short_window(folder: Path, family: str = "wav2vec2") -> TrainedModel:
    trained = model(folder, family, "layer")
    trained.network.encoder.window_s = WINDOW_S
    return trained


def seconds_given(trained: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Fills with the seconds of audio of each batch that the encoder gets from now on."""
    batches: list[float] = []
    encoder: Any = trained.network.encoder
    real = encoder.local_rows

    def local_rows(wavs: list[Any]) -> Any:
        batches.append(sum(len(wav) for wav in wavs) / SAMPLE_RATE_HZ)
        return real(wavs)

    monkeypatch.setattr(encoder, "local_rows", local_rows)
    return batches


@given(st.integers(1, 40_000_000), st.sampled_from([2.0, 30.0, 60.0]))
def test_pieces_fit_the_window_and_their_parts_fill_the_clip_once(
    samples: int, longest_s: float
) -> None:
    pieces = windows(samples, longest_s)
    assert pieces[0].part_start == pieces[0].start == 0
    assert pieces[-1].part_stop == pieces[-1].stop == samples
    assert all(one.part_stop == two.part_start for one, two in pairwise(pieces))
    assert all(each.seconds <= longest_s for each in pieces)
    assert all(each.start <= each.part_start < each.part_stop <= each.stop for each in pieces)
    assert all(edge % STEP == 0 for each in pieces for edge in (each.start, each.part_start))
    assert (len(pieces) == 1) == (samples <= longest_s * SAMPLE_RATE_HZ)
    lengths = [each.stop - each.start for each in pieces]
    assert max(lengths) - min(lengths) <= 2 * STEP
    overlap = min(OVERLAP_S, longest_s / 4) * SAMPLE_RATE_HZ
    assert sum(lengths) <= samples + overlap * (len(pieces) - 1)


@given(st.integers(1, 3_000_000), st.sampled_from([2.0, 30.0, 60.0]))
def test_joined_frames_are_those_of_the_whole_clip(samples: int, longest_s: float) -> None:
    def frames_of(count: int) -> int:
        return max(0, (count - 400) // 320 + 1)

    pieces = windows(samples, longest_s)
    lines = [
        [piece.start // STEP + frame for frame in range(frames_of(piece.stop - piece.start))]
        for piece in pieces
    ]
    assert joined(lines, pieces, frames_of) == list(range(frames_of(samples)))


def test_probabilities_are_weighted_by_what_each_piece_adds() -> None:
    rows = [np.array([0.9, 0.1]), np.array([0.3, 0.7]), np.array([0.3, 0.7])]
    pieces = [Window(0, 60, 0, 50), Window(40, 90, 50, 75), Window(60, 100, 75, 100)]
    assert weighted_mean(rows, pieces).tolist() == pytest.approx([0.6, 0.4])
    assert weighted_mean(rows[:1], pieces[:1]) is rows[0]


@pytest.mark.parametrize("family", ["wav2vec2", "whisper"])
def test_a_long_clip_is_the_join_of_its_pieces(tmp_path: Path, family: str) -> None:
    trained = short_window(tmp_path, family)
    (long,) = clips(2.6)
    pieces = windows(len(long), WINDOW_S)
    assert len(pieces) == 4
    alone = predict_wavs(trained, [long[each.start : each.stop] for each in pieces])
    (whole,) = predict_wavs(trained, [long])
    for name, probability in whole.emotion_probabilities.items():
        parts = [
            each.emotion_probabilities[name] * p.part for each, p in zip(alone, pieces, strict=True)
        ]
        assert probability == pytest.approx(sum(parts) / len(long), abs=1e-6)
    assert sum(whole.emotion_probabilities.values()) == pytest.approx(1, abs=1e-9)
    assert whole.speaker in trained.description.speakers


def test_a_clip_as_long_as_the_window_is_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = short_window(tmp_path)
    batches = seconds_given(trained, monkeypatch)
    (wav,) = clips(WINDOW_S)
    (short,) = predict_wavs(trained, [wav])
    trained.network.encoder.window_s = 60.0
    assert predict_wavs(trained, [wav]) == [short]
    assert batches == [WINDOW_S, WINDOW_S]


@pytest.mark.parametrize("minutes", [10, 20])
def test_minutes_are_given_to_the_network_a_window_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    trained = model(tmp_path, "wav2vec2", "layer")
    batches: list[float] = []
    counted: list[int] = []

    def hear(_: TrainedModel, wavs: list[Any]) -> list[Part]:
        batches.append(sum(len(wav) for wav in wavs) / SAMPLE_RATE_HZ)
        return [Part(np.full(4, 0.25), np.full(2, 0.5), [0] * (len(wav) // STEP)) for wav in wavs]

    monkeypatch.setattr(predictor, "_hear", hear)
    lengths_s = (60 * minutes, 1, 61)
    wavs = [np.zeros(seconds * SAMPLE_RATE_HZ, np.float32) for seconds in lengths_s]
    assert len(predict_wavs(trained, wavs, counted.append)) == sum(counted) == 3
    assert max(batches) <= trained.network.encoder.window_s == 60
    assert sum(lengths_s) <= sum(batches) < 1.1 * sum(lengths_s)


@pytest.mark.parametrize("seconds", [30.0, 30.1])
def test_whisper_takes_any_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    trained = model(tmp_path, "whisper", "layer")
    batches = seconds_given(trained, monkeypatch)
    (wav,) = clips(seconds)
    (output,) = predict_wavs(trained, [wav])
    assert output.text is not None
    assert max(batches) <= 40 and trained.network.encoder.window_s == 30
    assert (batches == [pytest.approx(seconds)]) == (seconds <= 30)
