"""M4A, MP4, WebM, WMA, AMR, 3GP and others, which libsndfile does not read."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import audio
from mtlser.data.audio import AudioError, Clip
from mtlser.data.corpora import base
from mtlser.data.decoding import ffmpeg
from tests.helpers import encoded

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
KINDS: dict[str, dict[str, Any]] = {
    "a.m4a": {"codec": "aac", "container": "ipod", "rate_hz": 44_100},
    "a.mp4": {"codec": "aac", "container": "mp4", "rate_hz": 16_000},
    "front.mp4": {
        "codec": "aac", "container": "mp4", "rate_hz": 48_000, "options": {"movflags": "faststart"},
    },
    "alac.m4a": {"codec": "alac", "container": "ipod", "rate_hz": 44_100},
    "opus.mp4": {"codec": "libopus", "container": "mp4", "rate_hz": 48_000},
    "a.webm": {"codec": "libopus", "container": "webm", "rate_hz": 48_000},
    "a.mka": {"codec": "aac", "container": "matroska", "rate_hz": 44_100},
    "a.wma": {"codec": "wmav2", "container": "asf", "rate_hz": 44_100, "bit_rate": 96_000},
    "a.3gp": {"codec": "libopencore_amrnb", "container": "3gp", "rate_hz": 8_000,
              "bit_rate": 12_200},
    "a.mov": {"codec": "pcm_s16le", "container": "mov", "rate_hz": 22_050},
    "a.avi": {"codec": "mp2", "container": "avi", "rate_hz": 44_100},
    "a.tta": {"codec": "tta", "container": "tta", "rate_hz": 44_100, "coding": "s16"},
    "a.wv": {"codec": "wavpack", "container": "wv", "rate_hz": 44_100, "coding": "s16p"},
    "mp2.wav": {"codec": "mp2", "container": "wav", "rate_hz": 44_100},
    "live.webm": {"codec": "libopus", "container": "webm", "rate_hz": 48_000, "live": True},
    "live.mp4": {"codec": "aac", "container": "mp4", "rate_hz": 16_000, "live": True,
                 "options": FRAGMENTS},
    "a.aac": {"codec": "aac", "container": "adts", "rate_hz": 44_100},
    "a.amr": {"codec": "libopencore_amrnb", "container": "amr", "rate_hz": 8_000,
              "bit_rate": 12_200},
    "a.ac3": {"codec": "ac3", "container": "ac3", "rate_hz": 48_000},
    "a.flv": {"codec": "aac", "container": "flv", "rate_hz": 44_100},
    "a.ts": {"codec": "aac", "container": "mpegts", "rate_hz": 44_100},
}  # fmt: skip
STATE_NONE = {"live.webm", "live.mp4", "a.aac", "a.amr", "a.ac3", "a.flv", "a.ts"}
NOT_TRIMMED = {"live.mp4", "a.aac", "a.flv", "a.ts"}
"""Containers that do not say how much the encoder put before the sound."""
CUT_IN_FRAMES = STATE_NONE | {"a.tta"}
SECONDS = 1.51


def chirp(rate_hz: int) -> np.ndarray:
    time_n = np.arange(round(SECONDS * rate_hz)) / rate_hz
    return 0.3 * np.sin(2 * np.pi * (200 * time_n + 300 * time_n**2))


@cache
def content(name: str) -> bytes:
    with TemporaryDirectory() as folder:
        rate_hz = KINDS[name]["rate_hz"]
        return encoded.write(Path(folder) / name, chirp(rate_hz), **KINDS[name]).read_bytes()


def decode(written: bytes, name: str = "a") -> Clip:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(written)
        return audio.decode(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_has_its_length_and_its_sound(name: str) -> None:
    with pytest.raises(soundfile.LibsndfileError), TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(content(name))
        soundfile.read(path)
    clip = decode(content(name))
    assert clip.facts is not None and clip.facts.rate_hz == KINDS[name]["rate_hz"]
    assert clip.length_known is (name not in STATE_NONE)
    frame_s = 0.13 if name in NOT_TRIMMED else 2_048 / KINDS[name]["rate_hz"]
    shorter_s = 2_048 / 44_100 if name == "a.wma" else 0.001
    assert -shorter_s <= clip.duration_s - SECONDS <= frame_s
    expected_n = chirp(16_000)
    found_n = clip.samples_n[: len(expected_n)] / 32_768
    lag = int(np.argmax(np.correlate(found_n, expected_n[2_000:-2_000], "valid"))) - 2_000
    frame = 1_100 if name in {*NOT_TRIMMED, "a.wma"} else 260  # MP2, AMR: not stated either
    assert abs(lag) <= frame
    assert clip.level_dbfs == pytest.approx(-13.5, abs=2)


@pytest.mark.parametrize("name", ["a.m4a", "a.mp4", "front.mp4", "opus.mp4", "a.webm", "a.mka"])
def test_what_the_encoder_put_in_front_and_behind_is_left_out(name: str) -> None:
    clip = decode(content(name))
    found_n = clip.samples_n / 32_768
    assert name == "a.mka" or clip.duration_s == pytest.approx(SECONDS, abs=0.0015)
    expected_n = chirp(16_000)
    lag = int(np.argmax(np.correlate(found_n, expected_n[2_000:-2_000], "valid"))) - 2_000
    assert abs(lag) <= 1


@pytest.mark.parametrize("name", ["alac.m4a", "a.wv", "a.tta", "a.mov"])
def test_what_keeps_every_sample_has_the_samples_of_a_wav(name: str, tmp_path: Path) -> None:
    rate_hz = KINDS[name]["rate_hz"]
    wav_n = np.rint(chirp(rate_hz) * 32_767) / 32_768
    soundfile.write(tmp_path / "a.wav", wav_n, rate_hz, "PCM_16")
    path = encoded.write(tmp_path / name, wav_n, **KINDS[name])
    found_n, expected_n = (audio.decode(each).samples_n for each in (path, tmp_path / "a.wav"))
    np.testing.assert_allclose(found_n, expected_n, atol=1)


@given(st.sampled_from(sorted(KINDS)), st.floats(0.001, 1, exclude_max=True), st.booleans())
@settings(max_examples=60)
def test_a_file_that_was_cut_is_never_a_shorter_clip(name: str, share: float, near: bool) -> None:
    written = content(name)
    kept = len(written) - 1 - int(20 * share) if near else int(len(written) * share)
    try:
        clip = decode(written[: max(kept, 1)])
    except AudioError as error:
        assert error.fault in {"unreadable", "empty"}
        return
    assert not clip.length_known or clip.duration_s >= SECONDS - 0.03


@given(st.sampled_from(sorted(KINDS)), st.binary(min_size=1, max_size=600))
@settings(max_examples=60)
def test_bytes_after_the_end_are_no_sound_and_no_fault(name: str, garbage: bytes) -> None:
    try:
        clip = decode(content(name) + garbage)
    except AudioError as error:
        assert name in STATE_NONE, error
        return
    expected_n = decode(content(name)).samples_n
    np.testing.assert_array_equal(clip.samples_n[: len(expected_n)], expected_n)
    assert name in STATE_NONE or len(clip.samples_n) == len(expected_n)


@pytest.mark.parametrize("name", sorted(set(KINDS) - STATE_NONE - {"a.tta", "a.wv"}))
def test_half_a_file_says_that_it_was_cut(name: str) -> None:
    written = content(name)
    with pytest.raises(AudioError, match="unreadable: cut short") as refused:
        decode(written[: len(written) // 2])
    assert refused.value.fault == "unreadable"


@pytest.mark.parametrize("name", ["a.webm", "a.mka", "front.mp4", "a.wma", "a.avi"])
def test_the_last_byte_is_missed_where_a_header_counts_them(name: str) -> None:
    with pytest.raises(AudioError, match="cut short"):
        decode(content(name)[:-1])


def test_a_duration_that_a_program_added_to_a_live_recording_is_compared() -> None:
    written = bytearray(content("a.webm"))
    at = written.index(b"\x18\x53\x80\x67")
    assert written[at + 4] == 1
    written[at + 5 : at + 12] = b"\xff" * 7  # the segment's size is not known
    assert decode(bytes(written)).length_known
    with pytest.raises(AudioError, match=r"the header states 1\.5"):
        decode(bytes(written[: len(written) // 2]))


def test_a_video_gives_its_first_stream_of_sound(tmp_path: Path) -> None:
    path = tmp_path / "film.MP4"
    video(path, sounds=(0.3, 0.1))
    clip = audio.decode(path)
    assert clip.length_known and clip.duration_s == pytest.approx(1.0, abs=0.05)
    assert clip.level_dbfs == pytest.approx(-13.5, abs=0.5)


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    video(tmp_path / "film.mp4")
    with pytest.raises(AudioError, match="unreadable: no stream of sound in it"):
        audio.decode(tmp_path / "film.mp4")


def video(path: Path, sounds: tuple[float, ...] = ()) -> None:
    """A second of grey, with a tone of each peak."""
    with av.open(str(path), "w", format="mp4") as file:
        picture = file.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        streams = [file.add_stream("aac", rate=16_000, layout="mono") for _ in sounds]
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((96, 64), 128, np.uint8), "yuv420p")
            frame.pts = index
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        for peak, stream in zip(sounds, streams, strict=True):
            tone_n = peak * np.sin(np.arange(16_384) / 20).astype(np.float32)
            for start in range(0, 16_384, 1_024):
                sound = av.AudioFrame.from_ndarray(
                    tone_n[None, start : start + 1_024], "fltp", "mono"
                )
                sound.sample_rate, sound.pts = 16_000, start
                file.mux(stream.encode(sound))
            file.mux(stream.encode(None))


def test_channels_of_a_second_reader_file_are_told_apart(tmp_path: Path) -> None:
    wav = np.stack([0.5 * chirp(44_100), np.zeros(round(SECONDS * 44_100))], axis=1)
    path = encoded.write(tmp_path / "a.m4a", wav, **KINDS["a.m4a"])
    clip = audio.decode(path, channels="loudest")
    assert clip.level_dbfs - audio.decode(path).level_dbfs == pytest.approx(6.02, abs=0.1)


@pytest.mark.parametrize("content_", [b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
                                      b"ffconcat version 1.0\nfile /etc/passwd\n"])  # fmt: skip
def test_a_list_of_other_files_is_no_audio(tmp_path: Path, content_: bytes) -> None:
    for name in ("a.m3u8", "a.mp4", "a.wav"):
        (tmp_path / name).write_bytes(content_ * 40)
        with pytest.raises(AudioError) as refused:
            audio.decode(tmp_path / name)
        assert refused.value.fault == "unreadable"


def test_ffmpeg_may_open_what_is_listed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    given_options: dict[str, str] = {}
    real = av.open

    def spied(*arguments: Any, **named: Any) -> Any:
        given_options.update(named["options"])
        return real(*arguments, **named)

    monkeypatch.setattr(av, "open", spied)
    decode(content("a.m4a"))
    decoders = given_options["codec_whitelist"].split(",")
    known = [each for each in decoders if each in av.codecs_available]
    assert len(known) > 40
    assert {av.Codec(each, "r").type for each in known} == {"audio"}
    containers = set(given_options["format_whitelist"].split(","))
    assert containers >= {"mov", "matroska", "asf"}
    assert not containers & {"hls", "concat", "dash", "image2", "sdp", "rtsp", "lavfi", "data"}
    assert given_options["protocol_whitelist"] == "none"


def test_what_libsndfile_reads_is_not_given_to_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "read", lambda path: pytest.fail(str(path)))
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"):
        soundfile.write(tmp_path / name, chirp(16_000), 16_000)
        assert audio.decode(tmp_path / name).duration_s == pytest.approx(SECONDS, abs=0.001)


@pytest.mark.parametrize("name", ["A B.M4A", "ünï çødé.m4a", "語.M4a", "%03d.m4a", "concat:a.m4a"])
def test_a_name_is_never_more_than_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(content("a.m4a"))
    assert audio.decode(tmp_path / name).sha256 == decode(content("a.m4a")).sha256


def test_links_are_followed_and_broken_or_circular_ones_refused(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(content("a.m4a"))
    soundfile.write(tmp_path / "a.wav", chirp(16_000), 16_000)
    for name in ("a.m4a", "a.wav"):
        (tmp_path / f"to {name}").symlink_to(name)
        one, other = audio.decode(tmp_path / f"to {name}"), audio.decode(tmp_path / name)
        assert one.sha256 == other.sha256
    (tmp_path / "gone.wav").symlink_to("nowhere.wav")
    (tmp_path / "round.wav").symlink_to("round.wav")
    for name in ("gone.wav", "round.wav"):
        with pytest.raises(AudioError, match="unreadable") as refused:
            audio.decode(tmp_path / name)
        assert refused.value.fault == "unreadable"


def test_every_ending_of_a_kind_that_is_tried_is_listed() -> None:
    endings = {Path(name).suffix for name in KINDS}
    assert endings <= set(base.AUDIO_SUFFIXES)
    assert set(base.SUFFIXES) < set(base.AUDIO_SUFFIXES)
    assert all(ending == ending.lower() for ending in base.AUDIO_SUFFIXES)
