"""What a file states of its length against what is decoded, for every container of libsndfile."""

import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import audio
from mtlser.data.audio import AudioError, Clip
from mtlser.data.lengths import READERS, mp3
from mtlser.records import SAMPLE_RATE_HZ

SAMPLES = 6_000
KINDS = (
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "MS_ADPCM"),
    ("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"),
    ("AIFF", "FLOAT"), ("AIFF", "ULAW"), ("AU", "PCM_16"), ("AU", "ULAW"), ("CAF", "PCM_16"),
    ("CAF", "ALAC_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"), ("SVX", "PCM_16"), ("NIST", "PCM_16"), ("HTK", "PCM_16"),
    ("SDS", "PCM_16"), ("VOC", "PCM_16"), ("AVR", "PCM_16"), ("MPC2K", "PCM_16"),
    ("MAT4", "DOUBLE"), ("MAT5", "DOUBLE"), ("PAF", "PCM_16"), ("PVF", "PCM_16"),
    ("IRCAM", "PCM_16"),
)  # fmt: skip
"""Container and coding; Psion's WVE holds 8 kHz alone and is written below."""
STATE_NONE = {"PAF", "PVF", "IRCAM"}
NOT_READ = {"RAW", "SD2", "XI"}
"""libsndfile needs more than the file, or does not read what it wrote."""
REFUSE_GARBAGE = {"HTK", "OGG"}
"""libsndfile itself takes such a file for another format, or calls it malformed."""

BY_FFMPEG = {"MP4", "MATROSKA", "ASF", "AVI", "APE", "TTA", "WV"}
"""Containers of the second reader, see test_audio_formats.py."""
READ_GARBAGE = {"PAF", "PVF", "IRCAM", "VOC"}
"""The file states no length, or an end that libsndfile does not look for."""


@cache
def content(container: str, subtype: str, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """A whole file of speech-like noise over a tone."""
    rng = np.random.default_rng(0)
    wav_n = 0.3 * np.sin(0.05 * np.arange(SAMPLES)) + 0.05 * rng.standard_normal(SAMPLES)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        soundfile.write(path, wav_n, rate_hz, format=container, subtype=subtype)
        return path.read_bytes()


def decode(written: bytes, name: str = "a") -> Clip:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(written)
        return audio.decode(path)


def refusal(written: bytes) -> str:
    with pytest.raises(AudioError) as refused:
        decode(written)
    assert refused.value.fault == "unreadable"
    return refused.value.detail


@cache
def whole(container: str, subtype: str) -> Clip:
    return decode(content(container, subtype))


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_a_whole_file_is_whole(container: str, subtype: str) -> None:
    clip = whole(container, subtype)
    assert len(clip.samples_n) >= SAMPLES
    assert clip.length_known is (container not in STATE_NONE)


def test_every_container_that_libsndfile_writes_is_tried() -> None:
    tried = {container for container, _ in KINDS}
    assert set(soundfile.available_formats()) - NOT_READ == tried | {"WVE"}
    assert set(READERS) - BY_FFMPEG == (tried | {"WVE"}) - STATE_NONE


@given(st.sampled_from(KINDS), st.floats(0.001, 1, exclude_max=True), st.booleans())
@settings(max_examples=150)
def test_a_file_that_was_cut_is_never_a_shorter_clip(
    kind: tuple[str, str], share: float, near: bool
) -> None:
    written = content(*kind)
    kept = len(written) - 1 - int(20 * share) if near else int(len(written) * share)
    try:
        clip = decode(written[: max(kept, 1)])
    except AudioError:
        return
    length = min(SAMPLES, len(clip.samples_n))
    same = np.array_equal(clip.samples_n[:length], whole(*kind).samples_n[:length])
    assert (length == SAMPLES and same) or not clip.length_known


@given(st.sampled_from(KINDS), st.binary(max_size=600))
@settings(max_examples=60)
def test_garbage_at_the_end_is_no_fault(kind: tuple[str, str], garbage: bytes) -> None:
    if kind[0] in READ_GARBAGE:
        return
    try:
        clip = decode(content(*kind) + garbage)
    except AudioError:
        assert kind[0] in REFUSE_GARBAGE
        return
    np.testing.assert_array_equal(clip.samples_n, whole(*kind).samples_n)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "ULAW"])
def test_half_an_aiff_says_how_long_it_should_be(subtype: str) -> None:
    written = content("AIFF", subtype)
    assert "cut short: the header states 0.37" in refusal(written[: 1_000 + len(written) // 4 * 2])


def test_a_psion_file_is_compared_too() -> None:
    written = content("WVE", "ALAW", 8_000)
    assert decode(written).length_known
    assert "the header states 0.75 s" in refusal(written[:-500])


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_F000, 0x7F00_0000])
def test_a_wav_written_to_a_pipe_has_a_length_unknown(size: int) -> None:
    written = bytearray(content("WAV", "PCM_16"))
    written[40:44] = size.to_bytes(4, "little")
    clip = decode(bytes(written))
    assert len(clip.samples_n) == SAMPLES and not clip.length_known


def test_a_flac_written_to_a_pipe_is_read_to_its_end() -> None:
    written = bytearray(content("FLAC", "PCM_16"))
    written[21] &= 0xF0
    written[22:26] = bytes(4)
    clip = decode(bytes(written))
    np.testing.assert_array_equal(clip.samples_n, whole("FLAC", "PCM_16").samples_n)
    assert not clip.length_known


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_stream_without_its_last_page(subtype: str) -> None:
    written = content("OGG", subtype)
    assert refusal(written[:-10])
    with pytest.raises(AudioError, match="a second stream follows"):
        decode(written + written)


def test_an_ogg_stream_that_goes_on_has_a_length_unknown() -> None:
    file = io.BytesIO()
    noise_n = 0.1 * np.random.default_rng(0).standard_normal(40 * SAMPLE_RATE_HZ)
    soundfile.write(file, noise_n, SAMPLE_RATE_HZ, format="OGG", subtype="VORBIS")
    written = file.getvalue()
    clip = decode(written[: written.rindex(b"OggS")])
    assert SAMPLE_RATE_HZ < len(clip.samples_n) < len(noise_n)
    assert not clip.length_known


def mpeg(mode: str = "VARIABLE", rate_hz: int = 44_100) -> tuple[bytes, int, int]:
    """A second and a half of MP3, the size of its header's frame, and where that states frames."""
    file = io.BytesIO()
    noise_n = 0.1 * np.random.default_rng(0).standard_normal(rate_hz * 3 // 2)
    noise_n[: rate_hz // 2] *= 0.01
    soundfile.write(file, noise_n, rate_hz, format="MP3", bitrate_mode=mode, compression_level=0.5)
    written = file.getvalue()
    first = mp3.frame_at(written, 0)
    assert first is not None and written[first.tag_at :][:4] in {b"Xing", b"Info"}
    return written, first.size, first.tag_at + 8


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_an_mp3_with_tags_is_whole_and_half_of_it_refused(mode: str, rate_hz: int) -> None:
    written, _, _ = mpeg(mode, rate_hz)
    id3 = b"ID3\4\0\0\0\0\1\0" + bytes(128)
    for tagged in (written, id3 + written, written + b"TAG" + bytes(125)):
        clip = decode(tagged)
        assert len(clip.samples_n) == SAMPLE_RATE_HZ * 3 // 2 and clip.length_known
    for cut in (written[:-1], id3 + written[: len(written) // 2]):
        assert "cut short: the header states 1." in refusal(cut)
    assert "only 5" in refusal(written + written) or "only 4" in refusal(written + written)


def test_an_mp3_without_a_header_of_frames_has_a_length_unknown() -> None:
    written, size, _ = mpeg("CONSTANT")
    for kept in (written[size:], written[size : len(written) // 2]):
        assert not decode(kept).length_known
    written, size, _ = mpeg("VARIABLE")
    assert "of its frames are decoded; convert it" in refusal(written[size:])


@pytest.mark.parametrize(("more", "fine"), [(-1, True), (0, True), (1, True), (2, False)])
def test_an_mp3_header_may_be_off_by_one_frame(more: int, fine: bool) -> None:
    written, _, at = mpeg()
    stated = int.from_bytes(written[at : at + 4], "big")
    changed = bytearray(written)
    changed[at : at + 4] = (stated + more).to_bytes(4, "big")
    if fine:
        assert decode(bytes(changed)).length_known
    else:
        assert "cut short" in refusal(bytes(changed))


def test_a_vbri_header_counts_as_one() -> None:
    written, size, at = mpeg("CONSTANT")
    frames = int.from_bytes(written[at : at + 4], "big")
    first = bytearray(written[:size])
    first[4:] = bytes(size - 4)
    tag = b"VBRI\0\1\0\0\0\0" + len(written).to_bytes(4, "big") + frames.to_bytes(4, "big")
    first[mp3.VBRI_AT : mp3.VBRI_AT + len(tag)] = tag
    vbri = bytes(first) + written[size:]
    assert decode(vbri).length_known
    assert "cut short: the header states" in refusal(vbri[: len(vbri) * 2 // 3])
