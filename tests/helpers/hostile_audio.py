"""Audio files that were damaged, or were never any: bytes for the decoder to refuse."""

from collections.abc import Callable, Mapping

import numpy as np

EXTREMES = (
    b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7, b"\x80" + b"\0" * 7, b"\0\0\0\1" * 2,
    b"\xff\xff\xff\x7f" * 2, b"\0\x0f\x42\x40" * 2, b"\0\xe8\xd4\xa5\x10\0\0\0",
)  # fmt: skip
"""For fields of a header: all ones, zero, largest, smallest, 10^6, 10^12."""
Damage = Callable[[bytes, np.random.Generator], bytes]


def hostile(seed: int, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """What was done to which file, and the bytes: always the same for a seed.

    Args:
        seed: 0 or more.
        files: whole files by name.
    """
    rng = np.random.default_rng(seed)
    name = sorted(files)[int(rng.integers(len(files)))]
    written, done = files[name], []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        damage = DAMAGES[int(rng.integers(len(DAMAGES)))]
        written = damage(written, rng)
        done.append(damage.__name__)
    return f"{name} {' '.join(done)}", written


def cut(written: bytes, rng: np.random.Generator) -> bytes:
    return written[: int(rng.integers(len(written) + 1))]


def without_its_start(written: bytes, rng: np.random.Generator) -> bytes:
    return written[int(rng.integers(len(written) + 1)) :]


def flipped(written: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(written)
    for at in _places(rng, len(written), int(rng.choice([1, 3, 10, 100]))):
        changed[at] = int(rng.integers(256))
    return bytes(changed)


def flipped_in_the_header(written: bytes, rng: np.random.Generator) -> bytes:
    head = min(len(written), int(rng.choice([16, 64, 256, 2_048])))
    return flipped(written[:head], rng) + written[head:]


def extreme_field(written: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(written)
    for at in _places(rng, min(len(written), 4_096), int(rng.choice([1, 2, 5]))):
        size = int(rng.choice([1, 2, 4, 8]))
        field = EXTREMES[int(rng.integers(len(EXTREMES)))][:size]
        changed[at : at + size] = field[: max(len(changed) - at, 0)]
    return bytes(changed)


def extreme_field_at_the_end(written: bytes, rng: np.random.Generator) -> bytes:
    """Where MP4 has its index."""
    tail = max(len(written) - 2_048, 0)
    return written[:tail] + extreme_field(written[tail:], rng)


def random_after_the_header(written: bytes, rng: np.random.Generator) -> bytes:
    head = int(rng.choice([8, 40, 200, 1_000]))
    return written[:head] + rng.bytes(int(rng.integers(5_000)))


def part_twice(written: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(int(each) for each in rng.integers(0, len(written) + 1, 2))
    return written[:end] + written[start:]


def part_lost(written: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(written) + 1))
    return written[:start] + written[start + int(rng.choice([1, 7, 100, 3_000])) :]


def random(_written: bytes, rng: np.random.Generator) -> bytes:
    return rng.bytes(int(rng.integers(4_000)))


DAMAGES: tuple[Damage, ...] = (
    cut, without_its_start, flipped, flipped_in_the_header, extreme_field,
    extreme_field_at_the_end, random_after_the_header, part_twice, part_lost, random,
)  # fmt: skip


def _places(rng: np.random.Generator, size: int, count: int) -> list[int]:
    return [int(each) for each in rng.integers(0, size, count)] if size else []
