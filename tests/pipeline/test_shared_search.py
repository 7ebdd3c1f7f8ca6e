"""A search that several pods share: a loop of workers of one size, whatever the grid is."""

from pathlib import Path

import pytest

from mtlser.errors import MtlserError
from pipeline.dags import DAGS
from pipeline.dags import profile as profiles
from tests.helpers.compiled_dags import Node, documents

SHARED = """search_workers = 3
[[secrets]]
name = "mtlser-search"
key = "uri"
variable = "MTLSER_SEARCH_STORE"
"""


def shared(ir: Node) -> list[Node]:
    """The sub-pipelines of a search that several pods share."""
    return [
        component["dag"]
        for name, component in ir["components"].items()
        if name.startswith("comp-shared-search")
    ]


@pytest.mark.parametrize("dag", DAGS)
def test_workers_train_before_the_search_chooses(
    compiled: dict[str, dict[str, Path]], dag: str
) -> None:
    found = shared(documents(compiled["gpu-search"][dag])[0])
    assert len(found) == {"compare": 2, "retrain": 4}.get(dag, 1)
    for body in found:
        (name,) = (each for each in body["tasks"] if each.startswith("for-loop"))
        loop, search = body["tasks"][name], body["tasks"]["search"]
        assert loop["parameterIterator"]["items"]["raw"] == "[0, 1, 2, 3, 4, 5, 6, 7]"
        assert loop["iteratorPolicy"]["parallelismLimit"] == 8
        assert search["dependentTasks"] == [name]
        for key, value in loop["inputs"]["parameters"].items():
            assert "componentInputParameter" in value, f"{key}: of another step"


def test_a_pipeline_with_a_shared_search_is_small(compiled: dict[str, dict[str, Path]]) -> None:
    sizes = {name: path.stat().st_size for name, path in compiled["gpu-search"].items()}
    assert max(sizes["search"], sizes["crossval"]) < 200_000


@pytest.mark.parametrize("missing", ["search", "search_worker"])
def test_a_profile_with_workers_and_no_database_is_refused(tmp_path: Path, missing: str) -> None:
    other = next(step for step in profiles.STORED if step != missing)
    path = tmp_path / "mine.toml"
    path.write_text(f'{SHARED}steps = ["{other}"]\n')
    with pytest.raises(MtlserError, match=f"'{missing}' the variable MTLSER_SEARCH_STORE"):
        profiles.load(str(path))
    path.write_text(SHARED)
    assert profiles.load(str(path)).search_workers == 3
