"""Files whose names are not UTF-8 are read, shown and counted."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtlser.data import audio
from mtlser.data.corpora import base
from mtlser.recipes import names
from tests.helpers.corpus_releases import read


def tone(path: Path) -> Path:
    """A second of a tone; libsndfile gets the bytes of its name."""
    wav_n = np.sin(np.arange(16_000) / 20).astype(np.float32) / 2
    with Path(os.fsencode(path).decode("utf-8", "surrogateescape")).open("wb") as file:
        soundfile.write(file, wav_n, 16_000, format="WAV", subtype="PCM_16")
    return path


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """A folder that is not UTF-8, where the file system has such names."""
    folder = tmp_path / "caf\udce9"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    return folder


def test_audio_is_read_whatever_its_name(latin: Path, tmp_path: Path) -> None:
    one, other = audio.decode(tone(latin / "b\udce4r.wav")), audio.decode(tone(tmp_path / "a.wav"))
    assert one.sha256 == other.sha256


def test_a_fault_shows_the_name_in_text_that_can_be_written(latin: Path) -> None:
    (latin / "b\udce4r.wav").write_bytes(b"no audio")
    with pytest.raises(audio.AudioError) as told:
        audio.decode(latin / "b\udce4r.wav")
    assert r"caf\xe9/b\xe4r.wav: unreadable" in str(told.value)
    str(told.value).encode()


def test_a_name_that_is_not_utf8_is_why_a_file_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "wav"
    folder.mkdir()
    tone(folder / "03a01Fa.wav")
    try:
        tone(folder / "03a01F\udce9.wav")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    left_out = {item.id: item.left_out for item in read("emodb", tmp_path)}
    assert left_out == {"03a01Fa": None, r"03a01F\xe9": base.NOT_UTF8}
    for name in left_out:
        name.encode()


def test_a_lone_surrogate_is_shown_too() -> None:
    assert names.shown("a\ud800") == r"a\ud800"
