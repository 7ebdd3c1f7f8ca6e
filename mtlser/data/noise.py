"""Noise at a signal-to-noise ratio; the excerpt does not depend on worker, order or SNR."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtlser.data import noise_folders
from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.recipe import NoiseRecipe
from mtlser.records import SAMPLE_RATE_HZ, Utterance

Wav = NDArray[np.floating[Any]]
"""Samples at 16 kHz, mono, full scale 1."""
Level = Literal["active", "rms"]

FRAME_S = 0.02
ACTIVE_MARGIN_DB = 15.9
"""How far below the active level a frame may lie and still count as speech (ITU-T P.56)."""
BABBLE_VOICES = 8
"""Utterances mixed into one corpus babble."""
PAUSE = 1e-3
"""Level, relative to the recording, below which an excerpt of noise is a pause: -60 dB."""
TRIES = 20
"""Excerpts drawn before the one around the loudest sample is used."""


def speech_level(wav_n: Wav, level: Level = "active") -> float:
    """RMS level of the speech, linear, full scale 1; 0 where it is silent or empty.

    `rms` takes all samples. `active` leaves pauses out: it is the RMS of the 20 ms frames that lie
    at most 15.9 dB below that RMS itself: it starts from all frames and drops those below the
    margin until none drops. The margin is that of ITU-T P.56 (method B); frames stand in
    for its envelope and hang-over. Scaling the wav scales the level.

    >>> tone_n = np.ones(16_000)
    >>> with_pause_n = np.concatenate([tone_n, np.zeros(16_000)])
    >>> round(speech_level(with_pause_n, "rms"), 3), round(speech_level(with_pause_n, "active"), 3)
    (0.707, 1.0)
    """
    square_n = np.square(wav_n, dtype=np.float64)
    if not square_n.size:
        return 0.0
    if level == "rms":
        return float(np.sqrt(square_n.mean()))
    starts_f = np.arange(0, square_n.size, round(FRAME_S * SAMPLE_RATE_HZ))
    energy_f = np.add.reduceat(square_n, starts_f)
    samples_f = np.diff(np.append(starts_f, square_n.size))
    active_f = np.ones(starts_f.size, dtype=bool)
    while True:
        power = float(energy_f[active_f].sum() / samples_f[active_f].sum())
        above_f = active_f & (energy_f / samples_f >= power * 10 ** (-ACTIVE_MARGIN_DB / 10))
        if np.array_equal(above_f, active_f):
            return float(np.sqrt(power))
        active_f = above_f


def mix(speech_n: Wav, noise_n: Wav, snr_db: float, level: Level = "active") -> Wav:
    """Speech plus the noise scaled to `snr_db`, in the type of the speech; never clipped.

    The SNR is 20 log10(speech level / RMS of the noise). Sums may pass full scale: floats hold
    them, and scaling back would change the speech with the SNR.

    Raises:
        MtlserError: a length differs, an input is silent, empty, not finite or of integers.
    """
    _refuse_unfit("speech", speech_n)
    _refuse_unfit("noise", noise_n)
    if speech_n.shape != noise_n.shape:
        raise MtlserError(
            f"speech of {speech_n.size} samples and noise of {noise_n.size}: expected equal "
            "lengths; crop the noise first"
        )
    if not np.isfinite(snr_db):
        raise MtlserError(f"an SNR of {snr_db} dB: expected a finite number, for example 5")
    gain = speech_level(speech_n, level) / speech_level(noise_n, "rms") * 10 ** (-snr_db / 20)
    mixed_n = speech_n + gain * np.asarray(noise_n, dtype=np.float64)
    return np.asarray(mixed_n, dtype=speech_n.dtype)


def measured_snr_db(speech_n: Wav, mixed_n: Wav, level: Level = "active") -> float:
    """The SNR in dB of `mixed_n`, whose noise is what it holds beside the speech.

    >>> tone_n = np.sin(np.arange(16_000) / 10)
    >>> round(measured_snr_db(tone_n, mix(tone_n, tone_n[::-1], 5.0)), 6)
    5.0
    """
    noise_n = np.asarray(mixed_n, dtype=np.float64) - speech_n
    _refuse_unfit("speech", speech_n)
    _refuse_unfit("noise", noise_n)
    return float(20 * np.log10(speech_level(speech_n, level) / speech_level(noise_n, "rms")))


def crop(noise_n: Wav, length: int, rng: np.random.Generator) -> Wav:
    """`length` samples of the noise from a random offset; a shorter noise repeats.

    >>> crop(np.arange(3.0), 5, np.random.default_rng(0)).size
    5
    """
    spare = noise_n.size - length
    offset = int(rng.integers(spare + 1 if spare >= 0 else noise_n.size))
    return np.take(noise_n, np.arange(offset, offset + length), mode="wrap")


def audible_crop(noise_n: Wav, length: int, rng: np.random.Generator) -> Wav:
    """As `crop`, but never a pause of the noise: it would need an absurd gain to reach an SNR.

    A pause is 60 dB or more below the recording's own RMS. After `TRIES` pauses the
    excerpt is the one around the loudest sample.
    """
    floor = PAUSE * speech_level(noise_n, "rms")
    for _ in range(TRIES):
        excerpt_n = crop(noise_n, length, rng)
        if speech_level(excerpt_n, "rms") > floor:
            return excerpt_n
    first = int(np.abs(noise_n).argmax()) - length // 2
    return np.take(noise_n, np.arange(first, first + length), mode="wrap")


class NoiseSource:
    """A source of noise; the excerpt depends on the seed, the kind and the utterance alone."""

    def for_utterance(self, utterance: Utterance, kind: str, length: int) -> Wav:
        """`length` samples of noise for one utterance: the same at every SNR."""
        raise NotImplementedError


@dataclass(frozen=True)
class FolderNoise(NoiseSource):
    """Excerpts of recordings."""

    recordings: Mapping[str, Sequence[Path]]
    """The recordings of each kind, at least one."""
    seed: int

    def for_utterance(self, utterance: Utterance, kind: str, length: int) -> Wav:
        """An excerpt from a random offset of a recording of that kind, also drawn."""
        if kind not in self.recordings:
            raise MtlserError(f"noise {kind!r} is not loaded; loaded: {', '.join(self.recordings)}")
        rng = generator(self.seed, "noise", f"{kind}/{utterance.id}")
        paths = self.recordings[kind]
        path = paths[int(rng.integers(len(paths)))] if len(paths) > 1 else paths[0]
        return audible_crop(noise_folders.load(kind, path), length, rng)


@dataclass(frozen=True)
class CorpusNoise(NoiseSource):
    """Babble of the corpus' other speakers."""

    corpus: Path
    utterances: tuple[Utterance, ...]
    seed: int
    voices: int = BABBLE_VOICES

    def for_utterance(self, utterance: Utterance, kind: str, length: int) -> Wav:
        """Babble by speakers other than the utterance's."""
        if kind != "babble":
            raise MtlserError(
                f"noise {kind!r}: a corpus provides babble alone; for recordings set their folder "
                "with `--set noise.root=DIR`"
            )
        return corpus_babble(
            self.corpus, self.utterances, utterance, length, self.seed, self.voices
        )


def source(
    recipe: NoiseRecipe,
    root: Path | None,
    corpus: Path,
    utterances: Sequence[Utterance],
    seed: int,
) -> NoiseSource:
    """The recipe's noise: recordings of the folder `root`, else babble of the corpus.

    Raises:
        MtlserError: a kind is not there or cannot be read, or the corpus has one speaker.
    """
    if root is not None:
        folder = noise_folders.find(root)
        recordings = {kind: folder.of(kind) for kind in recipe.kinds}
        for kind, paths in recordings.items():
            noise_folders.load(kind, paths[0])
        return FolderNoise(recordings, seed)
    babble = CorpusNoise(corpus, tuple(sorted(utterances, key=lambda u: u.id)), seed)
    for kind in recipe.kinds:
        if kind != "babble":
            babble.for_utterance(utterances[0], kind, 1)
    return babble


def noisy(
    utterance: Utterance,
    wav_n: Wav,
    kind: str,
    snr_db: float,
    origin: NoiseSource,
    level: Level = "active",
) -> Wav:
    """The utterance's wav under its own excerpt of noise at `snr_db`; see `mix`."""
    return mix(wav_n, origin.for_utterance(utterance, kind, wav_n.size), snr_db, level)


def corpus_babble(
    corpus: Path,
    utterances: Sequence[Utterance],
    target: Utterance,
    length: int,
    seed: int,
    voices: int = BABBLE_VOICES,
) -> Wav:
    """Babble of `voices` utterances by speakers other than `target`'s, at equal active level.

    Speakers take turns, so that as many different ones as possible speak; each utterance starts at
    a random offset and repeats. The babble does not depend on the label of `target`.

    Args:
        corpus: corpus folder, below which the utterances' audio lies.
        utterances: the manifest, in any order.
        target: the utterance that the babble is for.
        length: number of samples.
        seed: the recipe's seed.
        voices: number of utterances in the mix.

    Raises:
        MtlserError: the corpus has no other speaker.
    """
    from mtlser.data import clips

    rng = generator(seed, "babble", target.id)
    babble_n = np.zeros(length)
    for utterance in _voices(utterances, target, rng, voices):
        voice_n = clips.load(corpus, utterance)
        loudness = speech_level(voice_n)
        if loudness > 0:
            babble_n += crop(voice_n, length, rng) / loudness
    return np.asarray(babble_n / np.sqrt(voices), dtype=np.float32)


def _voices(
    utterances: Sequence[Utterance], target: Utterance, rng: np.random.Generator, voices: int
) -> list[Utterance]:
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in sorted(utterances, key=lambda u: u.id):
        speaker = utterance.speaker or utterance.id  # nobody knows: another one, as far as known
        if speaker != (target.speaker or target.id):
            by_speaker[speaker].append(utterance)
    if not by_speaker:
        raise MtlserError(
            f"babble for {target.id}: the corpus has no other speaker than {target.speaker}; set a "
            "folder of noises with `--set noise.root=DIR`"
        )
    speakers = rng.permutation(sorted(by_speaker))
    return [
        by_speaker[name][int(rng.integers(len(by_speaker[name])))]
        for name in np.resize(speakers, voices)
    ]


def _refuse_unfit(word: str, wav_n: Wav) -> None:
    """Refuses a waveform without a level: empty, silent, not finite, not mono floats."""
    problem = None
    if wav_n.ndim != 1 or not wav_n.size:
        problem = f"shape {wav_n.shape}"
    elif not np.issubdtype(wav_n.dtype, np.floating):
        problem = f"samples of type {wav_n.dtype}"
    elif not np.isfinite(wav_n).all():
        problem = "samples that are not finite"
    elif not np.any(wav_n):
        problem = "silence"
    if problem:
        raise MtlserError(f"{word}: {problem}; expected one channel of floats with sound in it")
