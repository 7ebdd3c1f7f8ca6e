import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.functional import add_noise

from mtlser.data import audio, noise
from mtlser.errors import MtlserError
from mtlser.recipe import NoiseRecipe
from mtlser.records import Utterance
from tests.helpers.utterances import utterance

seeds = st.integers(0, 1000)


def tone(length: int = 16_000, amplitude: float = 0.1, hz: float = 220.0) -> noise.Wav:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(length) / 16_000)).astype(np.float32)


def hiss(length: int = 16_000, seed: int = 0) -> noise.Wav:
    return np.random.default_rng(seed).normal(0, 0.05, length).astype(np.float32)


def sentence(seed: int = 0) -> noise.Wav:
    """Syllables with pauses between them."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            part
            for _ in range(6)
            for part in (
                tone(int(rng.integers(1000, 5000)), float(rng.uniform(0.05, 0.3))),
                np.zeros(int(rng.integers(500, 6000)), dtype=np.float32),
            )
        ]
    )


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0])
def test_mix_at_rms_agrees_with_torchaudio(snr_db: float) -> None:
    speech_n, noise_n = sentence(), hiss(sentence().size)
    expected_n = add_noise(
        torch.from_numpy(speech_n), torch.from_numpy(noise_n), torch.tensor(snr_db)
    ).numpy()
    mixed_n = noise.mix(speech_n, noise_n, snr_db, "rms")
    assert mixed_n.dtype == np.float32
    np.testing.assert_allclose(mixed_n, expected_n, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.floats(-40, 80), st.floats(0.01, 20), st.sampled_from(["active", "rms"]), seeds)
def test_a_higher_snr_has_less_noise_and_the_same_speech(
    snr_db: float, step_db: float, level: noise.Level, seed: int
) -> None:
    speech_n = sentence(seed).astype(np.float64)
    noise_n = hiss(speech_n.size, seed)
    louder_n = noise.mix(speech_n, noise_n, snr_db, level) - speech_n
    softer_n = noise.mix(speech_n, noise_n, snr_db + step_db, level) - speech_n
    louder, softer = (float(np.mean(x**2)) for x in (louder_n, softer_n))
    assert softer < louder
    assert 10 * np.log10(louder / softer) == pytest.approx(step_db, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-60, 100),
    st.sampled_from(["active", "rms"]),
    seeds,
    st.floats(1e-3, 30),
)
def test_the_snr_is_measured_back(
    snr_db: float, level: noise.Level, seed: int, scale: float
) -> None:
    speech_n = sentence(seed) * np.float32(scale)
    mixed_n = noise.mix(speech_n, hiss(speech_n.size, seed), snr_db, level)
    assert noise.measured_snr_db(speech_n, mixed_n, level) == pytest.approx(snr_db, abs=0.1)


def test_more_snr_is_less_noise_and_nothing_is_clipped() -> None:
    speech_n, noise_n = tone(amplitude=0.9), hiss()
    mixes = [noise.mix(speech_n, noise_n, snr_db) for snr_db in (0, 5, 10, 15, 20)]
    power = [float(np.mean((mixed_n - speech_n) ** 2)) for mixed_n in mixes]
    assert power == sorted(power, reverse=True)
    assert np.abs(mixes[0]).max() > 1
    np.testing.assert_allclose(np.corrcoef(mixes[0] - speech_n, noise_n)[0, 1], 1, atol=1e-6)


def test_the_active_level_leaves_pauses_out() -> None:
    speech_n = tone()
    pause_n = np.zeros(48_000, dtype=np.float32)
    padded_n = np.concatenate([pause_n, speech_n, pause_n])
    alone = noise.speech_level(speech_n)
    assert alone == pytest.approx(0.1 / np.sqrt(2), rel=1e-3)
    assert noise.speech_level(padded_n) == pytest.approx(alone, rel=1e-3)
    assert noise.speech_level(padded_n, "rms") == pytest.approx(alone / np.sqrt(7), rel=1e-3)


@pytest.mark.parametrize(("below_db", "counts"), [(15.0, True), (17.0, False)])
def test_the_margin_of_the_active_level_is_15_9_db(below_db: float, counts: bool) -> None:
    loud_n, quiet_n = tone(32_000), tone(320, 0.1 * 10 ** (-below_db / 20), hz=200)
    level = noise.speech_level(np.concatenate([loud_n, quiet_n]))
    assert (level < noise.speech_level(loud_n) * (1 - 1e-4)) is counts


@given(st.integers(1, 700), st.floats(1e-4, 1e4))
def test_the_level_scales_with_the_wav_and_takes_any_length(length: int, scale: float) -> None:
    wav_n = hiss(length).astype(np.float64)
    assert noise.speech_level(wav_n * scale) == pytest.approx(scale * noise.speech_level(wav_n))
    assert noise.speech_level(wav_n) >= noise.speech_level(wav_n, "rms") * (1 - 1e-9)


@pytest.mark.parametrize(
    ("speech_n", "noise_n", "snr_db", "message"),
    [
        (tone(), hiss(99), 5.0, "16000 samples and noise of 99"),
        (np.zeros(16_000), hiss(), 5.0, "speech: silence"),
        (tone(), np.zeros(16_000), 5.0, "noise: silence"),
        (np.zeros(0), np.zeros(0), 5.0, r"speech: shape \(0,\)"),
        (tone()[None], hiss()[None], 5.0, r"shape \(1, 16000\)"),
        (np.full(9, np.nan), hiss(9), 5.0, "not finite"),
        (np.ones(9, dtype=np.int16), hiss(9), 5.0, "type int16"),
        (tone(), hiss(), float("nan"), "SNR of nan"),
    ],
)
def test_what_has_no_snr_is_refused(
    speech_n: noise.Wav, noise_n: noise.Wav, snr_db: float, message: str
) -> None:
    with pytest.raises(MtlserError, match=message):
        noise.mix(speech_n, noise_n, snr_db)


@given(st.integers(1, 50), st.integers(1, 200), st.integers(0, 99))
def test_crop_is_a_run_of_the_noise_that_goes_round(size: int, length: int, seed: int) -> None:
    cropped_n = noise.crop(np.arange(float(size)), length, np.random.default_rng(seed))
    assert cropped_n.size == length
    assert set(np.diff(cropped_n) % size) <= {1.0 % size}
    if length <= size:
        assert (np.diff(cropped_n) == 1).all()


def test_crop_reaches_both_ends() -> None:
    starts = {int(noise.crop(np.arange(4.0), 2, np.random.default_rng(s))[0]) for s in range(50)}
    assert starts == {0, 1, 2}


def folder_of_noises(folder: Path) -> Path:
    soundfile.write(folder / "babble.wav", hiss(44_100), 22_050, subtype="PCM_16")
    soundfile.write(folder / "White.WAV", hiss(32_000, seed=1), 16_000, subtype="PCM_16")
    (folder / "._babble.wav").write_bytes(b"junk")
    return folder


def test_a_folder_gives_an_utterance_the_same_excerpt_whatever_came_before(tmp_path: Path) -> None:
    recipe = NoiseRecipe(root=str(folder_of_noises(tmp_path)), kinds=("babble", "white"))
    one, other = utterance("a"), utterance("b")
    first = noise.source(recipe, tmp_path, tmp_path, [one, other], seed=0)
    excerpt_n = first.for_utterance(one, "babble", 8000)
    again = noise.source(recipe, tmp_path, tmp_path, [one, other], seed=0)
    assert not np.array_equal(again.for_utterance(other, "babble", 8000), excerpt_n)
    assert not np.array_equal(again.for_utterance(one, "white", 8000), excerpt_n)
    assert np.array_equal(again.for_utterance(one, "babble", 8000), excerpt_n)
    reseeded = noise.source(recipe, tmp_path, tmp_path, [one, other], seed=1)
    assert not np.array_equal(reseeded.for_utterance(one, "babble", 8000), excerpt_n)
    with pytest.raises(MtlserError, match="'volvo' is not loaded"):
        first.for_utterance(one, "volvo", 8000)


def test_each_kind_draws_its_own_offset(tmp_path: Path) -> None:
    same = tmp_path / "same.wav"
    soundfile.write(same, hiss(), 16_000, subtype="PCM_16")
    origin = noise.FolderNoise({"pink": (same,), "white": (same,)}, seed=0)
    pink_n, white_n = (origin.for_utterance(utterance("a"), k, 999) for k in ("pink", "white"))
    assert not np.array_equal(pink_n, white_n)


def test_each_utterance_draws_a_recording_and_keeps_it(tmp_path: Path) -> None:
    for number in range(4):
        soundfile.write(tmp_path / f"{number}.wav", tone(hz=300.0 * (number + 1)), 16_000)
    paths = sorted(tmp_path.glob("*.wav"))
    origin = noise.FolderNoise({"noise": paths}, seed=0)

    def heard(name: str) -> int:
        excerpt_n = origin.for_utterance(utterance(name), "noise", 16_000)
        return int(np.abs(np.fft.rfft(excerpt_n)).argmax())

    drawn = {f"u{i}": heard(f"u{i}") for i in range(24)}
    assert set(drawn.values()) == {300, 600, 900, 1200}
    assert all(heard(name) == hz for name, hz in reversed(drawn.items()))


def test_an_excerpt_is_never_a_pause_of_the_noise() -> None:
    shot_n = np.zeros(160_000, dtype=np.float32)
    shot_n[70_000:70_400] = hiss(400)
    for seed in range(30):
        found_n = noise.audible_crop(shot_n, 2000, np.random.default_rng(seed))
        assert found_n.size == 2000
        assert np.abs(found_n).max() > 0
        mixed_n = noise.mix(tone(2000), found_n, 5.0)
        assert noise.measured_snr_db(tone(2000), mixed_n) == pytest.approx(5, abs=0.1)


def test_a_recording_of_shots_gives_every_utterance_some(tmp_path: Path) -> None:
    shot_n = np.zeros(160_000, dtype=np.float32)
    shot_n[70_000:72_000] = hiss(2000)
    soundfile.write(tmp_path / "machinegun.wav", shot_n, 16_000, subtype="PCM_16")
    recipe = NoiseRecipe(root=str(tmp_path), kinds=("machinegun",))
    origin = noise.source(recipe, tmp_path, tmp_path, [utterance("a")], seed=0)
    for i in range(20):
        wav_n = tone(8000)
        mixed_n = noise.noisy(utterance(f"u{i}"), wav_n, "machinegun", 5.0, origin)
        assert noise.measured_snr_db(wav_n, mixed_n) == pytest.approx(5, abs=0.1)


def test_steady_noise_is_cropped_at_the_first_draw() -> None:
    drawn_n = noise.audible_crop(hiss(), 900, np.random.default_rng(3))
    assert np.array_equal(drawn_n, noise.crop(hiss(), 900, np.random.default_rng(3)))


def test_the_noise_counts_with_its_pauses_at_either_level() -> None:
    gun_n = hiss() * (np.arange(16_000) // 800 % 4 == 0)
    mixed_n = noise.mix(tone(), gun_n, 5.0, "active")
    added = np.sqrt(np.mean((mixed_n - tone()) ** 2, dtype=np.float64))
    assert 20 * np.log10(0.1 / np.sqrt(2) / added) == pytest.approx(5.0, abs=0.05)


def test_the_excerpt_is_the_same_at_every_snr(tmp_path: Path) -> None:
    recipe = NoiseRecipe(root=str(folder_of_noises(tmp_path)))
    origin, wav_n = noise.source(recipe, tmp_path, tmp_path, [utterance("a")], seed=0), tone()
    loud_n = noise.noisy(utterance("a"), wav_n, "babble", 0.0, origin) - wav_n
    soft_n = noise.noisy(utterance("a"), wav_n, "babble", 20.0, origin) - wav_n
    np.testing.assert_allclose(soft_n * 10, loud_n, atol=1e-5)


def talkers(folder: Path) -> list[Utterance]:
    """Five speakers, each humming in a band of their own."""
    utterances = []
    for number in range(5):
        for turn in range(3):
            name = f"s{number}-{turn}"
            path = folder / f"{name}.flac"
            soundfile.write(path, tone(16_000, hz=500.0 * number + 300 + 40 * turn), 16_000)
            said = utterance(name, speaker=f"s{number}", audio=path.name)
            utterances.append(said.model_copy(update={"audio_sha256": audio.decode(path).sha256}))
    return utterances


def test_corpus_babble_is_of_all_other_speakers_and_never_the_spoken_one(tmp_path: Path) -> None:
    utterances = talkers(tmp_path)
    for target in utterances[::3]:
        babble_n = noise.corpus_babble(tmp_path, utterances, target, 16_000, seed=0)
        spectrum_f = np.abs(np.fft.rfft(babble_n))
        heard = {f"s{n}" for n in range(5) if spectrum_f[500 * n + 290 : 500 * n + 390].max() > 500}
        assert heard == {f"s{n}" for n in range(5)} - {target.speaker}


def test_corpus_babble_is_seeded_by_utterance(tmp_path: Path) -> None:
    utterances = talkers(tmp_path)
    origin = noise.source(NoiseRecipe(), None, tmp_path, utterances, seed=0)
    first_n = origin.for_utterance(utterances[0], "babble", 9000)
    shuffled = noise.source(NoiseRecipe(), None, tmp_path, utterances[::-1], seed=0)
    shuffled.for_utterance(utterances[5], "babble", 400)
    assert np.array_equal(shuffled.for_utterance(utterances[0], "babble", 9000), first_n)
    assert not np.array_equal(origin.for_utterance(utterances[1], "babble", 9000), first_n)
    alone_n = noise.corpus_babble(tmp_path, utterances[::-1], utterances[0], 9000, seed=0)
    assert np.array_equal(alone_n, first_n)


def test_a_corpus_refuses_other_noises_and_a_lonely_speaker(tmp_path: Path) -> None:
    utterances = talkers(tmp_path)
    elsewhere = NoiseRecipe(root="recordings", kinds=("babble", "pink"))
    with pytest.raises(MtlserError, match="'pink': a corpus provides babble alone"):
        noise.source(elsewhere, None, tmp_path, utterances, seed=0)
    lonely = noise.source(NoiseRecipe(), None, tmp_path, utterances[:3], seed=0)
    with pytest.raises(MtlserError, match="no other speaker than s0"):
        lonely.for_utterance(utterances[0], "babble", 100)


def test_noisex92_babble_gives_the_snr_asked_for() -> None:
    shared = os.environ.get("MTLSER_SHARED")
    if not shared:
        pytest.skip("MTLSER_SHARED is unset: no NOISEX-92 here")
    root = Path(shared) / "data" / "noisex92"
    recipe = NoiseRecipe(root=str(root), kinds=("babble", "white", "volvo"))
    origin, speech_n = noise.source(recipe, root, root, [utterance("a")], seed=0), sentence()
    for kind in recipe.kinds:
        for snr_db in recipe.snr_db:
            mixed_n = noise.noisy(utterance("a"), speech_n, kind, snr_db, origin)
            assert noise.measured_snr_db(speech_n, mixed_n) == pytest.approx(snr_db, abs=0.1)
