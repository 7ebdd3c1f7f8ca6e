"""Folders of noises: kinds by shape, and what is wrong with a folder in one sentence."""

import logging
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mtlser.data import noise, noise_folders
from mtlser.errors import MtlserError
from mtlser.recipe import NoiseRecipe, load
from tests.helpers.utterances import utterance


def write(path: Path, seconds: float = 0.2, rate_hz: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.parts))
    soundfile.write(path, rng.normal(0, 0.05, int(seconds * rate_hz)), rate_hz, subtype="PCM_16")
    return path


def folder(root: Path, *names: str) -> Path:
    for name in names:
        write(root / name)
    return root


def test_noisex92_is_one_kind_a_file(tmp_path: Path) -> None:
    recordings = noise_folders.find(folder(tmp_path, "babble.wav", "Volvo.WAV", "pink.flac"))
    assert set(recordings.kinds) == {"babble", "volvo", "pink"}
    assert [p.name for p in recordings.of("Volvo")] == ["Volvo.WAV"]


def test_musan_is_its_three_parts_and_what_is_below_them(tmp_path: Path) -> None:
    root = folder(
        tmp_path / "musan",
        "noise/free-sound/noise-free-sound-0000.wav",
        "noise/sound-bible/noise-sound-bible-0000.wav",
        "music/fma/music-fma-0000.wav",
        "speech/librivox/speech-librivox-0000.wav",
        "speech/us-gov/speech-us-gov-0000.wav",
    )
    (root / "noise" / "free-sound" / "ANNOTATIONS").write_text("no audio")
    recordings = noise_folders.find(root)
    assert [len(recordings.of(k)) for k in ("noise", "music", "speech")] == [2, 1, 2]
    assert [p.stem for p in recordings.of("noise/free-sound")] == ["noise-free-sound-0000"]
    assert len(recordings.of("music/fma/music-fma-0000")) == 1
    above = noise_folders.find(tmp_path)
    assert len(above.of("musan/noise")) == 2
    with pytest.raises(MtlserError, match=r"'babble'.* holds music, noise, speech; folders go on"):
        recordings.of("babble")


def test_a_demand_room_is_its_first_channel(tmp_path: Path) -> None:
    rooms = [f"{room}/ch{n:02}.wav" for room in ("DKITCHEN", "NPARK") for n in (1, 2, 16)]
    recordings = noise_folders.find(folder(tmp_path / "DEMAND", *rooms))
    assert [p.relative_to(tmp_path / "DEMAND").as_posix() for p in recordings.of("dkitchen")] == [
        "DKITCHEN/ch01.wav"
    ]
    assert [p.stem for p in recordings.of("npark/ch16")] == ["ch16"]
    above = noise_folders.find(tmp_path)
    assert [p.stem for p in above.of("demand")] == ["ch01", "ch01"]


def test_hidden_files_are_no_noise(tmp_path: Path) -> None:
    folder(tmp_path, "babble.wav", ".cache/old.wav", "__ok/white.wav")
    (tmp_path / "._babble.wav").write_bytes(b"junk")
    assert set(noise_folders.find(tmp_path).kinds) == {"babble", "__ok", "__ok/white"}


def test_what_is_no_recording_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mtlser")
    folder(tmp_path, "babble.wav")
    for name in ("LICENSE", "white.mp3", ".DS_Store"):
        (tmp_path / name).write_bytes(b"")
    noise_folders.find(tmp_path)
    (message,) = caplog.messages
    assert message.endswith("2 of 3 files left out: not a .wav or .flac file (first: LICENSE)")


def test_an_unknown_kind_is_refused_with_those_there_are(tmp_path: Path) -> None:
    recordings = noise_folders.find(folder(tmp_path, "babble.wav", "white.wav"))
    with pytest.raises(MtlserError, match=r"'volvo' \(a car.*NOISEX-92\).*holds babble, white;"):
        recordings.of("volvo")
    with pytest.raises(MtlserError, match="'street' is not in"):
        recordings.of("street")


def test_many_kinds_are_not_all_listed(tmp_path: Path) -> None:
    recordings = noise_folders.find(folder(tmp_path, *(f"k{i:03}.wav" for i in range(40))))
    with pytest.raises(MtlserError, match="and 10 more"):
        recordings.of("volvo")


def test_no_folder_and_nothing_in_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MtlserError, match="no such folder of noises"):
        noise_folders.find(tmp_path / "absent")
    (tmp_path / "readme.txt").write_text("no audio")
    with pytest.raises(MtlserError, match=r"no noise in it; expected .wav or .flac"):
        noise_folders.find(tmp_path)


@pytest.mark.parametrize("twin", ["babble.flac", "Babble.wav", "babble/one.wav"])
def test_two_of_one_name_are_refused(tmp_path: Path, twin: str) -> None:
    with pytest.raises(MtlserError, match="noise 'babble' is both"):
        noise_folders.find(folder(tmp_path, "babble.wav", twin))


@pytest.mark.parametrize(
    ("content", "message"),
    [("silence", "silent"), ("junk", "unreadable"), ("nothing", "empty"), ("header", "empty")],
)
def test_a_noise_that_cannot_be_used_names_its_file(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "babble.wav"
    if content in {"silence", "header"}:
        soundfile.write(path, np.zeros(1600 if content == "silence" else 0), 16_000)
    else:
        path.write_bytes(b"RIFF but no more" if content == "junk" else b"")
    recipe = NoiseRecipe(root=str(tmp_path))
    with pytest.raises(MtlserError, match=rf"noise 'babble': .*babble\.wav is {message}"):
        noise.source(recipe, tmp_path, tmp_path, [utterance("a")], seed=0)


def test_a_short_noise_goes_round_from_a_start_of_the_utterance_s_own(tmp_path: Path) -> None:
    write(tmp_path / "babble.wav", 0.1)
    origin = noise.source(
        NoiseRecipe(root=str(tmp_path)), tmp_path, tmp_path, [utterance("a")], seed=0
    )
    one_n, other_n = (origin.for_utterance(utterance(n), "babble", 4000) for n in "ab")
    assert np.array_equal(one_n[:1600], one_n[1600:3200])
    assert not np.array_equal(one_n, other_n)
    assert np.array_equal(np.sort(one_n[:1600]), np.sort(other_n[:1600]))


def test_a_noise_is_brought_to_16_khz(tmp_path: Path) -> None:
    path = write(tmp_path / "babble.wav", 1.0, 22_050)
    assert noise_folders.load("babble", path).size == 16_000


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("noise.snr_db=[nan]", "noise.snr_db.0 = nan"),
        ("noise.snr_db=[5, inf]", "noise.snr_db.1 = inf"),
        ("noise.snr_db=[-61]", "greater than or equal to -60"),
        ("noise.snr_db=[200]", "less than or equal to 100"),
        ('noise.snr_db=["loud"]', "valid number"),
        ("noise.snr_db=[5, 0, 5.0]", "5, 0, 5 is there twice"),
        ('noise.kinds=["babble", "babble"]', "babble, babble is there twice"),
        ('noise.level="peak"', "'active' or 'rms'"),
    ],
)
def test_a_recipe_refuses_what_cannot_be_mixed(override: str, message: str) -> None:
    with pytest.raises(MtlserError) as refused:
        load("demo", (override,))
    assert message in str(refused.value)


def test_noisex92_itself() -> None:
    shared = os.environ.get("MTLSER_SHARED")
    if not shared:
        pytest.skip("MTLSER_SHARED is unset: no NOISEX-92 here")
    recordings = noise_folders.find(Path(shared) / "data" / "noisex92")
    assert (
        {"babble", "white", "volvo", "factory1"}
        <= set(recordings.kinds)
        <= set(noise_folders.NOISEX92)
    )
    (babble,) = recordings.of("babble")
    assert noise_folders.load("babble", babble).size == pytest.approx(17.7 * 16_000, rel=0.01)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_kind_is_found_however_its_accents_are_written(tmp_path: Path, form: Any) -> None:
    """macOS writes a letter and its accent one after the other."""
    written = unicodedata.normalize(form, "Küche/Lärm.wav")
    recordings = noise_folders.find(folder(tmp_path, written))
    for asked in ("NFC", "NFD"):
        for kind in ("küche", "küche/lärm"):
            (path,) = recordings.of(unicodedata.normalize(asked, kind))
            assert path == tmp_path / written


def test_links_in_a_circle_and_to_nowhere_are_no_noise(tmp_path: Path) -> None:
    folder(tmp_path, "a/one.wav")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "lost.wav").symlink_to(tmp_path / "nowhere.wav")
    (tmp_path / "self.wav").symlink_to(tmp_path / "self.wav")
    assert set(noise_folders.find(tmp_path).kinds) == {"a", "a/one"}
