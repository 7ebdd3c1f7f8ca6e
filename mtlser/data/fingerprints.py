"""Fingerprints of clips, by which a changed copy of a recording is found: cut, coded, noisy.

After Haitsma and Kalker, "A highly robust audio fingerprinting system" (ISMIR 2002): each frame
gives 32 bits, the signs of differences of energy between neighbouring bands and times. Signs
outlast gain, coding and some noise. Two clips are near-identical where, laid over each other,
few bits differ; docs/decisions/0014-near-identical-audio.md has the measured error rates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.errors import MtlserError
from mtlser.files import atomic_file
from mtlser.records import SAMPLE_RATE_HZ, Utterance

FINGERPRINTS = "fingerprints.safetensors"

FRAME, HOP, LAG = 4096, 256, 4
"""Samples of a frame and between frames; hops between the two frames that are compared."""
SLOWER = 4
"""Frames are taken of every fourth sample, at 4 kHz: no band reaches higher than 1.2 kHz."""
LOWEST_HZ, HIGHEST_HZ, BANDS = 150, 1200, 33
"""Bands narrow enough to separate harmonics: the same words said again differ in pitch."""
QUIET = 1e-3
"""A frame of this share of the loudest frame's energy or less (-30 dB) is silence."""
SILENCE = 0
"""The word of a silent frame: such frames are compared with nothing."""

MOST_DIFFERENT = 0.16
"""Share of bits that may differ between near-identical clips."""
LEAST_WORDS = 40
"""Frames, both of them speech, that must lie over each other (0.64 s)."""
NEIGHBOURS = 16
"""Of clips that share a word, each is compared with so many others."""
FORMAT = {"format": "1"}

Words = NDArray[np.uint32]
Near = Mapping[str, frozenset[str]]
"""For the SHA-256 of each clip with near-identical others: theirs."""


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """The words of several clips, one clip after the other."""

    audio: tuple[str, ...]
    """SHA-256 of each clip's samples."""
    starts: NDArray[np.int64]
    """Place of each clip's first word, and the end: one more than clips."""
    words: Words

    def of(self, clip: int) -> Words:
        """Words of one clip."""
        return self.words[self.starts[clip] : self.starts[clip + 1]]


def fingerprint(samples_n: NDArray[np.int16]) -> Words:
    """One 32-bit word every 16 ms of 16 kHz samples; none of a clip shorter than 0.32 s.

    >>> import numpy as np
    >>> len(fingerprint(np.zeros(16_000, dtype=np.int16)))
    43
    """
    if len(samples_n) < FRAME + LAG * HOP:
        return np.zeros(0, dtype=np.uint32)
    frames = 1 + (len(samples_n) - FRAME) // HOP
    wav_n = _slower(samples_n)
    every_tf = np.lib.stride_tricks.sliding_window_view(wav_n, FRAME // SLOWER)
    window_f = np.hanning(FRAME).astype(np.float32)[::SLOWER]
    power_tf = _power(every_tf[:: HOP // SLOWER][:frames] * window_f)
    edges = np.rint(np.linspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1) * FRAME / SAMPLE_RATE_HZ)
    places = edges.astype(np.int64)
    energy_tb = np.add.reduceat(power_tf[:, : places[-1]], places[:-1], axis=1)
    slope_tb = energy_tb[:, :-1] - energy_tb[:, 1:]
    bits_tb = slope_tb[LAG:] > slope_tb[:-LAG]
    words_t = np.packbits(bits_tb, axis=1).view(">u4")[:, 0].astype(np.uint32)
    loudness_t = energy_tb.sum(axis=1)[LAG:]
    words_t[loudness_t <= QUIET * loudness_t.max()] = SILENCE
    return words_t


def _slower(samples_n: NDArray[np.int16]) -> NDArray[np.float32]:
    """The samples at 4 kHz, at least a quarter as many: their spectrum, cut at 2 kHz."""
    import scipy.fft

    length = scipy.fft.next_fast_len(-(-len(samples_n) // SLOWER), real=True)
    spectrum_f = scipy.fft.rfft(samples_n.astype(np.float32), length * SLOWER)
    return np.asarray(scipy.fft.irfft(spectrum_f[: length // 2 + 1], length), dtype=np.float32)


def _power(frames_tn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power of each frame at each frequency, (frame, frequency)."""
    import scipy.fft

    spectrum_tf = scipy.fft.rfft(frames_tn, axis=1)
    return np.square(spectrum_tf.real) + np.square(spectrum_tf.imag)


def gather(words: Mapping[str, Words]) -> Fingerprints:
    """The fingerprints of several clips as one.

    Args:
        words: of each clip, by the SHA-256 of its samples.
    """
    audio = tuple(sorted(words))
    lengths = [len(words[name]) for name in audio]
    return Fingerprints(
        audio=audio,
        starts=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        words=np.concatenate([np.zeros(0, np.uint32), *(words[name] for name in audio)]),
    )


def write(path: Path, prints: Fingerprints) -> None:
    """Writes fingerprints to `path`, whole; the same bytes for the same clips."""
    from safetensors.numpy import save_file

    audio = np.frombuffer(bytes.fromhex("".join(prints.audio)), dtype=np.uint8)
    tensors: dict[str, NDArray[Any]] = {
        "audio": audio.reshape(len(prints.audio), -1),
        "starts": prints.starts,
        "words": prints.words,
    }
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, FORMAT)


def read(path: Path) -> Fingerprints:
    """The fingerprints that `write` wrote.

    Raises:
        MtlserError: the file holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
        audio = tuple(row.tobytes().hex() for row in tensors["audio"])
        prints = Fingerprints(audio, tensors["starts"], tensors["words"])
    except (SafetensorError, KeyError, OSError) as error:
        raise MtlserError(
            f"{path}: no fingerprints of clips ({error}); run `mtlser ingest` again"
        ) from None
    return prints


def at_hand(folder: Path | None, utterances: Sequence[Utterance]) -> Near | None:
    """Near-identical audio of a corpus folder; `None`: it has no fingerprints.

    Args:
        folder: of the corpus; `None`: not at hand.
        utterances: the manifest.

    Raises:
        MtlserError: the fingerprints are of other audio than the manifest.
    """
    path = None if folder is None else folder / FINGERPRINTS
    if path is None or not path.is_file():
        return None
    prints = read(path)
    lacking = {u.audio_sha256 for u in utterances} - set(prints.audio)
    if lacking:
        raise MtlserError(
            f"{path}: no fingerprint of {len(lacking)} clips of the manifest; run `mtlser ingest` "
            "again"
        )
    return near(prints)


def near(prints: Fingerprints) -> dict[str, frozenset[str]]:
    """Near-identical clips of each clip that has any, by SHA-256 of their samples."""
    found: dict[str, set[str]] = {}
    for first, second in pairs(prints):
        for one, other in ((first, second), (second, first)):
            found.setdefault(prints.audio[one], set()).add(prints.audio[other])
    return {name: frozenset(others) for name, others in sorted(found.items())}


def pairs(prints: Fingerprints) -> list[tuple[int, int]]:
    """Places of clips that are near-identical, the lower first, in order."""
    found = set()
    for first, second, shift in _candidates(prints):
        if (first, second) not in found and any(
            _error(prints.of(first), prints.of(second), shift + step) <= MOST_DIFFERENT
            for step in (0, -1, 1)
        ):
            found.add((first, second))
    return sorted(found)


def lowest_error(prints: Fingerprints) -> float:
    """The smallest share of different bits of two clips that have a word in common; 1: no two."""
    errors = (
        _error(prints.of(first), prints.of(second), shift + step)
        for first, second, shift in _candidates(prints)
        for step in (0, -1, 1)
    )
    return min(errors, default=1.0)


def _error(one_t: Words, other_t: Words, shift: int) -> float:
    """Share of different bits where the first clip is moved by so many words.

    1 where less speech lies over each other than is compared.
    """
    start = max(0, shift)
    end = min(len(one_t), len(other_t) + shift)
    if end - start < LEAST_WORDS:
        return 1.0
    ours, theirs = one_t[start:end], other_t[start - shift : end - shift]
    speech = (ours != SILENCE) & (theirs != SILENCE)
    count = int(speech.sum())
    if count < LEAST_WORDS:
        return 1.0
    return float(np.bitwise_count(ours ^ theirs)[speech].sum() / (32 * count))


def _candidates(prints: Fingerprints) -> Iterator[tuple[int, int, int]]:
    """Pairs of clips with a word in common, and how many words apart it stands in them."""
    words_w = prints.words
    clip_w = np.repeat(np.arange(len(prints.audio)), np.diff(prints.starts))
    place_w = np.arange(len(words_w)) - prints.starts[clip_w]
    repeats = np.zeros(len(words_w), dtype=bool)
    repeats[1:] = (words_w[1:] == words_w[:-1]) & (clip_w[1:] == clip_w[:-1])
    used = np.flatnonzero((words_w != SILENCE) & ~repeats)
    # Another order of the clips for each word, so that each meets many of a large group.
    mixed = (clip_w[used] * 2_654_435_761 ^ words_w[used].astype(np.int64) * 40_503) & 0xFFFF_FFFF
    used = used[
        np.argsort(words_w[used].astype(np.uint64) << np.uint64(32) | mixed.astype(np.uint64))
    ]
    hits = []
    for step in range(1, NEIGHBOURS + 1):
        one, other = used[:-step], used[step:]
        same = words_w[one] == words_w[other]
        if not same.any():
            break
        one, other = one[same], other[same]
        one, other = np.minimum(one, other), np.maximum(one, other)
        apart = clip_w[one] != clip_w[other]
        one, other = one[apart], other[apart]
        hits.append(np.stack([clip_w[one], clip_w[other], place_w[one] - place_w[other]], axis=1))
    yield from map(tuple, np.unique(np.concatenate(hits), axis=0).tolist() if hits else [])
