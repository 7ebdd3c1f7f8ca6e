"""How many changed copies of clips a fingerprint finds, and how many different clips it confuses.

    python -m benchmarks.near_audio [FOLDER]

Clips of a folder, or of the demo's synthetic release, are compared with each other and with copies
of themselves: cut, at half the amplitude, at 8 kHz and back, coded, noisy, all of these together.
Last line and `build/bench/near_audio.json`: `clips`, `false_pairs` (of different clips),
`lowest_error` (smallest share of different bits of two different clips that share a word), `found`
(of the copies, by what was changed: found, copies with enough speech left, pairs of different
recordings; then those found as in a corpus of over a million words, and as in one of which half
of the words are looked up), `fingerprint_ms` (a clip), `compare_s` (all clips with all).
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks import common
from mtlser.data import audio, fingerprints
from mtlser.data.fingerprints import LEAST_WORDS, SILENCE, Words
from mtlser.data.synthetic import corpus
from mtlser.records import SAMPLE_RATE_HZ

Samples = NDArray[np.int16]
Change = Callable[[Samples, np.random.Generator], Samples]
CUT = int(0.3 * SAMPLE_RATE_HZ)
SNR_DB = 20
FULL = 32_768


def rounded(wav_n: NDArray[np.float64]) -> Samples:
    """16-bit samples."""
    return np.rint(wav_n).clip(-FULL, FULL - 1).astype(np.int16)


def start_cut(clip_n: Samples, rng: np.random.Generator) -> Samples:
    """Without the first 0.3 s, not on a frame's boundary."""
    return clip_n[CUT + int(rng.integers(0, fingerprints.HOP)) :]


def both_cut(clip_n: Samples, rng: np.random.Generator) -> Samples:
    """Without the first and the last 0.3 s."""
    return start_cut(clip_n, rng)[:-CUT]


def half(clip_n: Samples, rng: np.random.Generator) -> Samples:
    """At half the amplitude."""
    return rounded(clip_n.astype(np.float64) / 2)


def telephone(clip_n: Samples, rng: np.random.Generator) -> Samples:
    """At 8 kHz and back."""
    from torch import from_numpy
    from torchaudio.functional import resample

    low = resample(from_numpy(clip_n.astype(np.float64)), SAMPLE_RATE_HZ, 8_000)
    return rounded(resample(low, 8_000, SAMPLE_RATE_HZ).numpy())


def coded(container: str, codec: str) -> Change:
    """Through a lossy codec."""

    def change(clip_n: Samples, rng: np.random.Generator) -> Samples:
        file = io.BytesIO()
        soundfile.write(file, clip_n, SAMPLE_RATE_HZ, format=container, subtype=codec)
        file.seek(0)
        return rounded(soundfile.read(file)[0] * FULL)

    return change


def noisy(clip_n: Samples, rng: np.random.Generator) -> Samples:
    """With white noise at 20 dB."""
    rms = float(np.sqrt(np.mean(np.square(clip_n.astype(np.float64)))))
    return rounded(clip_n + rng.standard_normal(len(clip_n)) * rms * 10 ** (-SNR_DB / 20))


def everything(clip_n: Samples, rng: np.random.Generator) -> Samples:
    """Half the amplitude, 8 kHz, MP3, both ends cut, noise."""
    changed = telephone(half(clip_n, rng), rng)
    return noisy(both_cut(MP3(changed, rng), rng), rng)


MP3 = coded("MP3", "MPEG_LAYER_III")
CHANGES: dict[str, Change] = {
    "both ends cut": both_cut,
    "start cut": start_cut,
    "half amplitude": half,
    "8 kHz and back": telephone,
    "MP3": MP3,
    "Vorbis": coded("OGG", "VORBIS"),
    "Opus": coded("OGG", "OPUS"),
    "noise at 20 dB": noisy,
    "all together": everything,
}


def clips_of(folder: Path) -> dict[str, Samples]:
    """The readable clips below a folder by SHA-256, each once."""
    known: dict[str, Samples] = {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".wav", ".flac"}):
        try:
            clip = audio.decode(path)
        except audio.AudioError:
            continue
        known.setdefault(clip.sha256, clip.samples_n)
    return known


def copies_found(clips: dict[str, Samples], words: dict[str, Words], change: Change) -> list[int]:
    """Copies found, those with enough speech left, false pairs; found as in larger corpora."""
    rng = np.random.default_rng(1)
    copies = {f"copy {name}": fingerprints.fingerprint(change(clips[name], rng)) for name in clips}
    every = fingerprints.gather(words | copies)

    def right(pairs: list[tuple[int, int]]) -> tuple[int, int]:
        named = [(every.audio[a].removeprefix("copy "), every.audio[b]) for a, b in pairs]
        found = {(one, other.removeprefix("copy ")) for one, other in named}
        copied = sum(one == other for one, other in found)
        return copied, len(found) - copied

    found, false = right(fingerprints.pairs(every))
    large, _ = right(fingerprints.pairs(every, exact=0))
    half, _ = right(fingerprints.pairs(every, most=len(every.words) // 2, exact=0))
    enough = sum(int((copy != SILENCE).sum()) >= LEAST_WORDS for copy in copies.values())
    return [found, enough, false, large, half]


def main() -> None:
    """Measures and reports."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary) / "release"
        if len(sys.argv) < 2:
            corpus.write_release(folder, 0)
        clips = clips_of(folder)
    started = time.perf_counter()
    words = {name: fingerprints.fingerprint(clip) for name, clip in clips.items()}
    each_ms = (time.perf_counter() - started) / len(clips) * 1000
    prints = fingerprints.gather(words)
    seconds = common.timed(lambda: fingerprints.pairs(prints))
    common.report(
        "near_audio",
        {
            "clips": len(clips),
            "false_pairs": len(fingerprints.pairs(prints)),
            "lowest_error": fingerprints.lowest_error(prints),
            "found": {name: copies_found(clips, words, each) for name, each in CHANGES.items()},
            "fingerprint_ms": each_ms,
            "compare_s": seconds,
        },
    )


if __name__ == "__main__":
    main()
