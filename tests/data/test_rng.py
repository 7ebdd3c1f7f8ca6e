import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlser.data.rng import generator, torch_seed


def test_a_stream_does_not_depend_on_what_was_drawn_before() -> None:
    alone = generator(3, "noise", "b").random(4).tolist()
    generator(3, "noise", "a").random(100)
    assert generator(3, "noise", "b").random(4).tolist() == alone


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "noise", "a"), (1, "noise", "a")),
        ((0, "noise", "a"), (0, "folds", "a")),
        ((0, "noise", "a"), (0, "noise", "b")),
        ((0, "ab", "c"), (0, "a", "bc")),
        ((1, "2", ""), (12, "", "")),
        ((0, "a:1:b", ""), (0, "a", "b")),
    ],
)
def test_each_part_counts(one: tuple[int, str, str], other: tuple[int, str, str]) -> None:
    assert generator(*one).random() != generator(*other).random()
    assert torch_seed(*one) != torch_seed(*other)


def test_the_values_are_fixed_across_versions_and_processes() -> None:
    assert torch_seed(0, "batches", "f0") == 1169776061412817633
    program = "from mtlser.data.rng import generator; print(generator(7, 'x', 'y').integers(10**9))"
    drawn = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert int(drawn) == generator(7, "x", "y").integers(10**9)


@given(st.integers(0, 2**70), st.text(), st.text())
def test_torch_takes_every_seed(seed: int, purpose: str, identity: str) -> None:
    assert 0 <= torch_seed(seed, purpose, identity) < 2**63
