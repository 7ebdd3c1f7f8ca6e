"""Whatever a file holds, it is a clip or an AudioError: soon, and in little memory."""

import io
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mtlser.data import audio
from mtlser.data.audio import AudioError, Span
from tests.data import test_audio_formats, test_lengths
from tests.helpers import encoded
from tests.helpers.hostile_audio import hostile

SLOWEST_S = 20.0
"""Far above what one of them takes, which is milliseconds: a test machine may be busy."""


@cache
def files() -> dict[str, bytes]:
    by_ffmpeg = {name: test_audio_formats.content(name) for name in test_audio_formats.KINDS}
    by_libsndfile = {" ".join(kind): test_lengths.content(*kind) for kind in test_lengths.KINDS}
    return by_ffmpeg | by_libsndfile


def outcome(seed: int) -> str:
    what, written = hostile(seed, files())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(written)
        started = time.monotonic()
        for span in (Span(), Span(0.1, 0.2)):
            try:
                audio.decode(path, start_s=span.start_s, end_s=span.end_s)
            except AudioError as error:
                assert error.fault in {"unreadable", "empty", "silent"}
                str(error).encode()
        assert time.monotonic() - started < SLOWEST_S, what
    return what


@given(st.integers(0, 1 << 32))
@example(852)
@example(6_796)
@example(12_302)
@example(102_966)
@settings(max_examples=150)
def test_a_damaged_file_is_a_clip_or_an_audio_error(seed: int) -> None:
    outcome(seed)


def patched(content: bytes, box: bytes, at: int, field: bytes) -> bytes:
    start = content.index(box) + at
    return content[:start] + field + content[start + len(field) :]


def bombs() -> dict[str, bytes]:
    """Small files whose headers ask for a lot."""
    film, m4a = files()["a.mov"], files()["a.m4a"]
    most, flac = b"\x7f\xff\xff\xff", bytearray(files()["FLAC PCM_16"])
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4  # 2^36 samples
    found = {
        "2^31 samples in an index": patched(film, b"stsz", 12, most),
        "2^31 packets of one byte": patched(
            patched(patched(m4a, b"stsz", 8, b"\0\0\0\1" + most), b"stts", 12, most),
            b"stsc", 16, most,
        ),
        "2^31 times": patched(m4a, b"stts", 8, most),
        "2^31 places": patched(m4a, b"stco", 8, most),
        "2^36 samples": bytes(flac),
        "10^12 samples": files()["NIST PCM_16"].replace(b"-i 6000", b"-i 999999999999"),
        "65,535 channels": patched(files()["WAV PCM_16"], b"fmt ", 10, b"\xff\xff"),
        "10^6 channels": patched(files()["CAF PCM_16"], b"desc", 36, struct.pack(">I", 10**6)),
        "chunks of 2^61 bytes": patched(files()["CAF PCM_16"], b"desc", 4, b"\x1f" + b"\xff" * 7),
    }  # fmt: skip
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros((1 << 20, 8), np.int16), 48_000, format="FLAC")
    return found | {"8 million samples of silence": silence.getvalue()}


READ_ALL = """
import resource, sys
from pathlib import Path
from mtlser.data import audio
import soundfile, scipy.signal, av
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), -1))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        print(path.name, "|", audio.decode(path).duration_s)
    except audio.AudioError as error:
        print(path.name, "|", error.fault, error.detail)
"""


def test_what_a_header_asks_for_is_not_given(tmp_path: Path) -> None:
    """In a process of a gigabyte, since what is too much for it would end this one."""
    for name, content in bombs().items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" | ") for line in done.stdout.splitlines())
    assert said.keys() == bombs().keys()
    assert said["8 million samples of silence"] == "silent no peak over -80 dBFS"


def test_eight_channels_are_refused_by_the_second_reader(tmp_path: Path) -> None:
    """PyAV reads beyond its list of 8 planes, which ends the process."""
    wav = np.random.default_rng(0).uniform(-0.1, 0.1, (8_000, 8))
    path = encoded.write(tmp_path / "a.m4a", wav, 16_000, "aac", "ipod")
    with pytest.raises(AudioError, match="8 channels, allowed are 1 to 7"):
        audio.decode(path)
    soundfile.write(tmp_path / "a.wav", wav, 16_000)
    assert audio.decode(tmp_path / "a.wav", channels="left").duration_s == 0.5
