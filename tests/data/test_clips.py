"""Clips packed into shards: the very samples come back, or one sentence."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlser.data import audio, clips
from mtlser.data.clips import Samples, Writer
from mtlser.errors import MtlserError
from mtlser.records import Utterance
from tests.helpers.utterances import utterance


def noise(seed: int, length: int = 400) -> Samples:
    return np.random.default_rng(seed).integers(-9000, 9000, length).astype(np.int16)


def packed(folder: Path, sounds: list[Samples], most_bytes: int = 1 << 20) -> list[Utterance]:
    writer = Writer(folder, most_bytes)
    for samples_n in sounds:
        writer.add(clips.digest(samples_n), samples_n)
    shards = writer.close()
    names = [clips.digest(samples_n) for samples_n in sounds]
    return [utterance(f"u{i}", audio=shards[sha], audio_sha256=sha) for i, sha in enumerate(names)]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 5000))
def test_what_was_stored_comes_back(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[int], most_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    sounds = [noise(seed, 100 * seed + 1) for seed in seeds]
    utterances = packed(folder, sounds, most_bytes)
    for each, samples_n in zip(utterances, sounds, strict=True):
        np.testing.assert_array_equal(clips.samples(folder, each), samples_n)
        wav_n = clips.load(folder, each)
        assert wav_n.dtype == np.float32
        np.testing.assert_array_equal(wav_n, (samples_n / 32768).astype(np.float32))
        assert clips.holds(folder, each)
    limit = max(most_bytes, *(each.nbytes for each in sounds))
    for shard in (folder / "audio").iterdir():
        assert shard.stat().st_size <= limit + 200 * (len(sounds) + 2)
    stored = sum(p.stat().st_size for p in (folder / "audio").iterdir())
    once = sum(noise(seed, 100 * seed + 1).nbytes for seed in set(seeds))
    assert stored <= once + 400 * (len(set(seeds)) + 2), "duplicate audio is stored once"


def test_the_same_clips_give_the_same_files(tmp_path: Path) -> None:
    sounds = [noise(seed) for seed in range(6)]
    for name in ("a", "b"):
        packed(tmp_path / name, sounds, 2000)
    files = [
        {p.name: p.read_bytes() for p in (tmp_path / name / "audio").iterdir()} for name in "ab"
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 3


def test_the_digest_is_that_of_decoded_audio(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1, 4000), 16_000)
    clip = audio.decode(tmp_path / "a.wav")
    assert clips.digest(clip.samples_n) == clip.sha256
    assert clip.sha256 == hashlib.sha256(clip.samples_n.tobytes()).hexdigest()


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(1, 255), st.booleans())
def test_no_damage_gives_other_samples(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    sounds = [noise(seed, 50) for seed in range(3)]
    utterances = packed(folder, sounds)
    shard = folder / utterances[0].audio
    content = bytearray(shard.read_bytes())
    place %= len(content)
    if cut:
        del content[place:]
    else:
        content[place] ^= change
    shard.write_bytes(content)
    for each, samples_n in zip(utterances, sounds, strict=True):
        try:
            np.testing.assert_array_equal(clips.samples(folder, each), samples_n)
        except MtlserError as error:
            assert "run `mtlser ingest` again" in str(error)
            assert "\n" not in str(error)


def test_a_shard_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    (one,) = packed(tmp_path, [noise(0)])
    (tmp_path / one.audio).unlink()
    assert not clips.holds(tmp_path, one)
    with pytest.raises(MtlserError, match=r"no clip .* run `mtlser ingest` again"):
        clips.load(tmp_path, one)


def test_a_folder_of_recordings_is_read_too(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", noise(0, 4000), 16_000)
    known = audio.decode(tmp_path / "a.flac").sha256
    each = utterance("a", audio="a.flac", audio_sha256=known)
    np.testing.assert_array_equal(clips.load(tmp_path, each), audio.load(tmp_path / "a.flac"))
    assert not clips.holds(tmp_path, each)


def test_whole_shards_are_linked_and_of_others_what_is_wanted(tmp_path: Path) -> None:
    sounds = [noise(seed) for seed in range(6)]  # 800 bytes each, two in a shard
    before = packed(tmp_path / "old", sounds, 1600)
    new = Writer(tmp_path / "new", 1600)
    for place in dict.fromkeys(each.audio for each in before[:5]):
        wanted = {each.audio_sha256 for each in before[:5] if each.audio == place}
        assert new.reuse(tmp_path / "old", place, wanted) == wanted
    new.add(clips.digest(noise(9)), noise(9))
    shards = new.close()
    for each, samples_n in zip(before[:5], sounds[:5], strict=True):
        moved = each.model_copy(update={"audio": shards[each.audio_sha256]})
        np.testing.assert_array_equal(clips.samples(tmp_path / "new", moved), samples_n)
    linked = [shards[each.audio_sha256] for each in before[:4]]
    assert all((tmp_path / "new" / place).stat().st_nlink == 2 for place in linked)
    assert clips.digest(sounds[5]) not in shards
    assert len(set(shards.values())) == 3


def test_a_damaged_clip_is_named_and_not_taken(tmp_path: Path) -> None:
    before = packed(tmp_path / "old", [noise(seed) for seed in range(3)])
    shard = tmp_path / "old" / before[0].audio
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    new = Writer(tmp_path / "new")
    wanted = {each.audio_sha256 for each in before}
    whole = new.reuse(tmp_path / "old", before[0].audio, wanted)
    assert len(whole) == 2
    assert new.close().keys() == whole < wanted
