"""Random generators derived from (seed, purpose, id), never from call order or worker."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, id: str = "") -> np.random.Generator:  # noqa: A002
    """A generator that depends on the three values alone.

    Args:
        seed: the recipe's seed, 0 or more.
        purpose: what is drawn, for example `noise`; two purposes never share a stream.
        id: what it is drawn for, for example an utterance id.

    >>> first, again = generator(0, "noise", "a"), generator(0, "noise", "a")
    >>> bool(first.integers(1000) == again.integers(1000))
    True
    """
    return np.random.default_rng(int.from_bytes(_digest(seed, purpose, id), "little"))


def torch_seed(seed: int, purpose: str, id: str = "") -> int:  # noqa: A002
    """A seed for `torch.Generator.manual_seed`, 0 to 2**63 - 1, from the three values alone.

    >>> torch_seed(0, "batches", "f0") == torch_seed(0, "batches", "f0")
    True
    >>> torch_seed(0, "batches", "f0") == torch_seed(0, "batches", "f1")
    False
    """
    return int.from_bytes(_digest(seed, purpose, id)[:8], "little") >> 1


def _digest(seed: int, purpose: str, identity: str) -> bytes:
    """16 bytes; the lengths keep ("a", "bc") and ("ab", "c") apart."""
    text = f"{seed}:{len(purpose)}:{purpose}:{len(identity)}:{identity}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
