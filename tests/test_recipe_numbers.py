"""Numbers that a recipe refuses before anything is computed with them."""

import pytest

from mtlser import recipe as recipes
from mtlser.errors import MtlserError


@pytest.mark.parametrize(
    "key",
    [
        "train.alpha",
        "train.beta",
        "train.learning_rate",
        "train.head_learning_rate",
        "train.weight_decay",
        "registry.margin",
    ],
)
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_a_weight_a_rate_and_a_margin_are_finite(key: str, value: str) -> None:
    """An infinite margin would promote every challenger, an infinite weight train to no number."""
    with pytest.raises(MtlserError, match=rf"{key} = {value}: Input should be "):
        recipes.load("demo", (f"{key}={value}",))


@pytest.mark.parametrize("key", ["search.alphas", "search.betas"])
def test_a_grid_is_finite(key: str) -> None:
    with pytest.raises(MtlserError, match="should be a finite number"):
        recipes.load("demo", (f"{key}=[0.1, inf]",))


def test_a_limit_may_be_infinite() -> None:
    assert recipes.load("demo", ("data.max_duration_s=inf",)).data.max_duration_s == float("inf")


@pytest.mark.parametrize("seed", [-1, 2**31, 2**33, 10**20])
def test_a_seed_that_a_generator_would_not_take_is_refused(seed: int) -> None:
    with pytest.raises(MtlserError, match=f"seed = {seed}: Input should be "):
        recipes.load("demo", (f"seed={seed}",))
