"""Near-identical clips are those that a plain comparison finds, in passes and without memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from mtlser.data import fingerprints
from mtlser.data.fingerprints import LEAST_WORDS, MOST_DIFFERENT, NEIGHBOURS, SILENCE, hits
from mtlser.data.fingerprints.store import Digests

Words = NDArray[np.uint32]


def candidates(
    prints: fingerprints.Fingerprints, most: int = NEIGHBOURS
) -> Iterator[tuple[int, int, int]]:
    """Each word's next few in a list of all that are the same, and how far they lie apart."""
    groups: dict[int, list[tuple[int, int, int]]] = {}
    for clip in range(len(prints.audio)):
        words = prints.of(clip).tolist()
        for place, word in enumerate(words):
            if word == SILENCE or (place and words[place - 1] == word):
                continue
            mixed = (clip * 2_654_435_761 ^ word * 40_503) & 0xFFFF_FFFF
            groups.setdefault(word, []).append((mixed, clip, place))
    for group in groups.values():
        group.sort(key=lambda entry: entry[0])
        for index, (_, clip, place) in enumerate(group):
            for _, other, there in group[index + 1 : index + 1 + most]:
                first, second = sorted([(clip, place), (other, there)])
                if clip != other:
                    yield first[0], second[0], first[1] - second[1]


def error(one: Words, other: Words, shift: int) -> float:
    """Share of different bits where the first clip is moved by so many words."""
    start, end = max(0, shift), min(len(one), len(other) + shift)
    ours, theirs = one[start:end], other[max(0, start - shift) : max(0, end - shift)]
    if end - start < LEAST_WORDS:
        return 1.0
    speech = (ours != SILENCE) & (theirs != SILENCE)
    count = int(speech.sum())
    if count < LEAST_WORDS:
        return 1.0
    return float(np.bitwise_count(ours ^ theirs)[speech].sum() / (32 * count))


def plain(
    prints: fingerprints.Fingerprints, most: int = NEIGHBOURS
) -> tuple[list[tuple[int, int]], float]:
    """Pairs and the lowest error, one candidate after the other."""
    found, lowest = set(), 1.0
    for first, second, shift in set(candidates(prints, most)):
        for step in (0, -1, 1):
            share = error(prints.of(first), prints.of(second), shift + step)
            lowest = min(lowest, share)
            if share <= MOST_DIFFERENT:
                found.add((first, second))
    return sorted(found), lowest


def made_up(seed: int) -> fingerprints.Fingerprints:
    """Clips of few values, silence, runs, and copies: moved, cut and with other bits."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 1 << 32, int(rng.choice([30, 300, 30_000])), dtype=np.uint32)
    clips: list[Words] = []
    for _ in range(int(rng.integers(1, 40))):
        words = values[rng.integers(0, len(values), int(rng.integers(0, 130)))]
        words = np.repeat(words, rng.integers(1, 3, len(words)))
        words[rng.random(len(words)) < 0.1] = SILENCE
        clips.append(words)
        if rng.random() < 0.5 and len(words):
            part = clips[int(rng.integers(len(clips)))][int(rng.integers(0, 30)) :]
            bits = rng.random((len(part), 32)) < rng.uniform(0, 0.2)
            other = np.packbits(bits, axis=1).view(">u4")[:, 0].astype(np.uint32)
            clips.append(part ^ (other * (rng.random(len(part)) < 0.8)))
    return fingerprints.gather({f"{place:064x}": words for place, words in enumerate(clips)})


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_those_of_a_plain_comparison(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    prints = made_up(seed)
    expected, lowest = plain(prints)
    assert fingerprints.pairs(prints) == expected
    assert fingerprints.lowest_error(prints) == lowest
    monkeypatch.setattr(hits, "PASS_WORDS", 100)
    monkeypatch.setattr(hits, "BLOCK", 37)
    assert fingerprints.pairs(prints) == expected
    every = set(plain(prints, len(prints.words))[0])
    assert set(fingerprints.pairs(prints, exact=0)) <= every
    assert set(fingerprints.pairs(prints, most=len(prints.words) // 3)) <= every


def test_a_filter_and_fewer_words_still_find_copies() -> None:
    rng = np.random.default_rng(0)
    clips = rng.integers(1, 1 << 32, (200, 150), dtype=np.uint32)
    bits = np.packbits(rng.random((100, 150, 32)) < 0.02, axis=2).view(">u4")[..., 0]
    copies = np.roll(clips[:100], 7, axis=1) ^ bits.astype(np.uint32)
    words = {f"{place:064x}": clip for place, clip in enumerate([*clips, *copies])}
    prints = fingerprints.gather(words)
    planted = [(place, 200 + place) for place in range(100)]
    assert fingerprints.pairs(prints, exact=0) == planted
    assert fingerprints.pairs(prints, most=len(prints.words) // 4, exact=0) == planted


@pytest.mark.parametrize("count", [0, 1, 7, 60])
def test_the_file_is_the_one_that_safetensors_writes(tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(count)
    lengths = rng.integers(0, 50, count)
    words = {f"{k:064x}": rng.integers(0, 1 << 32, n, np.uint32) for k, n in enumerate(lengths)}
    prints = fingerprints.gather(words)
    audio = np.frombuffer(bytes.fromhex("".join(prints.audio)), np.uint8).reshape(count, 32)
    tensors: dict[str, NDArray[Any]] = {
        "audio": audio,
        "starts": prints.starts,
        "words": prints.words,
    }
    save_file(tensors, tmp_path / "theirs", {"format": "1"})
    fingerprints.write(tmp_path / "ours", prints)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    read = fingerprints.read(tmp_path / "ours")
    assert tuple(read.audio) == tuple(words)
    assert np.array_equal(read.starts, prints.starts) and np.array_equal(read.words, prints.words)


def test_digests_are_found_whatever_their_bytes() -> None:
    rows = np.zeros((4, 32), dtype=np.uint8)
    rows[1, 31], rows[2, 0], rows[3] = 1, 7, 255
    digests = Digests(rows)
    assert list(digests) == [row.tobytes().hex() for row in rows]
    assert digests[1:3] == [digests[1], digests[2]]
    assert digests.lacking(digests) == 0
    assert digests.lacking([digests[3], "07" * 32, "ff" * 31 + "fe"]) == 2
