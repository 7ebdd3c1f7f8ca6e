"""One run a pair in MLflow, however alike two pairs are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

from mtlser import recipe, tracking
from mtlser.training import logs

WEIGHTS = st.floats(0, 1e6, allow_nan=False)


@pytest.mark.usefixtures("mlflow_store")
def test_weights_that_differ_in_the_seventh_digit_have_runs_of_their_own() -> None:
    with tracking.parent(recipe.load("demo"), "job") as parent:
        runs = [logs.pair_run(parent, alpha, 0.5).id for alpha in (0.3, 0.1 + 0.2, 0.30000001)]
        assert len(set(runs)) == 3
        told = [MlflowClient().get_run(str(run)).data.params["hp.alpha"] for run in runs]
    assert list(map(float, told)) == [0.3, 0.1 + 0.2, 0.30000001]


class _Named:
    """Remembers the keys of its children."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def child(self, key: str, name: str) -> "_Named":
        self.keys.append(key)
        return self

    def params(self, values: dict[str, float]) -> None:
        """Drops parameters."""


@given(WEIGHTS, st.sampled_from([0.0, 1e-15, 1e-9, 1e-7, 1e-5, 1.0]))
def test_two_pairs_share_a_run_where_they_are_the_same_alone(one: float, more: float) -> None:
    parent, other = _Named(), one * (1 + more)
    for alpha in (one, other):
        logs.pair_run(parent, alpha, 0.5)  # type: ignore[arg-type]
    assert (len(set(parent.keys)) == 1) == (one == other)


def test_round_weights_are_named_as_before() -> None:
    parent = _Named()
    logs.pair_run(parent, 0.1, 1.0)  # type: ignore[arg-type]
    assert parent.keys == ["a0.1-b1"]
