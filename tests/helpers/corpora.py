"""Made-up corpora for tests: real files on disk, no speech in them."""

import hashlib
from pathlib import Path

import numpy as np

from mtlser.data import manifest
from mtlser.data.audio import Clip
from mtlser.data.clips import Writer
from mtlser.records import FOUR, Fold, FoldPlan, Utterance, write_jsonl

TEXTS = ("YES", "NO WAY", "GO ON", "WAIT")


def write_corpus(folder: Path, speakers: int = 4, each: int = 8) -> list[Utterance]:
    """Writes a corpus folder of tones whose pitch tells the emotion; its utterances."""
    utterances, writer = [], Writer(folder)
    rng = np.random.default_rng(0)
    for s in range(speakers):
        for i in range(each):
            emotion = FOUR[i % 4]
            seconds = 0.5 + 0.1 * ((i + s) % 5)
            time_s = np.arange(int(16_000 * seconds)) / 16_000
            pitch_hz = 150 * 1.7 ** (i % 4) * (1 + 0.05 * s)
            wav = 0.2 * np.sin(2 * np.pi * pitch_hz * time_s) + 0.01 * rng.standard_normal(
                len(time_s)
            )
            samples = np.rint(wav * 32_767).astype("<i2")
            clip = Clip(samples, hashlib.sha256(samples.tobytes()).hexdigest(), -17.0)
            writer.add(clip.sha256, samples)
            utterances.append(
                Utterance(
                    id=f"s{s}_u{i}",
                    corpus="made-up",
                    audio="audio",
                    audio_sha256=clip.sha256,
                    duration_s=clip.duration_s,
                    level_dbfs=clip.level_dbfs,
                    emotion=emotion,
                    speaker=f"s{s}",
                    gender="F" if s % 2 else "M",
                    session=f"session{s // 2}",
                    dialogue=f"s{s}_d{i // 4}",
                    recording=f"r{s // 2}",
                    style="improvised" if i % 2 else "scripted",
                    text=None if i == 3 else TEXTS[i % 4],
                    language="en",
                )
            )
    shards = writer.close()
    utterances = [u.model_copy(update={"audio": shards[u.audio_sha256]}) for u in utterances]
    write_jsonl(folder / "manifest.jsonl", utterances)
    return utterances


def one_fold(utterances: list[Utterance]) -> FoldPlan:
    """A plan of one fold: the last speaker tests, the one before validates."""
    speakers = sorted({u.speaker or "" for u in utterances})
    test, validation, training = speakers[-1], speakers[-2], speakers[:-2]
    train = [u.id for u in utterances if u.speaker in training]
    fold = Fold(
        index=0,
        name=test,
        train=tuple(i for i in train if not i.endswith("_u7")),
        validation=tuple(u.id for u in utterances if u.speaker == validation),
        test=tuple(u.id for u in utterances if u.speaker == test),
        speaker_check=tuple(i for i in train if i.endswith("_u7")),
    )
    digest = manifest.digest(utterances)
    return FoldPlan(protocol="loso", seed=0, manifest_digest=digest, folds=(fold,))
