"""The compiled DAGs against golden files of one profile; the others against that one."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.dags import DAGS
from tests.helpers.compiled_dags import documents

GOLDEN = Path(__file__).parents[1] / "golden" / "gpu"
Place = tuple[str, ...]
DIFFERENCES = {
    "cpu": Counter(
        {
            ("resources.accelerator", "None"): 19,
            ("tolerations", "None"): 19,
            ("env.value", "45"): 4,  # cells that a run has room for
        }
    ),
    "gpu-pool": Counter(
        {
            ("resources.cpuRequest", "16.0"): 11,
            ("resources.memoryLimit", "68.719476736"): 11,
            ("resources.memoryRequest", "68.719476736"): 11,
            ("resources.resourceCpuRequest", "16"): 11,
            ("resources.resourceMemoryLimit", "64Gi"): 11,
            ("resources.resourceMemoryRequest", "64Gi"): 11,
            ("nodeSelector", "{'labels': {'mtlser.io/pool': 'gpu'}}"): 19,
            ("emptyDirMounts.sizeLimit", "16Gi"): 11,
            ("iteratorPolicy.parallelismLimit", "4"): 7,
            ("runtimeValue.constant", "4.0"): 11,
            ("accelerator.count", "4"): 11,
            ("accelerator.resourceCount", "4"): 11,
        }
    ),
}
"""Of the golden profile, over all DAGs: the end of a key and its value -> how often."""


def test_ir_is_the_golden_files(compiled: dict[str, dict[str, Path]]) -> None:
    advice = "a DAG or profile changed: look at the difference, then run `make golden`"
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(DAGS), advice
    for name, path in compiled["gpu"].items():
        golden = GOLDEN / f"{name}.yaml"
        assert path.read_text(encoding="utf-8") == golden.read_text(encoding="utf-8"), advice


@pytest.mark.parametrize("profile", DIFFERENCES)
def test_another_profile_differs_in_what_steps_ask_for_alone(
    compiled: dict[str, dict[str, Path]], profile: str
) -> None:
    """Every value that is not the golden profile's, with the number of steps that have it."""
    assert {"gpu", "gpu-search", *DIFFERENCES} == set(compiled)
    seen = Counter(
        (".".join(place[-2:]), other)
        for name, path in compiled[profile].items()
        for one, two in zip(documents(GOLDEN / f"{name}.yaml"), documents(path), strict=True)
        for place, other in differences(one, two)
    )
    assert seen == DIFFERENCES[profile]


def differences(one: Any, other: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[Place, str]]:
    """Yields where `other` differs and what it has there, as text; `None`: nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), (*place, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for first, second in zip(one, other, strict=True):
            yield from differences(first, second, place)
    elif one != other:
        yield tuple(key for key in place if not key.startswith(("exec-", "comp-"))), str(other)
