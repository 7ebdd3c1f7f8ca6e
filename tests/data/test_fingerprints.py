"""Near-identical audio: changed copies are found, other recordings are not, sides are counted."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mtlser import stages
from mtlser.data import audio, audit, fingerprints, folds, manifest
from mtlser.errors import MtlserError
from mtlser.evaluation.verification import claims, evidence, sharing
from mtlser.recipe import load
from mtlser.records import (
    FOUR,
    Fold,
    FoldPlan,
    Utterance,
    read_json,
    read_jsonl,
    write_json,
    write_jsonl,
)
from mtlser.storage.layout import FINGERPRINTS
from tests.helpers.utterances import recipe, utterance

Samples = NDArray[np.int16]


def speech(seed: int, seconds: float = 2.0) -> Samples:
    """Gliding harmonics under moving formants, from a seed."""
    rng = np.random.default_rng(seed)
    count = int(seconds * 16_000)

    def glide(low: float, high: float) -> NDArray[np.float64]:
        knots = rng.uniform(low, high, int(seconds * 6) + 2)
        return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)

    phase = 2 * np.pi * np.cumsum(glide(90, 250)) / 16_000
    formant = glide(2, 10)
    parts = [np.exp(-0.3 * (n - formant) ** 2) * np.sin(n * phase) for n in range(1, 14)]
    wav = np.sum(parts, axis=0) * glide(0.2, 1.0) + 1e-3 * rng.standard_normal(count)
    return np.rint(9_000 * wav / np.abs(wav).max()).astype(np.int16)


def coded(samples: Samples, file_format: str, subtype: str) -> Samples:
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format=file_format, subtype=subtype)
    stream.seek(0)
    return np.rint(soundfile.read(stream)[0] * 32_767).astype(np.int16)


def telephone(samples: Samples) -> Samples:
    """At 8 kHz, and back."""
    import torch
    from torchaudio.functional import resample

    wav = resample(
        resample(torch.from_numpy(samples.astype(np.float64)), 16_000, 8_000), 8_000, 16_000
    )
    return np.rint(wav.numpy()).clip(-32_768, 32_767).astype(np.int16)


def noisy(samples: Samples) -> Samples:
    """With white noise at 20 dB."""
    noise = np.random.default_rng(9).standard_normal(len(samples))
    return np.rint(samples + noise * samples.astype(float).std() / 10).astype(np.int16)


COPIES: dict[str, Callable[[Samples], Samples]] = {
    "cut": lambda samples: samples[4_913:-4_800],
    "half the amplitude": lambda samples: np.rint(samples * 0.5).astype(np.int16),
    "8 kHz": telephone,
    "MP3": lambda samples: coded(samples, "MP3", "MPEG_LAYER_III"),
    "Vorbis": lambda samples: coded(samples, "OGG", "VORBIS"),
    "noise": noisy,
}


def whole_frames(samples_n: Samples) -> NDArray[np.uint32]:
    """The words as they are defined: of whole frames at 16 kHz."""
    frame = fingerprints.FRAME
    frames_tn = np.lib.stride_tricks.sliding_window_view(samples_n, frame)[:: fingerprints.HOP]
    power_tf = np.abs(np.fft.rfft(frames_tn * np.hanning(frame), axis=1)) ** 2
    edges = np.rint(np.linspace(150, 1200, 34) * frame / 16_000).astype(int)
    energy_tb = np.add.reduceat(power_tf[:, : edges[-1]], edges[:-1], axis=1)
    slope_tb = energy_tb[:, :-1] - energy_tb[:, 1:]
    bits_tb = slope_tb[fingerprints.LAG :] > slope_tb[: -fingerprints.LAG]
    return np.packbits(bits_tb, axis=1).view(">u4")[:, 0].astype(np.uint32)


@pytest.mark.parametrize("length", [5_120, 5_121, 31_998, 32_749, 64_003])
def test_words_at_4_khz_are_those_of_whole_frames(length: int) -> None:
    samples = speech(3, length / 16_000)[:length]
    words, expected = fingerprints.fingerprint(samples), whole_frames(samples)
    assert len(words) == len(expected)
    spoken = words != fingerprints.SILENCE
    assert np.bitwise_count(words ^ expected)[spoken].sum() <= 1e-4 * 32 * spoken.sum()


def near(**clips: Samples) -> dict[str, frozenset[str]]:
    words = {name: fingerprints.fingerprint(samples) for name, samples in clips.items()}
    return fingerprints.near(fingerprints.gather(words))


@pytest.mark.parametrize("kind", COPIES)
def test_a_changed_copy_is_found_and_nothing_else(kind: str) -> None:
    clips = {f"clip{seed}": speech(seed) for seed in range(6)}
    assert near(**clips) == {}
    found = near(**clips, copy=COPIES[kind](clips["clip3"]))
    assert found == {"clip3": frozenset({"copy"}), "copy": frozenset({"clip3"})}


def test_many_copies_of_one_clip_are_all_found() -> None:
    original = speech(1)
    clips = {
        f"copy{gain}": np.rint(original * (gain / 60)).astype(np.int16) for gain in range(20, 60)
    }
    assert near(**clips, other=speech(2)).keys() == clips.keys()


def test_silence_and_short_clips_are_like_nothing() -> None:
    silent = np.zeros(32_000, dtype=np.int16)
    beginning = np.concatenate([silent, speech(1)])
    other = np.concatenate([silent, speech(2)])
    assert near(a=silent, b=silent.copy(), c=beginning, d=other) == {}
    hush = np.rint(3 * np.random.default_rng(5).standard_normal(96_000)).astype(np.int16)
    quiet = [np.concatenate([hush, speech(seed, 1.2)]) for seed in (1, 2)]
    assert near(a=quiet[0], b=quiet[1]) == {}
    assert near(a=speech(1, 0.3), b=speech(1, 0.3)) == {}


def test_the_file_holds_the_same_bytes_for_the_same_clips(tmp_path: Path) -> None:
    names = {seed: f"{seed:064x}" for seed in range(3)}
    words = {names[seed]: fingerprints.fingerprint(speech(seed)) for seed in names}
    fingerprints.write(tmp_path / "one", fingerprints.gather(words))
    fingerprints.write(tmp_path / "two", fingerprints.gather(dict(reversed(words.items()))))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read = fingerprints.read(tmp_path / "one")
    assert tuple(read.audio) == tuple(words)
    assert all(np.array_equal(read.of(place), words[name]) for place, name in enumerate(words))
    (tmp_path / "two").write_text("no such file")
    with pytest.raises(MtlserError, match="mtlser ingest"):
        fingerprints.read(tmp_path / "two")


def leaking() -> tuple[list[Utterance], FoldPlan, fingerprints.Near]:
    """Three speakers; the test clip t is near-identical to a of train and to v of validation."""
    utterances = [
        utterance(name, speaker=name, dialogue=name, recording=name) for name in ("a", "v", "t")
    ]
    plan = FoldPlan(
        protocol="loso",
        seed=0,
        manifest_digest=manifest.digest(utterances),
        folds=(
            Fold(index=0, name="t", train=("a",), validation=("v",), test=("t",), speaker_check=()),
        ),
    )
    twins = {"sha-t": frozenset({"sha-a", "sha-v", "sha-x"})}
    return utterances, plan, fingerprints.Near(twins)


def test_near_identical_audio_of_train_and_test_is_a_leak() -> None:
    utterances, plan, twins = leaking()
    found = audit.audit(utterances, plan, twins)
    assert (found.verdict, found.overall.shared.near_audio_in_train) == ("leaks", 1)
    assert found.overall.shared.near_audio_in_validation == 1
    assert "near-identical to one in training (a and t)" in found.reasons[0]
    assert any("near-identical to one in validation (v and t)" in each for each in found.findings)
    with pytest.raises(MtlserError, match="a and t"):
        audit.gate(found, plan)
    near_validation = fingerprints.Near({"sha-t": frozenset({"sha-v"})})
    only_validation = audit.audit(utterances, plan, near_validation)
    assert (only_validation.verdict, only_validation.reasons) == ("clean", ())
    older = audit.audit(utterances, plan)
    assert (older.verdict, older.overall.shared.near_audio_in_train) == ("clean", None)


def test_an_audit_with_and_one_without_fingerprints_agree(tmp_path: Path) -> None:
    utterances, plan, twins = leaking()
    with_near, without = audit.audit(utterances, plan, twins), audit.audit(utterances, plan)
    for there, now in ((with_near, without), (without, with_near), (with_near, with_near)):
        write_json(tmp_path / "audit.json", there)
        assert evidence.audited(tmp_path, now)
    write_json(tmp_path / "audit.json", with_near.model_copy(update={"verdict": "clean"}))
    for now in (with_near, without):
        with pytest.raises(MtlserError, match="not the audit"):
            evidence.audited(tmp_path, now)
    write_json(tmp_path / "audit.json", audit.audit(utterances, plan, fingerprints.Near({})))
    with pytest.raises(MtlserError, match="not the audit"):
        evidence.audited(tmp_path, with_near)


def test_the_claim_counts_near_identical_audio() -> None:
    utterances, plan, twins = leaking()
    shared = sharing.counted(plan, utterances, twins)
    assert [each.near_audio for each in shared] == [1, 0, 1]
    claim = claims.speakers(plan, shared, 1)
    assert (claim.state, "1 near-identical" in claim.detail) == ("no", True)
    unknown = sharing.counted(plan, utterances)
    claim = claims.speakers(plan, unknown, 1)
    assert claim.state == "yes"
    assert claim.detail.endswith("near-identical audio not at hand")
    clean = sharing.counted(plan, utterances, fingerprints.Near({}))
    assert claims.speakers(plan, clean, 1).state == "yes"
    assert sharing.agree(shared, unknown) and sharing.agree(unknown, clean)
    assert not sharing.agree(shared, clean)


def test_split_reads_the_fingerprints_of_the_corpus(tmp_path: Path) -> None:
    speakers = [f"s{place}" for place in range(4)]
    clips = {
        f"{s}_{take}": speech(10 * p + take) for p, s in enumerate(speakers) for take in (0, 1)
    }
    clips["s3_1"] = noisy(clips["s0_0"])
    names = {name: f"{place:064x}" for place, name in enumerate(clips)}
    utterances = [
        utterance(
            name,
            speaker=name[:2],
            emotion=FOUR[int(name[1]) % 2],
            session=None,
            dialogue=None,
            audio_sha256=sha,
        )
        for name, sha in names.items()
    ]
    write_jsonl(tmp_path / "manifest.jsonl", utterances)
    words = {sha: fingerprints.fingerprint(clips[name]) for name, sha in names.items()}
    fingerprints.write(tmp_path / FINGERPRINTS, fingerprints.gather(words))
    with pytest.raises(MtlserError, match="near-identical to one in training"):
        stages.split(str(tmp_path), recipe("loso"), str(tmp_path / "folds"))
    (tmp_path / FINGERPRINTS).unlink()
    stages.split(str(tmp_path), recipe("loso"), str(tmp_path / "folds"))
    assert read_json(tmp_path / "folds" / "audit.json", audit.Audit).verdict == "clean"
    some = dict(list(words.items())[1:])
    fingerprints.write(tmp_path / FINGERPRINTS, fingerprints.gather(some))
    with pytest.raises(MtlserError, match="no fingerprint of 1 clips"):
        fingerprints.at_hand(tmp_path, utterances)


def test_takes_of_one_sentence_are_different_recordings(shared: Path, tmp_path: Path) -> None:
    release = shared / "data" / "emodb"
    manifest.build(load("demo", ("data.corpus=emodb",)), [release], tmp_path)
    utterances = list(read_jsonl(tmp_path / "manifest.jsonl", Utterance))
    assert fingerprints.at_hand(tmp_path, utterances) == {}
    plan = folds.plan(utterances, recipe("loso"))
    found = audit.audit(utterances, plan, fingerprints.Near({})).overall.shared
    assert found.near_audio_in_train == 0
    samples = audio.decode(release / "wav" / "03a01Fa.wav").samples_n
    assert near(original=samples, copy=noisy(samples)).keys() == {"original", "copy"}
