"""WAV of every flavour, FLAC, MP3, Ogg and AIFF: the samples that were written."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mtlser.data import audio
from mtlser.data.audio import AudioError, Clip
from mtlser.records import SAMPLE_RATE_HZ

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
GUID = bytes.fromhex("000000001000800000aa00389b71")
SAMPLES_N = np.random.default_rng(0).integers(-12_000, 12_000, 1_601)


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    stated = len(content) if size is None else size
    return name + struct.pack("<I", stated) + content + b"\0" * (len(content) % 2)


def form(tag: int, bits: int, *, channels: int = 1, extensible: bool = False) -> bytes:
    width = bits // 8 * channels
    fields = (channels, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * width, width, bits)
    if not extensible:
        return chunk(b"fmt ", struct.pack("<HHIIHH", tag, *fields))
    more = struct.pack("<HHIH", 22, bits, 0, tag) + GUID
    return chunk(b"fmt ", struct.pack("<HHIIHH", EXTENSIBLE, *fields) + more)


def wav(*chunks: bytes, size: int | None = None) -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content) if size is None else size) + content


def coded(bits: int, kind: str = "int") -> tuple[bytes, NDArray[Any]]:
    """Samples of a width, and what they are of 16 bits."""
    full = SAMPLES_N / 32_768
    if kind == "float":
        return full.astype(f"<f{bits // 8}").tobytes(), SAMPLES_N * 1.0
    if bits == 8:
        stored = np.rint(full * 128).astype(np.int16)
        return (stored + 128).astype(np.uint8).tobytes(), np.asarray(stored * 256, np.float64)
    if bits == 24:
        stored = SAMPLES_N.astype(np.int32) << 8
        return stored.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes(), SAMPLES_N * 1.0
    return (SAMPLES_N << (bits - 16)).astype(f"<i{bits // 8}").tobytes(), SAMPLES_N * 1.0


def decode(path: Path, content: bytes) -> Clip:
    path.write_bytes(content)
    return audio.decode(path)


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(
    ("tag", "bits"), [(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)]
)
def test_every_width_plain_and_extensible(
    tmp_path: Path, tag: int, bits: int, extensible: bool
) -> None:
    stored, expected = coded(bits, "float" if tag == FLOAT else "int")
    clip = decode(
        tmp_path / "a.wav", wav(form(tag, bits, extensible=extensible), chunk(b"data", stored))
    )
    np.testing.assert_array_equal(clip.samples_n, expected)
    assert clip.length_known


@pytest.mark.parametrize(("tag", "subtype"), [(MULAW, "ULAW"), (ALAW, "ALAW")])
@pytest.mark.parametrize("extensible", [False, True])
def test_telephone_codings(tmp_path: Path, tag: int, subtype: str, extensible: bool) -> None:
    raw = io.BytesIO()
    soundfile.write(raw, SAMPLES_N / 32_768, SAMPLE_RATE_HZ, subtype, format="RAW")
    clip = decode(
        tmp_path / "a.wav", wav(form(tag, 8, extensible=extensible), chunk(b"data", raw.getvalue()))
    )
    error_n = clip.samples_n - SAMPLES_N
    assert len(clip.samples_n) == len(SAMPLES_N)
    assert np.abs(error_n).max() <= 512 and np.abs(error_n).mean() < 130


ODD = chunk(b"LIST", b"INFOICMT\3\0\0\0abc\0") + chunk(b"odd ", b"abc") + chunk(b"JUNK", b"")
STORED = coded(16)[0]
DATA = chunk(b"data", STORED)
LAYOUTS = {
    "chunks of an odd size before the form": wav(ODD, form(PCM, 16), DATA),
    "chunks of an odd size before the samples": wav(form(PCM, 16), ODD, DATA),
    "chunks after the samples": wav(form(PCM, 16), DATA, ODD),
    "bytes after the last chunk": wav(form(PCM, 16), DATA) + b"more bytes, no chunk" * 30,
    "a broadcast extension": wav(chunk(b"bext", bytes(602)), form(PCM, 16), DATA),
    "a size of the file that is too small": wav(form(PCM, 16), DATA, size=36),
    "a size of the file that is too large": wav(form(PCM, 16), DATA, size=1 << 30),
    "a size of the file that is 0": wav(form(PCM, 16), DATA, size=0),
}
ENDLESS = {
    "all ones": wav(form(PCM, 16), chunk(b"data", STORED, 0xFFFF_FFFF), size=0xFFFF_FFFF),
    "a pipe's": wav(form(PCM, 16), chunk(b"data", STORED, 0x7FFF_FFFF), size=0x7FFF_FFFF),
    "zero": wav(form(PCM, 16), chunk(b"data", STORED, 0), size=36),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_chunks_around_the_samples_are_no_samples(tmp_path: Path, name: str) -> None:
    clip = decode(tmp_path / "a.wav", LAYOUTS[name])
    np.testing.assert_array_equal(clip.samples_n, SAMPLES_N)
    assert clip.length_known


@pytest.mark.parametrize("name", ENDLESS)
def test_a_size_that_means_nothing(tmp_path: Path, name: str) -> None:
    clip = decode(tmp_path / "a.wav", ENDLESS[name])
    np.testing.assert_array_equal(clip.samples_n, SAMPLES_N)
    assert not clip.length_known


@pytest.mark.parametrize("more", [b"", ODD, chunk(b"LIST", b"INFOICMT")])
def test_no_samples_and_other_chunks_are_no_sound(tmp_path: Path, more: bytes) -> None:
    with pytest.raises(AudioError) as refused:
        decode(tmp_path / "a.wav", wav(form(PCM, 16), chunk(b"data", b""), more))
    assert refused.value.fault == "empty"


def test_a_size_above_what_is_there_is_a_cut(tmp_path: Path) -> None:
    content = wav(form(PCM, 16), chunk(b"data", STORED, 2 * len(STORED)))
    with pytest.raises(AudioError, match=r"cut short: the header states 0\.200"):
        decode(tmp_path / "a.wav", content)


@pytest.mark.parametrize("mark", [b"RF64", b"BW64"])
def test_a_wav_with_wide_sizes(tmp_path: Path, mark: bytes) -> None:
    wide = chunk(b"ds64", struct.pack("<QQQI", 0, len(STORED), len(SAMPLES_N), 0))
    content = wav(wide, form(PCM, 16), chunk(b"data", STORED, 0xFFFF_FFFF))
    clip = decode(tmp_path / "a.wav", mark + b"\xff" * 4 + content[8:] + b"trailing")
    np.testing.assert_array_equal(clip.samples_n, SAMPLES_N)
    assert clip.length_known


def test_a_big_endian_wav(tmp_path: Path) -> None:
    content = wav(form(PCM, 16), DATA)
    big = bytearray(b"RIFX" + content[4:])
    for at, size in ((4, 4), (16, 4), (20, 2), (22, 2), (24, 4), (28, 4), (32, 2), (34, 2),
                     (40, 4)):  # fmt: skip
        big[at : at + size] = big[at : at + size][::-1]
    big[44:] = SAMPLES_N.astype(">i2").tobytes()
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", bytes(big)).samples_n, SAMPLES_N)


def test_a_w64_written_to_a_pipe_has_a_length_unknown(tmp_path: Path) -> None:
    file = io.BytesIO()
    soundfile.write(file, SAMPLES_N.astype(np.int16), SAMPLE_RATE_HZ, format="W64")
    content = bytearray(file.getvalue())
    at = content.index(b"data") + 16
    content[at : at + 8] = b"\xff" * 7 + b"\x7f"
    clip = decode(tmp_path / "a.w64", bytes(content))
    np.testing.assert_array_equal(clip.samples_n[: len(SAMPLES_N)], SAMPLES_N)
    assert not clip.length_known


ID3 = b"ID3\4\0\0\0\0\2\0" + bytes(256)


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("tagged", [False, True])
def test_a_flac_of_every_width_with_and_without_a_tag(
    tmp_path: Path, subtype: str, tagged: bool
) -> None:
    file = io.BytesIO()
    samples_n = SAMPLES_N // 256 * 256 if subtype == "PCM_S8" else SAMPLES_N
    soundfile.write(file, samples_n / 32_768, SAMPLE_RATE_HZ, subtype, format="FLAC")
    clip = decode(tmp_path / "a.flac", (ID3 if tagged else b"") + file.getvalue())
    np.testing.assert_array_equal(clip.samples_n, samples_n)
    assert clip.length_known


@pytest.mark.parametrize(
    ("subtype", "endian"),
    [("PCM_S8", "FILE"), ("PCM_16", "BIG"), ("PCM_16", "LITTLE"), ("PCM_24", "FILE"),
     ("PCM_32", "FILE"), ("FLOAT", "FILE"), ("DOUBLE", "FILE")],
)  # fmt: skip
def test_an_aiff_of_every_width(tmp_path: Path, subtype: str, endian: str) -> None:
    samples_n = SAMPLES_N[:-1] // 256 * 256 if subtype == "PCM_S8" else SAMPLES_N
    path = tmp_path / "a.aiff"
    soundfile.write(path, samples_n / 32_768, SAMPLE_RATE_HZ, subtype, endian, "AIFF")
    clip = decode(path, path.read_bytes() + b"more")
    np.testing.assert_array_equal(clip.samples_n, samples_n)


@pytest.mark.parametrize(("container", "subtype"), [("MP3", None), ("OGG", "VORBIS"),
                                                    ("OGG", "OPUS")])  # fmt: skip
def test_lossy_codings_with_tags_have_the_sound_at_its_place(
    tmp_path: Path, container: str, subtype: str | None
) -> None:
    time_n = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone_n = 0.3 * np.sin(2 * np.pi * (200 * time_n + 300 * time_n**2))
    file = io.BytesIO()
    soundfile.write(file, tone_n, SAMPLE_RATE_HZ, subtype, format=container)
    content = file.getvalue()
    if container == "MP3":
        content = ID3 + content + b"TAG" + bytes(125)
    clip = decode(tmp_path / "a", content)
    assert len(clip.samples_n) == len(tone_n)
    inside = slice(800, -800)
    assert np.abs(clip.samples_n / 32_768 - tone_n)[inside].max() < 0.03
