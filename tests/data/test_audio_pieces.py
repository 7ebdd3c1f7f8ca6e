"""Pieces of long recordings: the very samples of the whole, or a refusal with the numbers."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import audio, audio_file
from mtlser.data.audio import AudioError, Span
from mtlser.data.decoding import pieces
from mtlser.records import SAMPLE_RATE_HZ
from tests.helpers import encoded

SECONDS = 2.0
KINDS = (
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("AIFF", "PCM_16"),
    ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("W64", "PCM_16"), ("RF64", "PCM_16"),
    ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "MS_ADPCM"),
)  # fmt: skip
SOUGHT = {"WAV", "AIFF", "FLAC", "W64", "RF64"}


def speech(rate_hz: int, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return 0.1 * rng.standard_normal((round(SECONDS * rate_hz), channels))


@cache
def content(container: str, subtype: str, rate_hz: int, channels: int = 1) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        wav_nc = speech(rate_hz, channels)
        soundfile.write(path, wav_nc, rate_hz, format=container, subtype=subtype)
        return path.read_bytes()


@given(
    st.sampled_from(KINDS),
    st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
    st.lists(st.integers(1, 19).map(lambda tenths: tenths / 10 + 0.01), min_size=1, max_size=4),
    st.sampled_from(["mix", "left"]),
)
@settings(max_examples=60)
def test_pieces_that_meet_are_the_whole(
    kind: tuple[str, str], rate_hz: int, cuts: list[float], policy: audio.Policy
) -> None:
    channels = 1 if kind[1] == "MS_ADPCM" else 2
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(content(*kind, rate_hz, channels))
        whole_n = audio.decode(path, channels=policy).samples_n
        edges = [None, *sorted({round(cut * rate_hz) / rate_hz for cut in cuts}), None]
        spans = [Span(*pair) for pair in pairwise(edges)]
        clips = list(audio.decode_spans(path, spans, channels=policy))
        one = audio.decode(path, channels=policy, start_s=spans[0].start_s, end_s=spans[0].end_s)
    assert all(isinstance(clip, audio.Clip) for clip in clips)
    joined_n = np.concatenate([clip.samples_n for clip in clips if isinstance(clip, audio.Clip)])
    np.testing.assert_allclose(joined_n, whole_n, atol=1)
    np.testing.assert_array_equal(one.samples_n, joined_n[: len(one.samples_n)])


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_piece_has_the_samples_between_its_bounds(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "a.wav"
    samples_n = np.zeros(2 * rate_hz, np.int16)
    samples_n[rate_hz // 2 : rate_hz] = 8_000 * np.sign(np.sin(np.arange(rate_hz // 2) / 9) + 0.01)
    soundfile.write(path, samples_n, rate_hz)
    clip = audio.decode(path, start_s=0.5, end_s=1.0)
    assert len(clip.samples_n) == 8_000
    if rate_hz == SAMPLE_RATE_HZ:
        np.testing.assert_array_equal(clip.samples_n, samples_n[8_000:16_000])
    with pytest.raises(AudioError) as refused:
        audio.decode(path, start_s=1.1)
    assert refused.value.fault == "silent"


@pytest.mark.parametrize(
    ("start_s", "end_s", "said"),
    [
        (-0.1, 1.0, "from -0.1 to 1 s of a recording of 2 s: it lies beyond the recording"),
        (0.0, 2.06, "from 0 to 2.06 s of a recording of 2 s: it lies beyond the recording"),
        (2.5, None, "from 2.5 to 2 s of a recording of 2 s: it ends before it begins"),
        (1.5, 0.5, "from 1.5 to 0.5 s of a recording of 2 s: it ends before it begins"),
        (0.5, 0.5, "it ends before it begins"),
        (0.5, 0.50001, "there is no sample in it"),
        (2.01, 2.04, "there is no sample in it"),
        (float("nan"), 1.0, "these are no numbers"),
        (0.0, float("inf"), "these are no numbers"),
    ],
)
@pytest.mark.parametrize("container", ["WAV", "OGG"])
def test_a_piece_that_is_not_there_is_refused_with_its_numbers(
    tmp_path: Path, container: str, start_s: float, end_s: float | None, said: str
) -> None:
    subtype = "PCM_16" if container == "WAV" else "VORBIS"
    (tmp_path / "a").write_bytes(content(container, subtype, SAMPLE_RATE_HZ))
    with pytest.raises(AudioError, match=said) as refused:
        audio.decode(tmp_path / "a", start_s=start_s, end_s=end_s)
    assert refused.value.fault == "unreadable"


def test_a_piece_may_end_a_little_after_the_recording(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content("WAV", "PCM_16", SAMPLE_RATE_HZ))
    clip = audio.decode(tmp_path / "a", start_s=1.0, end_s=2.05)
    assert len(clip.samples_n) == SAMPLE_RATE_HZ


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_a_recording_is_decoded_once_or_not_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: str, subtype: str
) -> None:
    (tmp_path / "a").write_bytes(content(container, subtype, SAMPLE_RATE_HZ))
    calls: list[Path] = []
    real = audio_file.read

    def counted(path: Path) -> audio_file.Decoded:
        calls.append(path)
        return real(path)

    monkeypatch.setattr(audio_file, "read", counted)
    spans = [Span(index / 50, (index + 1) / 50) for index in range(90)]
    assert not any(isinstance(c, AudioError) for c in audio.decode_spans(tmp_path / "a", spans))
    assert len(calls) == (0 if container in SOUGHT and subtype != "MS_ADPCM" else 1)


def test_a_fault_of_one_piece_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content("WAV", "PCM_16", SAMPLE_RATE_HZ))
    found = list(audio.decode_spans(tmp_path / "a", [Span(0, 1), Span(3, 4), Span(), Span(1, 2)]))
    assert [type(each) for each in found] == [audio.Clip, AudioError, audio.Clip, audio.Clip]


def test_pieces_of_what_cannot_be_read_are_each_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"no audio" * 100)
    calls: list[Path] = []
    real = pieces.recording

    def counted(path: Path) -> pieces.Recording:
        calls.append(path)
        return real(path)

    monkeypatch.setattr(pieces, "recording", counted)
    found = list(audio.decode_spans(tmp_path / "a", [Span(0, 1), Span(1, 2)]))
    assert [each.fault for each in found if isinstance(each, AudioError)] == ["unreadable"] * 2
    assert len(calls) == 1


def test_pieces_of_a_file_that_was_cut_short_are_refused_where_they_are_not_there(
    tmp_path: Path,
) -> None:
    for container in ("WAV", "AIFF"):
        written = content(container, "PCM_16", SAMPLE_RATE_HZ)
        (tmp_path / "a").write_bytes(written[: len(written) // 2])
        with pytest.raises(AudioError, match="cut short: the header states"):
            audio.decode(tmp_path / "a", start_s=0.1, end_s=0.2)
    written = content("FLAC", "PCM_16", SAMPLE_RATE_HZ)
    (tmp_path / "a").write_bytes(written[: len(written) // 2])
    assert audio.decode(tmp_path / "a", start_s=0.1, end_s=0.2).duration_s == pytest.approx(0.1)
    with pytest.raises(AudioError) as refused:
        audio.decode(tmp_path / "a", start_s=1.5, end_s=1.6)
    assert refused.value.fault == "unreadable"


def test_pieces_of_an_m4a_are_the_whole(tmp_path: Path) -> None:
    path = encoded.write(tmp_path / "a.m4a", speech(44_100), 44_100, "aac", "ipod")
    whole_n = audio.decode(path).samples_n
    spans = [Span(0, 0.7), Span(0.7, 1.3), Span(1.3)]
    found = [each for each in audio.decode_spans(path, spans) if isinstance(each, audio.Clip)]
    np.testing.assert_allclose(np.concatenate([c.samples_n for c in found]), whole_n, atol=1)
